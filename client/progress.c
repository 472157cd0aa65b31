/* SPDX-License-Identifier: Apache-2.0 */
#include "client/progress.h"

#include "client/pace.h"
#include "client/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR_MAX = 40, BAR_MIN = 8 };

struct progress {
    char *title;
    bool quiet, terminal;
    bool open; /* the terminal's cursor stands on our line */
    const char *word;
    const char *unit;
    int64_t done, dead, total;
    struct pace pace;
    int tenth;           /* last one written as a plain line; -1: none */
    const char *written; /* last word written as a plain line */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct progress *progress_new(const char *title, bool quiet)
{
    struct progress *p = text_need(calloc(1, sizeof *p));
    const char *kind = getenv("TERM");
    p->title = text_copy(title);
    p->quiet = quiet;
    p->terminal = isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
    p->tenth = -1;
    return p;
}

static void clear_line(struct progress *p)
{
    if (p->open)
        fputs("\r\033[K", stderr);
    p->open = false;
}

struct progress *progress_free(struct progress *p)
{
    if (!p)
        return NULL;
    if (p->open)
        putc('\n', stderr);
    free(p->title);
    free(p);
    return NULL;
}

static char *rate_words(double per_second)
{
    if (per_second >= 1)
        return text_printf("%.*f/s", per_second < 100, per_second);
    if (per_second * 60 >= 1)
        return text_printf("%.1f/min", per_second * 60);
    return text_printf("%.1f/h", per_second * 3600);
}

static char *duration_words(double seconds)
{
    if (seconds > 99 * 86400.0)
        return text_copy("months");
    int64_t s = (int64_t)(seconds + 0.5);
    if (s < 60)
        return text_printf("%d s", (int)s);
    if (s < 3600)
        return text_printf("%d min %02d s", (int)(s / 60), (int)(s % 60));
    if (s < 86400)
        return text_printf("%d h %02d min", (int)(s / 3600), (int)(s / 60 % 60));
    return text_printf("%d d %d h", (int)(s / 86400), (int)(s / 3600 % 24));
}

static double part_of(const struct progress *p)
{
    double part = p->total > 0 ? (double)(p->done + p->dead) / (double)p->total : 0;
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

/* "10 of 24 members, 1 dead, 3.1/s, 5 s left" */
static char *state_words(const struct progress *p)
{
    char *dead = p->dead ? text_printf(", %lld dead", (long long)p->dead) : text_copy("");
    char *pace = text_copy("");
    int64_t left = p->total - p->done - p->dead;
    double per_second, seconds;
    if (left > 0 && pace_tell(&p->pace, now(), left, &per_second, &seconds)) {
        char *rate = rate_words(per_second), *time_left = duration_words(seconds);
        free(pace);
        pace = text_printf(", %s, %s left", rate, time_left);
        free(rate);
        free(time_left);
    }
    char *words = text_printf("%lld of %lld %s%s%s", (long long)p->done, (long long)p->total,
                              p->unit, dead, pace);
    free(dead);
    free(pace);
    return words;
}

static int terminal_width(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

static void draw(struct progress *p)
{
    char *words = p->pace.counted ? state_words(p) : text_copy(p->word ? p->word : "");
    double part = part_of(p);
    int width = terminal_width();
    char *head =
        p->pace.counted ? text_printf("%3d %%  %s", (int)(part * 100), words) : text_copy(words);
    int bar = width - 1 - text_width(p->title) - 4 - text_width(head);
    bar = bar > BAR_MAX ? BAR_MAX : bar;
    fputs("\r", stderr);
    text_put(stderr, p->title);
    putc(' ', stderr);
    if (p->pace.counted && bar >= BAR_MIN) {
        putc('[', stderr);
        for (int i = 0; i < bar; i++)
            text_put(stderr, i < (int)(part * bar + 0.5) ? "#" : "-");
        fputs("] ", stderr);
    }
    /* A line that wraps could not be redrawn. */
    int room = width - 2 - text_width(p->title);
    if (room < (int)strlen(head))
        head[room > 0 ? room : 0] = '\0';
    text_put(stderr, head);
    fputs("\033[K", stderr);
    fflush(stderr);
    p->open = true;
    free(head);
    free(words);
}

static void write_plain(struct progress *p)
{
    double part = part_of(p);
    int tenth = (int)(part * 10);
    if (p->pace.counted && tenth != p->tenth) {
        char *words = state_words(p);
        text_complain("%s: %d %%, %s", p->title, (int)(part * 100), words);
        free(words);
        p->tenth = tenth;
    } else if (!p->pace.counted && p->word && p->word != p->written) {
        text_complain("%s: %s", p->title, p->word);
        p->written = p->word;
    }
}

static void show(struct progress *p)
{
    if (p->quiet)
        return;
    if (p->terminal)
        draw(p);
    else
        write_plain(p);
}

void progress_update(struct progress *p, int64_t done, int64_t dead, int64_t total,
                     const char *unit)
{
    pace_count(&p->pace, now(), done + dead);
    p->done = done;
    p->dead = dead;
    p->total = total;
    p->unit = unit;
    show(p);
}

void progress_word(struct progress *p, const char *word)
{
    p->word = word;
    if (!p->pace.counted)
        show(p);
}

void progress_tick(struct progress *p)
{
    if (p->terminal)
        show(p);
}

void progress_note(struct progress *p, const char *format, ...)
{
    char *s = NULL;
    va_list arguments;
    va_start(arguments, format);
    text_need(vasprintf(&s, format, arguments) < 0 ? NULL : s);
    va_end(arguments);
    clear_line(p);
    text_complain("%s", s);
    free(s);
    progress_tick(p);
}

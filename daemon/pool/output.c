/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/output.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/mem.h"
#include "proto/where.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    CHUNK = 65536,           /* what a pipe holds, and a turn takes */
    LAST_CHUNKS = 64,        /* of a worker that is dead */
    MARK_SIZE = 48,          /* at most, with its line feed */
    DROPPED_EVERY_MS = 1000, /* told */
    UNFINISHED_MS = 500      /* between looks at whose a line is that was begun */
};

/* Whose output: job 0 is nobody's. */
struct origin {
    int64_t job, member;
};

struct output {
    struct loop *loop;
    const char *worker;
    int where, fd;
    bool is_watched;
    struct origin here;    /* of what is read now, by the page … */
    struct origin at;      /* … or by the mark that follows */
    struct origin line_at; /* of the line that is being read */
    char line[OUTPUT_LINE];
    size_t used;
    bool is_cut;
    int64_t look_due; /* where a line was begun */
    /* A line costs one; there are at most OUTPUT_BURST. In thousandths. */
    int64_t allowance, allowed_at;
    unsigned long dropped;
    int64_t dropped_since;
    struct origin last_at;
    char last[OUTPUT_LINE + 1];
    struct {
        struct origin at;
        char *text;
    } tail[OUTPUT_TAIL]; /* a ring, of … */
    size_t n_told;       /* … so many lines */
};

/* ---- lines ---- */

static const char *prefix(const struct output *o, const struct origin *at, char *ret, size_t size)
{
    if (at->job <= 0)
        snprintf(ret, size, "worker %s", o->worker);
    else if (at->member < 0)
        snprintf(ret, size, "worker %s, job %" PRId64, o->worker, at->job);
    else
        snprintf(ret, size, "worker %s, job %" PRId64 ", member %" PRId64, o->worker, at->job,
                 at->member);
    return ret;
}

static void tell_dropped(struct output *o)
{
    char who[128];
    if (o->dropped == 0)
        return;
    log_warning("%s: prints faster than %d lines a second: %lu %s dropped",
                prefix(o, &o->at, who, sizeof who), OUTPUT_RATE, o->dropped,
                o->dropped == 1 ? "line was" : "lines were");
    o->dropped = 0;
}

static bool is_allowed(struct output *o)
{
    int64_t now = loop_now();
    o->allowance += (now - o->allowed_at) * OUTPUT_RATE;
    o->allowed_at = now;
    if (o->allowance > OUTPUT_BURST * 1000)
        o->allowance = OUTPUT_BURST * 1000;
    if (o->allowance >= 1000) {
        o->allowance -= 1000;
        return true;
    }
    if (o->dropped++ == 0)
        o->dropped_since = now;
    return false;
}

static void keep_line(struct output *o, size_t size)
{
    size_t at = o->n_told++ % OUTPUT_TAIL;
    free(o->tail[at].text);
    o->tail[at].text = mem_printf("%.*s", (int)size, o->last);
    o->tail[at].at = o->last_at;
}

static void tell(struct output *o, const struct origin *at, const char *text, size_t size)
{
    char who[128];
    while (size > 0 && (text[size - 1] == '\r' || text[size - 1] == ' '))
        size--;
    if (size == 0)
        return;
    memcpy(o->last, text, size);
    o->last[size] = '\0';
    o->last_at = *at;
    keep_line(o, size);
    if (!is_allowed(o))
        return;
    for (size_t i = 0; i < size; i++) /* the log takes a text that ends with NUL */
        o->last[i] = o->last[i] ? o->last[i] : ' ';
    log_info("%s: %s%s", prefix(o, at, who, sizeof who), o->last, o->is_cut ? "…" : "");
}

/* Reads "WHERE_MARK JOB MEMBER" at `text`, of `size` bytes. */
static bool read_mark(const char *text, size_t size, struct origin *ret)
{
    char copy[MARK_SIZE] = "";
    int n = 0;
    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    return sscanf(copy + 1, "%" SCNd64 " %" SCNd64 "%n", &ret->job, &ret->member, &n) == 2 &&
           (size_t)n + 1 == size && ret->job >= 0 && ret->member >= -1;
}

static void end_line(struct output *o)
{
    struct origin marked;
    const char *mark = o->used ? memrchr(o->line, WHERE_MARK, o->used) : NULL;
    if (mark && read_mark(mark, o->used - (size_t)(mark - o->line), &marked))
        tell(o, &marked, o->line, (size_t)(mark - o->line));
    else
        tell(o, &o->line_at, o->line, o->used);
    o->used = 0;
    o->is_cut = false;
}

static void add_text(struct output *o, const char *text, size_t size)
{
    size_t room = sizeof o->line - o->used;
    size_t n = size < room ? size : room;
    if (o->used == 0)
        o->line_at = o->at;
    memcpy(o->line + o->used, text, n);
    o->used += n;
    o->is_cut |= n < size;
}

/* A line that a member did not finish is not the next one's. */
static void end_unfinished(struct output *o)
{
    bool is_same = o->line_at.job == o->at.job && o->line_at.member == o->at.member;
    if (o->used > 0 && !is_same && !memchr(o->line, WHERE_MARK, o->used))
        end_line(o);
}

static void add_lines(struct output *o, const char *text, size_t size)
{
    end_unfinished(o);
    const char *end;
    while (size > 0 && (end = memchr(text, '\n', size))) {
        size_t n = (size_t)(end - text);
        add_text(o, text, n);
        end_line(o);
        text += n + 1;
        size -= n + 1;
    }
    add_text(o, text, size);
}

/* ---- chunks ---- */

/* Where the next mark, with its line feed, ends; NULL: there is none. */
static const char *find_mark(const char *text, size_t size, struct origin *ret)
{
    const char *at = text, *end = text + size;
    while (at < end && (at = memchr(at, WHERE_MARK, (size_t)(end - at)))) {
        size_t most = (size_t)(end - at) < MARK_SIZE ? (size_t)(end - at) : MARK_SIZE;
        const char *newline = memchr(at, '\n', most);
        if (newline && read_mark(at, (size_t)(newline - at), ret))
            return newline + 1;
        at++;
    }
    return NULL;
}

static void add_chunk(struct output *o, const char *text, size_t size)
{
    while (size > 0) {
        struct origin marked;
        const char *end = find_mark(text, size, &marked);
        size_t n = end ? (size_t)(end - text) : size;
        o->at = end ? marked : o->here;
        add_lines(o, text, n);
        text += n;
        size -= n;
    }
}

/* What stands in the pipe was printed by the member that the page tells before it is read; unless
 * that has ended, and then there is a mark. False where the pipe is empty, or at its end. */
static bool take(struct output *o)
{
    char chunk[CHUNK];
    struct where_at at;
    o->here = (struct origin){0, -1};
    if (where_read(o->where, &at))
        o->here = (struct origin){at.job, at.member};
    ssize_t n;
    do
        n = read(o->fd, chunk, sizeof chunk);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        add_chunk(o, chunk, (size_t)n);
        o->look_due = loop_now() + UNFINISHED_MS;
    } else {
        o->at = o->here;
        end_unfinished(o);
    }
    if (n == 0 && o->is_watched) { /* nobody can print any more */
        loop_remove_fd(o->loop, o->fd);
        o->is_watched = false;
    }
    return n > 0;
}

static void on_readable(void *output, uint32_t events)
{
    (void)events;
    take(output);
}

/* ---- life ---- */

int output_new(struct loop *loop, const char *worker, int where, struct output **ret_output,
               int *ret_fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int r = 0;
    struct output *o = mem_new(sizeof *o);
    *o = (struct output){.loop = loop, .worker = worker, .where = where, .fd = ends[0]};
    o->allowance = OUTPUT_BURST * 1000;
    o->allowed_at = loop_now();
    r = loop_add_fd(loop, o->fd, EPOLLIN, on_readable, o);
    o->is_watched = r == 0;
    if (r < 0) {
        close(ends[1]);
        output_free(o);
        return r;
    }
    *ret_output = o;
    *ret_fd = ends[1];
    return 0;
}

void output_drain(struct output *o)
{
    for (int i = 0; i < LAST_CHUNKS && take(o); i++)
        ;
    if (o->used > 0)
        end_line(o);
    tell_dropped(o);
}

struct output *output_free(struct output *o)
{
    if (!o)
        return NULL;
    if (o->is_watched)
        loop_remove_fd(o->loop, o->fd);
    close(o->fd);
    for (size_t i = 0; i < OUTPUT_TAIL; i++)
        free(o->tail[i].text);
    free(o);
    return NULL;
}

/* A member whose unfinished line had been read when it ended left no mark. */
static int64_t look_for_end(struct output *o, int64_t now)
{
    if (o->used > 0 && now >= o->look_due) {
        o->look_due = now + UNFINISHED_MS;
        take(o);
    }
    return o->used > 0 ? o->look_due : INT64_MAX;
}

int64_t output_tick(struct output *o, int64_t now)
{
    int64_t look_due = look_for_end(o, now);
    if (o->dropped > 0 && now - o->dropped_since >= DROPPED_EVERY_MS)
        tell_dropped(o);
    int64_t told_due = o->dropped > 0 ? o->dropped_since + DROPPED_EVERY_MS : INT64_MAX;
    return look_due < told_due ? look_due : told_due;
}

const char *output_last(const struct output *o, int64_t job, int64_t member)
{
    return o->last_at.job == job && o->last_at.member == member ? o->last : "";
}

char *output_tail(const struct output *o, int64_t job, int64_t member)
{
    struct buffer text = {0};
    for (size_t i = o->n_told > OUTPUT_TAIL ? o->n_told - OUTPUT_TAIL : 0; i < o->n_told; i++) {
        size_t at = i % OUTPUT_TAIL;
        if (o->tail[at].at.job == job && o->tail[at].at.member == member)
            buffer_printf(&text, "%s\n", o->tail[at].text);
    }
    return buffer_take(&text);
}

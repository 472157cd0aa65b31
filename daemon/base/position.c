/* SPDX-License-Identifier: Apache-2.0 */
#include "base/position.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOLD_MOST = 3 /* lanes of several, of which any may have ended it */ };

const char *position_function(int function)
{
    static const char *const names[POSITION_FUNCTIONS] = {"initialize", "run_step", "finalize_step",
                                                          "finalize",   "compute",  "validate",
                                                          "convert",    "save",     "restore"};
    return function >= 0 && function < POSITION_FUNCTIONS ? names[function] : "?";
}

/* ---- whoever stands there ---- */

void position_clear(struct position_board *b, uint64_t owner)
{
    for (int i = 0; i < POSITION_LANES; i++) {
        position_set(&b->lanes[i], 0);
        atomic_store_explicit(&b->lanes[i].thread, 0, memory_order_relaxed);
    }
    atomic_store(&b->step, -1);
    atomic_store(&b->ended_lane, 0);
    atomic_store(&b->owner, owner);
    b->note[0] = '\0';
}

void position_add_name(struct position_board *b, size_t *at, const char *name, const char *type)
{
    if (*at >= POSITION_NAMES)
        return;
    size_t room = POSITION_NAMES - *at;
    int n = snprintf(b->names + *at, room, "'%s' (%s)", name, type);
    if (n < 0 || (size_t)n >= room) {
        memset(b->names + *at, 0, room);
        *at = POSITION_NAMES;
        return;
    }
    *at += (size_t)n + 1;
    if (*at < POSITION_NAMES)
        b->names[*at] = '\0';
}

void position_ends_here(struct position_board *b)
{
    pid_t thread = gettid();
    for (int i = 0; i < POSITION_LANES; i++)
        if (atomic_load_explicit(&b->lanes[i].thread, memory_order_relaxed) == thread)
            atomic_store(&b->ended_lane, i + 1);
}

/* ---- whoever reads it ---- */

/* By number; "": there is none. */
static const char *name_of(const struct position_board *b, uint32_t process)
{
    const char *at = b->names, *end = b->names + POSITION_NAMES;
    for (uint32_t i = 0; i < process && at < end; i++) {
        const char *nul = memchr(at, '\0', (size_t)(end - at));
        at = nul && nul > at ? nul + 1 : end;
    }
    return at < end && memchr(at, '\0', (size_t)(end - at)) ? at : "";
}

static void add(char ret[POSITION_TEXT], const char *text)
{
    size_t n = strlen(ret);
    snprintf(ret + n, POSITION_TEXT - n, "%s", text);
}

static void add_lane(const struct position_board *b, int lane, char ret[POSITION_TEXT])
{
    uint64_t at = position_get(&b->lanes[lane]);
    uint32_t process = (uint32_t)at;
    int64_t step = atomic_load(&b->step);
    char name[160], text[256], when[40] = "";
    const char *known = name_of(b, process);
    text_printable(known, strlen(known), name, sizeof name);
    if (!*name)
        snprintf(name, sizeof name, "number %" PRIu32, process);
    if (step >= 0)
        snprintf(when, sizeof when, " of step %" PRId64, step);
    snprintf(text, sizeof text, "process %s, %s%s", name, position_function((int)(at >> 32) - 1),
             when);
    add(ret, text);
}

static void add_note(const struct position_board *b, char ret[POSITION_TEXT])
{
    char note[POSITION_NOTE];
    text_printable(b->note, strnlen(b->note, sizeof b->note), note, sizeof note);
    if (*note) {
        add(ret, ": ");
        add(ret, note);
    }
}

bool position_text(const struct position_board *b, char ret[POSITION_TEXT])
{
    int64_t ended = atomic_load(&b->ended_lane) - 1;
    bool is_known = ended >= 0 && ended < POSITION_LANES && position_get(&b->lanes[ended]) != 0;
    int n = 0;
    *ret = '\0';
    if (is_known)
        add_lane(b, (int)ended, ret);
    for (int i = 0; i < POSITION_LANES && !is_known; i++) {
        if (position_get(&b->lanes[i]) == 0 || n++ >= TOLD_MOST)
            continue;
        add(ret, n > 1 ? ", or " : "");
        add_lane(b, i, ret);
    }
    if (n > TOLD_MOST)
        add(ret, ", or another");
    add_note(b, ret);
    return is_known || n > 0;
}

/* From `text` up to `end`; what follows it, or NULL. */
static const char *read_until(const char *text, const char *end, char *ret, size_t size)
{
    const char *found = text ? strstr(text, end) : NULL;
    if (!found || (size_t)(found - text) >= size)
        return NULL;
    memcpy(ret, text, (size_t)(found - text));
    ret[found - text] = '\0';
    return found + strlen(end);
}

bool position_read(const char *text, struct position_words *ret)
{
    static const char begin[] = "process '";
    struct position_words words = {.step = -1};
    const char *at = strstr(text, begin);
    at = read_until(at ? at + strlen(begin) : NULL, "' (", words.process, sizeof words.process);
    at = read_until(at, "), ", words.type, sizeof words.type);
    size_t n = at ? strspn(at, "abcdefghijklmnopqrstuvwxyz_") : 0;
    if (n == 0 || n >= sizeof words.function)
        return false;
    memcpy(words.function, at, n);
    if (sscanf(at + n, " of step %" SCNd64, &words.step) != 1)
        words.step = -1;
    *ret = words;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "library/sweeper.h"

#include "base/aside.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

enum { DAY_SECONDS = 86400, DAY_MS = 1000 * DAY_SECONDS, PAUSE_MS = 30000 /* where it failed */ };

struct sweeper {
    struct aside *aside;
    struct copies *copies;
    sweeper_needed_fn needed;
    void *userdata;
    json_t *hashes; /* that are needed, as far as `cursor`; NULL: not begun */
    int64_t cursor;
    int64_t due;
    bool is_busy;
};

struct sweeper *sweeper_new(struct aside *aside, struct copies *copies, sweeper_needed_fn needed,
                            void *userdata)
{
    struct sweeper *s = mem_new(sizeof *s);
    *s = (struct sweeper){.aside = aside, .copies = copies, .needed = needed, .userdata = userdata};
    return s;
}

struct sweeper *sweeper_free(struct sweeper *s)
{
    if (s)
        json_decref(s->hashes);
    free(s);
    return NULL;
}

bool sweeper_is_busy(const struct sweeper *s)
{
    return s->is_busy;
}

/* ---- one sweep ---- */

struct sweeping {
    struct sweeper *sweeper;
    json_t *needed;
    int n, result;
    struct error why;
};

/* What was needed until now was touched by the sweep before, a day ago. */
static void sweep(void *task)
{
    struct sweeping *s = task;
    s->result = copies_sweep(s->sweeper->copies, s->needed, 2 * DAY_SECONDS, &s->n, &s->why);
}

static void swept(void *task)
{
    struct sweeping *s = task;
    if (s->result)
        log_warning("%s", s->why.message);
    if (s->n > 0)
        log_info("%d copies of libraries that nobody needs were removed", s->n);
    s->sweeper->is_busy = false;
    json_decref(s->needed);
    free(s);
}

static void start(struct sweeper *s, const struct originals *offered)
{
    struct sweeping *task = mem_new(sizeof *task);
    *task = (struct sweeping){.sweeper = s, .needed = s->hashes};
    s->hashes = NULL;
    for (size_t i = 0; i < offered->n; i++)
        if (*offered->list[i].hash)
            json_object_set_new(task->needed, offered->list[i].hash, json_true());
    s->is_busy = true;
    aside_run(s->aside, sweep, swept, task);
}

/* ---- when ---- */

int64_t sweeper_tick(struct sweeper *s, const struct originals *offered, int64_t now)
{
    if (s->is_busy || now < s->due)
        return s->is_busy ? INT64_MAX : s->due;
    if (!s->hashes)
        s->hashes = json_object();
    if (s->needed(s->userdata, &s->cursor, s->hashes) < 0) {
        s->due = now + PAUSE_MS;
        return s->due;
    }
    if (s->cursor != 0)
        return now; /* the rest in another turn */
    s->due = now + DAY_MS;
    start(s, offered);
    return INT64_MAX;
}

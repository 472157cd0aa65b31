/* SPDX-License-Identifier: Apache-2.0 */
/* What takes longer than a small request may is done on the threads of an aside (base/aside.h,
 * whose rules hold), while the request's connection is suspended.
 *
 * Invariants
 *  1. What is heavy (parsing, building, writing of documents) runs one at a time: it may take many
 *     times the memory of its document, and other work finds a free thread. At most WORK_WAITING
 *     wait for it.
 *  2. What is light (a piece of an upload, an fsync) is bounded by who gives it.
 *  3. Each piece of work that was taken is done once, also where the service stops.
 *  4. What others do (work_outside) is bounded by them. */
#ifndef HTTP_WORK_H
#define HTTP_WORK_H

#include "base/errors.h"

#include <stdbool.h>
#include <stddef.h>

enum { WORK_WAITING = 64 };

struct aside;
struct http;
struct request;
struct work;

struct work_line {
    struct work *first, **end; /* heavy, not yet begun */
    unsigned n;                /* of these */
    unsigned n_aside;          /* of both kinds, under way */
    bool is_heavy;             /* one of these is heavy */
    struct work *outside;      /* what others do */
};

/* Results are those of handlers. */
struct work_kind {
    bool is_heavy;
    /* On a thread, with `task` alone; words in `e`. */
    int (*work)(void *task, struct error *e);
    /* On the loop's, with work's result (-ECANCELED, with words: it was not begun, since the
     * service stops): gives the answer, or the result that becomes it, or goes on with other work;
     * and sees to `task`. */
    int (*done)(struct request *r, void *task, int result, struct error *e);
    /* On the loop's, before heavy work begins: whether it needs not be done any more. May be NULL.
     */
    bool (*is_needless)(struct request *r, void *task);
};

/* For a handler, or a body's sink, to return: 0 where the work was taken; PROBLEM_BUSY where too
 * much waits (then `done` is not called). `goes_on`: it is a further part of work that was taken,
 * and is not refused. */
int work_aside(struct request *r, const struct work_kind *kind, void *task, bool goes_on,
               struct error *e);

/* The request waits for what another module of the daemon does (`kind` has no `work`), which tells
 * that it has ended by work_end, on the loop's thread; or no more at all, once the service stops.
 */
struct work *work_outside(struct request *r, const struct work_kind *kind, void *task);
void work_end(struct work *w, int result, const struct error *e);

/* Heavy work that has not begun is refused, what is under way is waited for, what others do is
 * given up. */
void work_stop(struct http *h);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of jobs that are not submitted: simlab-worker plan, in a directory of its own below
 * <scratch>/plans, beside the workers and confined as they are. One at a time runs; what it has
 * made is removed when it has ended, whatever the end, or when the next daemon starts.
 *
 * Functions are called by the loop's thread. */
#ifndef POOL_PLANNER_H
#define POOL_PLANNER_H

#include "base/buffer.h"
#include "base/errors.h"
#include "base/loop.h"
#include "base/sandbox_mode.h"

struct planner;
struct plan;

struct planner_options {
    const char *program; /* simlab-worker */
    const char *scratch, *libraries, *uploads;
    enum sandbox_mode sandbox;
    const char *state;           /* as in pool_options; or NULL */
    const char *const *writable; /* likewise; borrowed */
};

struct planner_job {       /* copied */
    const char *document;  /* as normalized */
    const char *libraries; /* JSON {name: hash} */
    const char *from;      /* the store that it starts from; or NULL */
};

/* 0 and what simlab-worker has printed (worker/worker.h); POOL_FAILED, also where it was stopped;
 * -errno; with words. */
typedef void (*planner_fn)(void *userdata, int result, const struct buffer *text,
                           const struct error *e);

/* 0 or -errno, with words. */
int planner_open(struct loop *loop, const struct planner_options *o, struct planner **ret_planner,
                 struct error *e);
/* Stops all, and waits: `done` is called for each. Returns NULL. */
struct planner *planner_close(struct planner *p);

/* 0, and `done` is called once; the plan lives until then. POOL_BUSY where several wait. */
int planner_run(struct planner *p, const struct planner_job *job, planner_fn done, void *userdata,
                struct plan **ret_plan, struct error *e);
/* Nobody wants it any more. */
void planner_stop(struct plan *plan);

#endif

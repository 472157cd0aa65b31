/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of run_child.h share; each uses only those before it: run_child_job,
 * run_child_events, run_child_profile, run_child_plan, run_child. */
#ifndef WORKER_RUN_CHILD_PARTS_H
#define WORKER_RUN_CHILD_PARTS_H

#include "base/json.h"
#include "proto/where.h"
#include "proto/wire.h"
#include "worker/clean_room.h"
#include "worker/pinned.h"
#include "worker/range_runner.h"
#include "worker/run_child.h"
#include "worker/threads.h"

/* The only job and lease that there are. */
enum { RUN_JOB = 1, RUN_LEASE = 1 };

struct run_work {
    const struct run_child *child;
    struct where *where;
    struct clean_room *room;
    bool is_helper;
    json_t *document;
    char files[HASH_TEXT_SIZE]; /* what run_facts has */
    struct threads *threads;
    struct libraries *libraries;
    const struct registry *registry;
    struct job *job;
    struct range_runner *runner;
    json_t *profile, *trace; /* of what ran so far; NULL: nobody asks */
    char *layout;            /* as it was told, or NULL */
    char *from;              /* as struct job_store has it */
    struct run_ledger own;   /* its dead are those that failed in this process */
    bool is_held;            /* what is late is decided by members before it first */
    struct pinned *pinned;   /* of a daemon's job: has the libraries; or NULL */
    int64_t started;         /* rest_now() */
    struct error *failure; /* of a plan: why its last member failed; then that is not logged … */
    struct planning *planning; /* … and what run_child_plan.c has of it */
};

/* The libraries, and the job of the document that was given; all that can be refused is. */
int run_child_job_build(struct run_work *w, struct error *e);
/* What the libraries of the job contain. */
void run_child_job_hash(const struct run_work *w, char ret[HASH_TEXT_SIZE]);
/* They lie where anybody may replace them: WORKER_TROUBLE where they are not those of the first
 * process. */
int run_child_job_compare(const struct run_work *w, struct error *e);

/* Of its store; without a layout, `first` is to be set. */
struct job_store run_child_store(const struct run_work *w);

/* ---- run_child_events.c ---- */

/* Without the process above us there is nobody to tell: then this one ends. */
void run_child_say(const struct run_work *w, const struct wire_message *m);
/* Which become messages, and lines of the log. */
struct range_events run_child_events(struct run_work *w);

/* ---- run_child_profile.c ---- */

/* Before its runner is freed. */
void run_child_profile_keep(struct run_work *w);
/* To standard output, and the files that were asked for. */
void run_child_profile_tell(struct run_work *w);

/* ---- run_child_plan.c ---- */

/* Runs the first member, and writes the plan. `r`: what came of preparing the job, with words. */
void run_child_plan(struct run_work *w, int r, const struct error *why);

#endif

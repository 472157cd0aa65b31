/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_child_parts.h"

#include "base/log.h"
#include "base/mem.h"
#include "stage/rest.h"
#include "store/claim.h"
#include "worker/closing.h"
#include "worker/fault.h"
#include "worker/helping.h"
#include "worker/run_journal.h"
#include "worker/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void work_clear(struct run_work *w)
{
    range_runner_free(w->runner);
    run_ledger_clear(&w->own);
    free(w->layout);
    free(w->from);
    job_free(w->job);
    json_decref(w->document);
    json_decref(w->profile);
    json_decref(w->trace);
    registry_unref(w->registry);
    if (!w->pinned)
        libraries_free(w->libraries);
    pinned_free(w->pinned);
    threads_free(w->threads);
    clean_room_free(w->room);
    fault_forget();
    where_close(w->where);
}

/* Only the first process finds no store. */
static int claim_store(const struct run_work *w, struct error *e)
{
    if (w->child->facts->is_known)
        return 0;
    return worker_result_of_user(
        store_claim(w->child->options->store, w->child->identity->owner, e));
}

static double member_limit(const struct run_work *w)
{
    const struct worker_plan_options *plan = w->child->options->plan;
    double limit = w->job->member_timeout;
    return plan && (!(limit > 0) || plan->limit < limit) ? plan->limit : limit;
}

static int tell_facts(const struct run_work *w, struct error *e)
{
    struct run_facts *f = w->child->facts;
    run_child_job_hash(w, f->libraries);
    memcpy(f->files, w->files, sizeof f->files);
    f->is_batch = w->job->batch_dim != NULL;
    f->n_helpers = !f->is_batch && strcmp(range_runner_scheduler(w->job, false), "processes") == 0
                       ? range_runner_lanes(w->job, false) - 1
                       : 0;
    f->n_members = w->job->n_members;
    f->max_attempts = w->job->max_attempts;
    f->member_timeout = member_limit(w);
    bool is_first = !f->is_known;
    f->is_known = true;
    int r = is_first ? run_journal_make(w->child->options->store, w->child->identity, f) : 0;
    if (r < 0)
        return error_explain(e, r, "write its journal");
    run_child_say(w, &(struct wire_message){.type = WIRE_READY});
    return 0;
}

/* Of a daemon, as its workers are. */
static int confine(const struct run_work *w, struct error *e)
{
    struct sandbox s;
    const struct worker_plan_options *plan = w->child->options->plan;
    if (!plan)
        return 0;
    char *stores = plan->from ? mem_printf("%s/..", plan->from) : NULL; /* checkpoints are beside */
    const char *const readable[] = {plan->copies, plan->uploads, stores, NULL};
    const struct sandbox_places places = {plan->state, readable, plan->writable};
    int r = sandbox_begin(plan->sandbox, plan->writable ? &places : NULL, &s, e);
    if (r == 0)
        r = sandbox_enter(&s, w->child->above, w->child->guard, e);
    sandbox_clear(&s);
    free(stores);
    return r;
}

/* Where we are, and the job. */
static int settle_in(struct run_work *w, struct error *e)
{
    int r = error_explain(e, where_open(w->child->where, &w->where), "map the where page");
    if (r == 0) {
        where_set_pid(w->where, getpid());
        r = clean_room_new(w->child->members, w->child->guard, &w->room, e);
    }
    if (r == 0)
        r = confine(w, e);
    if (r == 0)
        r = run_child_job_build(w, e);
    return r ? r : run_child_job_compare(w, e);
}

/* All that can be refused is refused before the store is made. */
static int prepare(struct run_work *w, struct error *e)
{
    int r = settle_in(w, e);
    if (r == 0)
        r = claim_store(w, e);
    if (r == 0)
        r = error_explain(e, run_journal_enter(w->child->options->store), "enter the store");
    if (r == 0)
        r = tell_facts(w, e);
    return r;
}

/* ---- the members ---- */

static int open_runner(struct run_work *w, struct error *e)
{
    const struct range_events events = run_child_events(w);
    int64_t suspect = w->child->ledger.suspect;
    struct job_store where = run_child_store(w);
    where.first = suspect >= 0 ? suspect : run_ledger_first(&w->own);
    run_child_profile_keep(w);
    w->runner = range_runner_free(w->runner);
    return range_runner_new(w->job, w->libraries, w->room, &where, &events, &w->runner, e);
}

/* What is left of [begin, end), by our own ledger. A layout that has grown wants a new runner. */
static int run_range(struct run_work *w, int64_t begin, int64_t end, struct error *e)
{
    int r = begin < end ? range_runner_run(w->runner, begin, end, e) : 0;
    while (r == WORKER_LAYOUT && !w->is_held) {
        begin = run_ledger_first(&w->own);
        r = open_runner(w, e);
        if (r == 0)
            r = range_runner_run(w->runner, begin, end, e);
    }
    return r;
}

/* The suspect first, and then all that is left, in order. */
static int run_left(struct run_work *w, struct error *e)
{
    int64_t suspect = w->child->ledger.suspect;
    int r = suspect >= 0 ? run_range(w, suspect, suspect + 1, e) : 0;
    if (r == WORKER_LAYOUT)
        r = open_runner(w, e);
    while (r == 0 && w->own.n_left > 0)
        r = run_range(w, w->own.left[0].begin, w->own.left[0].end, e);
    return r;
}

static int compare_members(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Those of the processes before, and of this one. */
static int close_store(struct run_work *w, struct error *e)
{
    struct run_ledger *l = &w->own;
    int64_t(*dead)[2] = mem_array((size_t)l->n_dead + 1, sizeof *dead);
    if (l->n_dead > 0)
        qsort(l->dead, (size_t)l->n_dead, sizeof *l->dead, compare_members);
    for (int64_t i = 0; i < l->n_dead; i++) {
        dead[i][0] = l->dead[i];
        dead[i][1] = l->dead[i] + 1;
    }
    const struct closing c = {.job = w->job,
                              .store = run_child_store(w),
                              .dead = (const int64_t(*)[2])dead,
                              .n_dead = (size_t)l->n_dead};
    int r = closing_run(&c, e);
    free(dead);
    return r ? r : worker_result_of_store(store_release(c.store.path, c.store.owner, e));
}

static void finish(struct run_work *w)
{
    struct error e = {.message = ""};
    where_set_lease(w->where, RUN_JOB, 0, 0);
    w->runner = range_runner_free(w->runner);
    int r = error_explain(&e, close_store(w, &e), "finish the store");
    struct wire_message m = {.type = WIRE_FINISHED, .finished.job = RUN_JOB};
    if (r)
        m = (struct wire_message){
            .type = WIRE_FINISH_FAILED,
            .finish_failed = {RUN_JOB, 0, r < 0 ? (uint32_t)-r : 0, e.message}};
    run_child_say(w, &m);
}

/* What the ledger of the process above says, which is kept here too. */
static void start_ledger(struct run_work *w)
{
    const struct run_ledger *l = &w->child->ledger;
    run_ledger_start(&w->own, w->job->n_members);
    if (!l->left)
        return; /* the first process */
    for (int64_t i = 0; i < l->n_dead; i++)
        run_ledger_dead(&w->own, l->dead[i]);
    int64_t upto = 0;
    for (size_t i = 0; i < l->n_left; i++) {
        run_ledger_done(&w->own, upto, l->left[i].begin);
        upto = l->left[i].end;
    }
    run_ledger_done(&w->own, upto, w->job->n_members);
}

static void run(struct run_work *w)
{
    struct error e = {.message = ""};
    where_set_lease(w->where, RUN_JOB, RUN_LEASE, w->job->clocks[w->job->main_clock].n - 1);
    start_ledger(w);
    w->layout = mem_strdup(w->child->layout);
    int r = open_runner(w, &e);
    if (r == 0)
        r = run_left(w, &e);
    run_child_profile_keep(w);
    run_child_profile_tell(w);
    error_explain(&e, r, "run the job");
    struct wire_message m = {.type = WIRE_BYE, .bye.reason = e.message};
    if (r == 0) {
        finish(w);
        return;
    }
    if (r != WORKER_RENEW)
        m = (struct wire_message){.type = WIRE_RELEASE,
                                  .release = {.lease = RUN_LEASE,
                                              .cause = WIRE_CAUSE_STORE,
                                              .error = r < 0 ? (uint32_t)-r : EIO,
                                              .reason = e.message}};
    run_child_say(w, &m);
}

static void say_refused(const struct run_work *w, int r, const struct error *e)
{
    char reason[sizeof e->message + sizeof e->pointer + 16];
    snprintf(reason, sizeof reason, e->pointer[0] ? "%s (at %s)" : "%s", e->message, e->pointer);
    struct wire_message m = {.type = WIRE_JOB_FAILED, .job_failed = {RUN_JOB, reason}};
    if (r < 0 || r == WORKER_TROUBLE)
        m = (struct wire_message){.type = WIRE_RELEASE,
                                  .release = {.lease = RUN_LEASE,
                                              .cause = WIRE_CAUSE_WORKER,
                                              .error = r < 0 ? (uint32_t)-r : 0,
                                              .reason = e->message}};
    run_child_say(w, &m);
}

void run_child(const struct run_child *c)
{
    struct run_work w = {.child = c};
    struct error e = {.message = ""};
    w.started = rest_now();
    int r = error_explain(&e, prepare(&w, &e), "prepare the job");
    if (c->options->plan)
        run_child_plan(&w, r, &e);
    else if (r)
        say_refused(&w, r, &e);
    else
        run(&w);
    work_clear(&w);
}

void run_help(const struct run_child *c)
{
    struct run_work w = {.child = c, .is_helper = true};
    struct error e = {.message = ""};
    int r = error_explain(&e, settle_in(&w, &e), "prepare the job");
    if (r == 0)
        r = helping_run(w.job, w.libraries, w.room, c->share, -1, where_board(w.where), &e);
    if (r && r != WORKER_RENEW)
        log_warning("a helper cannot help: %s", e.message);
    work_clear(&w);
}

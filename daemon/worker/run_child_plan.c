/* SPDX-License-Identifier: Apache-2.0 */
/* A plan, as the process sees it in which its members run. */
#include "worker/run_child_parts.h"

#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "stage/rest.h"
#include "worker/plan_document.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Members that take less are measured by some more of them, until these have taken so long. */
#define MEASURED_SECONDS 0.2
enum { MEASURED_MEMBERS = 1 << 16 };

struct planning {
    struct run_work *work;
    struct plan_measures measured;
    int64_t begun, inside; /* of the lease that runs: when a member began, and ns in members */
};

static struct planning *planning_of(void *userdata)
{
    return ((struct run_work *)userdata)->planning;
}

static void on_begin(void *userdata, int64_t member)
{
    const struct run_work *w = userdata;
    where_begin_member(w->where, member, loop_now());
    planning_of(userdata)->begun = rest_now();
}

static void on_end(void *userdata, int64_t member, bool may_have_printed)
{
    const struct run_work *w = userdata;
    struct planning *p = planning_of(userdata);
    (void)member, (void)may_have_printed;
    p->inside += rest_now() - p->begun;
    where_end_member(w->where);
}

static double seconds_since(int64_t began)
{
    return (double)(rest_now() - began) / 1e9;
}

/* ---- members ---- */

static int open_runner(struct planning *p, struct error *e)
{
    struct run_work *w = p->work;
    struct range_events events = run_child_events(w);
    const struct job_store where = run_child_store(w);
    events.begin = on_begin;
    events.end = on_end;
    int r = range_runner_new(w->job, w->libraries, w->room, &where, &events, &w->runner, e);
    p->measured.set_up = seconds_since(w->started);
    return r;
}

/* [begin, end); they are measured where they are well. */
static int run_members(struct planning *p, int64_t begin, int64_t end, struct error *e)
{
    struct run_work *w = p->work;
    double n = (double)(end - begin);
    p->inside = 0;
    int64_t began = rest_now();
    int r = range_runner_run(w->runner, begin, end, e);
    double took = seconds_since(began) - (begin == 0 ? range_runner_aside(w->runner) : 0);
    if ((r == 0 || r == WORKER_RENEW) && w->own.n_dead == 0) {
        p->measured.members = end;
        p->measured.member = took / n;
        p->measured.inside = job_runs_beside(w->job) ? 0 : (double)p->inside / 1e9 / n;
    }
    return r;
}

/* What is resident; 0: that is not known. */
static size_t resident(void)
{
    unsigned long pages = 0;
    malloc_trim(0);
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*u %lu", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The plan itself takes some, too, which no worker will. */
static void measure_memory(struct planning *p, bool is_first)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    size_t peak = is_first ? (size_t)usage.ru_maxrss * 1024 : resident();
    p->measured.peak = peak > p->measured.peak ? peak : p->measured.peak;
    p->measured.arena = range_runner_memory(p->work->runner);
}

/* Twice as many each time. One that fails among them ends it, and is no matter. */
static void measure_more(struct planning *p)
{
    const struct run_work *w = p->work;
    int64_t most = w->job->n_members < MEASURED_MEMBERS ? w->job->n_members : MEASURED_MEMBERS;
    int64_t began = rest_now();
    struct error e = {.message = ""};
    int64_t next = p->measured.members;
    int r = 0;
    while (r == 0 && w->own.n_dead == 0 && next < most &&
           seconds_since(began) + p->measured.member * (double)next < MEASURED_SECONDS) {
        int64_t end = 2 * next < most ? 2 * next : most;
        r = run_members(p, next, end, &e);
        next = end;
    }
    measure_memory(p, false);
}

/* ---- what is told ---- */

static int write_plan(const struct run_work *w, const json_t *plan)
{
    char *text = json_write(plan);
    int fd = w->child->plan;
    int r = ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0
                ? -errno
                : file_append(fd, text, strlen(text));
    free(text);
    return r;
}

static void tell_reason(const struct run_work *w, const char *what, const struct error *why)
{
    json_t *plan = json_pack("{s:s}", what, why->message);
    if (*why->pointer)
        json_object_set_new(plan, "pointer", json_string(why->pointer));
    int r = write_plan(w, plan);
    if (r < 0)
        log_error("cannot write the plan: %s", strerror(-r));
    json_decref(plan);
}

static int tell_plan(const struct planning *p, struct error *e)
{
    const struct run_work *w = p->work;
    json_t *plan = NULL;
    int r = plan_document(w->job, &p->measured, w->child->options->store, &plan, e);
    if (r == 0)
        r = error_errno(e, write_plan(w, plan), "write the plan");
    json_decref(plan);
    return r;
}

/* Should a further member take the process with it, there is a plan already. */
static int plan(struct planning *p, struct error *failure, struct error *e)
{
    struct run_work *w = p->work;
    where_set_lease(w->where, RUN_JOB, RUN_LEASE, w->job->clocks[w->job->main_clock].n - 1);
    run_ledger_start(&w->own, w->job->n_members);
    int r = open_runner(p, e);
    bool is_open = r == 0;
    if (r == 0)
        r = run_members(p, 0, 1, e);
    if (is_open && w->own.n_dead > 0) {
        tell_reason(w, "failed", failure);
        return 0;
    }
    if (r && r != WORKER_RENEW)
        return r;
    measure_memory(p, true);
    bool ends = r == WORKER_RENEW;
    r = tell_plan(p, e);
    if (r || ends)
        return r;
    measure_more(p);
    return p->measured.members > 1 ? tell_plan(p, e) : 0;
}

void run_child_plan(struct run_work *w, int r, const struct error *why)
{
    struct error failure = {.message = ""}, e = *why;
    struct planning p = {.work = w};
    bool is_refused = r > 0 && r != WORKER_TROUBLE;
    w->planning = &p;
    w->failure = &failure;
    r = r ? r : plan(&p, &failure, &e);
    error_explain(&e, r, "run a member");
    if (r)
        tell_reason(w, is_refused || r == WORKER_REFUSED ? "refused" : "trouble", &e);
    w->planning = NULL;
    w->failure = NULL;
    run_child_say(w, &(struct wire_message){.type = WIRE_FINISHED, .finished.job = RUN_JOB});
}

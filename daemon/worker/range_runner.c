/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/range_runner_parts.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/processors.h"
#include "stage/rest.h"
#include "worker/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct range_runner *m = userdata;
    struct clean_room_pause pause;
    clean_room_pause(m->room, &m->code.imports, &pause);
    int r = range_ahead_put(m, member, output, at, view);
    clean_room_resume(&pause);
    return r <= 0 ? r : STAGE_FAILED; /* writer.is_broken tells whose fault it is */
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    struct range_runner *m = userdata;
    range_resume_log(m, member, line);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct range_runner *m = userdata;
    int r = m->events.step ? m->events.step(m->events.userdata, member, step) : 0;
    if (!m->checkpoints)
        return r;
    unsigned due = r == 0              ? checkpoints_due(m->checkpoints, step + 1)
                   : r == RANGE_LEAVES ? CHECKPOINT_NEXT
                                       : 0;
    if (due) {
        range_resume_save(m, member, step + 1, due);
        if (r)
            checkpoints_finish(m->checkpoints, member, false);
        range_resume_say_failure(m, member);
    } else if (r == 0 && !checkpoints_are_ready(m->checkpoints)) {
        range_resume_prepare(m);
    }
    return r;
}

static void on_abandon(void *userdata, int64_t member, const struct error *failure)
{
    range_outcome_abandon(userdata, member, failure);
}

/* ---- making ---- */

/* As many threads, or workers, as the job says, or as there are processors that this worker may
 * use. */
int range_runner_lanes(const struct job *job, bool is_few)
{
    bool is_one_of_few = job->batch_dim && is_few && !job->is_open && job->parallel &&
                         !job_runs_beside(job) && strcmp(job->scheduler, "serial") != 0;
    if (job->debug)
        return 1;
    int64_t n = job->lanes && !is_one_of_few ? job->lanes : processors_allowed();
    return (int)(n > JOB_MOST_LANES ? JOB_MOST_LANES : n);
}

/* They run one at a time in a worker, but beside each other in several. */
static bool has_movable(const struct job *job)
{
    int n = 0;
    for (int i = 0; i < job->model->n_processes; i++)
        n += job->model->processes[i].type->is_movable;
    return n > 1;
}

bool range_runner_is_single(const struct job *job, bool is_few)
{
    return !job->batch_dim || (is_few && !job->is_open && !job_runs_beside(job));
}

const char *range_runner_scheduler(const struct job *job, bool is_few)
{
    bool is_apart = strcmp(job->scheduler, "auto") == 0 && range_runner_is_single(job, is_few) &&
                    has_movable(job);
    return is_apart ? "processes" : job->scheduler;
}

struct stage_options range_runner_member_options(const struct range_runner *m, int thread)
{
    return (struct stage_options){.scheduler = "serial",
                                  .threads = 1,
                                  .board = m->events.board,
                                  .is_beside = true,
                                  .first_lane = thread};
}

static struct stage_options how_to_run(const struct range_runner *m)
{
    if (job_runs_beside(m->job))
        return range_runner_member_options(m, 0);
    bool is_single = range_runner_is_single(m->job, m->events.is_few);
    int n = is_single ? range_runner_lanes(m->job, m->events.is_few) : 1;
    const char *given = m->job->scheduler;
    const char *scheduler = range_runner_scheduler(m->job, m->events.is_few);
    bool is_apart = strcmp(scheduler, "processes") == 0;
    if (is_apart && m->events.share < 0)
        scheduler = strcmp(given, "auto") == 0 ? "auto" : "threads";
    if (m->job->batch_dim && !(is_apart && m->events.share >= 0)) /* they share the processors */
        n = n / (int)m->job->n_members > 1 ? n / (int)m->job->n_members : 1;
    if (n == 1)
        scheduler = "serial";
    return (struct stage_options){.scheduler = scheduler,
                                  .threads = n,
                                  .board = m->events.board,
                                  .most_spans = m->events.most_spans};
}

static void on_lost(void *userdata, const char *why)
{
    struct range_runner *m = userdata;
    m->events.lost(m->events.userdata, why);
}

static int new_simulation(struct range_runner *m, struct error *e)
{
    struct stage_options how = how_to_run(m);
    int r = job_code_find(m->job, m->libraries, &m->code, e);
    if (how.board && (how.threads > 1 || how.is_beside || m->job->debug))
        fault_watch(how.board);
    if (r == 0)
        r = worker_result_of_user(
            simulation_new(m->job, m->code.codes, m->code.hooks, &how, &m->simulation, e));
    if (r == 0 && m->job->debug) {
        fault_explain(m->simulation);
        m->statics = statics_new();
        job_code_watch(&m->code, m->job, m->statics);
    }
    if (r == 0 && job_runs_beside(m->job) && !range_team_may_be(m))
        log_info("its members run one by one: a library of the job deals with files, or with what "
                 "is one for its whole process");
    const struct lead_events events = {.lost = on_lost, .abandon = on_abandon, .userdata = m};
    if (r == 0 && m->events.share >= 0)
        r = lead_new(m->simulation, m->events.share, m->events.share_listens, &events, &m->lead, e);
    return r;
}

int range_runner_new(const struct job *job, const struct libraries *l, struct clean_room *room,
                     const struct job_store *where, const struct range_events *events,
                     struct range_runner **ret_runner, struct error *e)
{
    struct range_runner *m = mem_new(sizeof *m);
    m->job = job;
    m->libraries = l;
    m->room = room;
    m->where = *where;
    m->events = *events;
    m->is_ahead = where->is_ahead;
    m->held.room = HELD_OUTPUTS_BYTES;
    int r = new_simulation(m, e);
    if (r == 0 && !m->is_ahead)
        r = range_store_open(m, e);
    lead_settle(m->lead, room); /* libraries were loaded, and the store has a descriptor */
    if (r) {
        range_runner_free(m);
        return r;
    }
    *ret_runner = m;
    return 0;
}

struct range_runner *range_runner_free(struct range_runner *m)
{
    if (!m)
        return NULL;
    output_writer_close(&m->writer);
    m->team = range_team_free(m->team);
    held_outputs_clear(&m->held);
    m->checkpoints = checkpoints_free(m->checkpoints);
    range_resume_drop(m);
    if (m->leaves_staged)
        store_leave_staged(m->store);
    free(m->failed);
    buffer_free(&m->lines);
    lead_free(m->lead);
    fault_explain(NULL);
    simulation_free(m->simulation);
    statics_free(m->statics);
    job_code_clear(&m->code);
    store_close(m->store);
    free(m);
    return NULL;
}

double range_runner_aside(const struct range_runner *m)
{
    return m->aside;
}

size_t range_runner_memory(const struct range_runner *m)
{
    return simulation_memory(m->simulation);
}

json_t *range_runner_profile(const struct range_runner *m)
{
    return simulation_profile(m->simulation);
}

json_t *range_runner_trace(const struct range_runner *m)
{
    return simulation_trace(m->simulation);
}

/* ---- running ---- */

static void say_static(void *userdata, const char *what)
{
    struct range_runner *m = userdata;
    char *line = mem_printf("debug: %s", what);
    on_log(m, m->member, line);
    free(line);
}

static int simulate(struct range_runner *m, int64_t member, bool goes_on, struct error *e)
{
    const struct stage_events events = {.output = on_output,
                                        .log = on_log,
                                        .step = on_step,
                                        .abandon = m->events.abandon ? on_abandon : NULL,
                                        .is_cancelled = m->events.is_cancelled,
                                        .userdata = m};
    const struct stage_start start = {
        .saved = m->saved.state, .n = m->saved.n_state, .is_branch = m->is_branch};
    m->is_told = false;
    if (!goes_on || m->is_branch)
        range_resume_forget_lines(m);
    if (m->checkpoints)
        checkpoints_begin(m->checkpoints);
    m->member = member;
    if (m->statics)
        statics_keep(m->statics);
    clean_room_enter(m->room, &m->code.imports);
    int r = goes_on ? simulation_resume(m->simulation, member, &start, &events, e)
                    : simulation_run(m->simulation, member, &events, e);
    if (m->statics)
        statics_compare(m->statics, say_static, m);
    if (m->checkpoints) {
        m->leaves_staged = checkpoints_finish(m->checkpoints, member, true) && r < 0;
        range_resume_say_failure(m, member); /* of the last, if it is not known yet */
    }
    range_resume_drop(m);
    return r;
}

static int fail_unbegun(struct range_runner *m, int64_t member, struct error *e)
{
    if (m->events.end)
        m->events.end(m->events.userdata, member, false);
    return range_outcome_put_away(m, member, STAGE_FAILED, e);
}

/* *ret_renew: CLEAN_ROOM_RENEW, with words in `why`, or 0. */
static int run_member(struct range_runner *m, int64_t member, int *ret_renew, struct error *why,
                      struct error *e)
{
    error_clear(e);
    m->e = e;
    *ret_renew = 0;
    if (m->events.begin)
        m->events.begin(m->events.userdata, member);
    bool goes_on = false;
    int r = m->checkpoints ? range_resume_take_up(m, member, &goes_on, e) : 0;
    if (r)
        return r;
    if (m->job->from.steps && !goes_on) {
        if (range_resume_branch(m, member, e))
            return fail_unbegun(m, member, e);
        goes_on = true;
    }
    r = simulate(m, member, goes_on, e);
    *ret_renew = clean_room_leave(m->room, &m->code.imports, why);
    if (m->events.end)
        m->events.end(m->events.userdata, member, range_outcome_may_print(m));
    if (*ret_renew == 0 && (m->checkpoints || m->job->from.steps) &&
        simulation_is_kept(m->simulation)) /* the next one may go on from what was saved */
        *ret_renew = error_set(why, CLEAN_ROOM_RENEW, NULL, "arrays over its values are kept");
    if (*ret_renew == 0 && m->job->isolate)
        *ret_renew = error_set(why, CLEAN_ROOM_RENEW, NULL, RANGE_ISOLATES);
    if (*ret_renew)
        range_outcome_end_early(m, member, why);
    if (m->ended == 0)
        return range_outcome_put_away(m, member, r, e);
    *e = m->why;
    return m->ended;
}

static int run_members(struct range_runner *m, int *ret_renew, struct error *why, struct error *e)
{
    bool is_team = range_team_is_wanted(m);
    int r = is_team ? range_team_run(m, ret_renew, why, e) : 0;
    for (int64_t member = m->begin; !is_team && member < m->end && r == 0 && *ret_renew == 0;
         member++) {
        r = range_ahead_settle(m, -1, range_resume_is_asked(m->job), e);
        if (r == 0)
            r = run_member(m, member, ret_renew, why, e);
    }
    return r == 0 && m->n_well > 0 ? range_ahead_settle(m, -1, true, e) : r;
}

int range_runner_run(struct range_runner *m, int64_t begin, int64_t end, struct error *e)
{
    m->begin = begin;
    m->end = end;
    m->reported = begin;
    m->reported_at = loop_now();
    m->aside = 0;
    m->n_failed = 0;
    m->n_passed = 0;
    m->run = begin;
    m->n_well = 0;
    m->ended = 0;
    if (m->store && m->where.lease)
        store_set_fence(m->store, *m->where.lease);
    if (!m->is_ahead)
        output_writer_begin(&m->writer, begin, end);
    if (m->code.imports.reach & REACH_ELSEWHERE)
        lead_settle(m->lead, m->room); /* our own code may have set something since */
    if (job_runs_beside(m->job))
        simulation_take_board(m->simulation);
    int renew = 0;
    struct error why = {.message = ""};
    int r = m->is_ahead ? 0 : range_store_fill(m, e);
    r = r ? r : run_members(m, &renew, &why, e);
    if (r || !renew)
        return job_store_explain(&m->where, r, e);
    *e = why;
    return WORKER_RENEW;
}

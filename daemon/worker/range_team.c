/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a range side by side, each on a thread and with a state of its own.
 *
 * The thread that runs the range takes the members in their order. What they save and log before it
 * is their turn is held; so all that is written and told is as if they had run one after another. A
 * member for whose outputs there is no room left waits for its turn, and has the runner then, as
 * one has that runs alone.
 *
 * Invariants
 *  1. The runner is used by the range's thread; while it is lent, by the lowest member's alone.
 *  2. The lowest member runs, has ended, or waits for the runner: so there is always one that can
 *     go on.
 *  3. What the process shares (settings, files, children) is put back when the range is over. */
#include "base/mem.h"
#include "base/thread.h"
#include "worker/range_team_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- the range's thread ---- */

static int put_held(struct range_runner *m, const struct turn *turn)
{
    int r = 0;
    for (size_t i = 0; i < turn->held.n && r == 0; i++) {
        const struct held_value *v = &turn->held.values[i];
        r = range_ahead_put(m, turn->member, v->output, v->at, &v->view);
    }
    return r;
}

static void say_lines(struct range_runner *m, struct turn *turn)
{
    const char *line = turn->lines.data, *end = line + turn->lines.size;
    for (; line < end; line += strlen(line) + 1)
        range_resume_log(m, turn->member, line);
    buffer_clear(&turn->lines);
}

static void drop_held(struct range_team *t, struct turn *turn)
{
    atomic_fetch_sub(&t->held, turn->held.bytes);
    held_outputs_clear(&turn->held);
}

static void lend(struct range_team *t, struct turn *turn)
{
    t->runner->e = &turn->e;
    say_lines(t->runner, turn);
    turn->put = put_held(t->runner, turn);
    drop_held(t, turn);
}

/* Until the member has ended. */
static struct turn *await(struct range_team *t, int64_t member)
{
    struct turn *turn = team_turn(t, member);
    pthread_mutex_lock(&t->mutex);
    t->lowest = member;
    pthread_cond_broadcast(&t->moved);
    for (;;) {
        while (turn->member != member || (turn->state != TURN_WANTS && turn->state != TURN_ENDED))
            pthread_cond_wait(&t->came, &t->mutex);
        if (turn->state == TURN_ENDED)
            break;
        pthread_mutex_unlock(&t->mutex);
        lend(t, turn);
        pthread_mutex_lock(&t->mutex);
        turn->state = TURN_LENT;
        pthread_cond_broadcast(&t->moved);
    }
    pthread_mutex_unlock(&t->mutex);
    return turn;
}

/* Why it was cancelled is known to whoever runs the range. */
static int why_cancelled(const struct range_runner *m, int64_t member)
{
    int r = m->events.step ? m->events.step(m->events.userdata, member, 0) : 0;
    return r ? r : -ECANCELED;
}

static int put_away(struct range_team *t, struct turn *turn, struct error *e)
{
    struct range_runner *m = t->runner;
    int r = turn->result;
    m->e = e;
    *e = turn->e;
    say_lines(m, turn);
    if (r == 0) {
        r = put_held(m, turn);
        r = r > 0 ? STAGE_FAILED : r;
    }
    drop_held(t, turn);
    if (m->ended) {
        *e = m->why;
        return m->ended;
    }
    return range_outcome_put_away(m, turn->member,
                                  r == -ECANCELED ? why_cancelled(m, turn->member) : r, e);
}

static int take_turn(struct range_team *t, int64_t member, struct error *e)
{
    struct range_runner *m = t->runner;
    int r = range_ahead_settle(m, -1, false, e);
    if (r)
        return r;
    if (m->events.begin)
        m->events.begin(m->events.userdata, member);
    range_resume_forget_lines(m);
    struct turn *turn = await(t, member);
    if (m->events.end)
        m->events.end(m->events.userdata, member, range_outcome_may_print(m));
    return put_away(t, turn, e);
}

static int start(struct range_team *t, struct error *e)
{
    const struct range_runner *m = t->runner;
    int64_t n = m->end - m->begin;
    t->next = t->lowest = m->begin;
    t->end = m->end;
    t->stops = false;
    for (int i = 0; i < TURNS; i++)
        t->turns[i] = (struct turn){.member = -1};
    int r = 0;
    for (t->n_threads = 0; t->n_threads < t->n && t->n_threads < n && r == 0;) {
        r = thread_start(range_team_mate, &t->mates[t->n_threads], &t->mates[t->n_threads].thread);
        t->n_threads += r == 0;
    }
    return t->n_threads > 0 ? 0 : error_errno(e, r, "start a thread for a member");
}

static void stop(struct range_team *t)
{
    pthread_mutex_lock(&t->mutex);
    t->stops = true;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->mutex);
    for (int i = 0; i < t->n_threads; i++)
        pthread_join(t->mates[i].thread, NULL);
    for (int i = 0; i < TURNS; i++) {
        drop_held(t, &t->turns[i]);
        buffer_free(&t->turns[i].lines);
    }
}

/* ---- for the runner ---- */

/* Random numbers of the C library, files and settings are one for all members of a process; and
 * one that ends it without a word would be taken for another. */
bool range_team_may_be(const struct range_runner *m)
{
    return !(m->code.imports.reach & ~(unsigned)REACH_OUTPUT);
}

bool range_team_is_wanted(const struct range_runner *m)
{
    return job_runs_beside(m->job) && m->end - m->begin > 1 &&
           range_runner_lanes(m->job, false) > 1 && range_team_may_be(m);
}

struct range_team *range_team_free(struct range_team *t)
{
    if (!t)
        return NULL;
    for (int i = 1; i < t->n; i++) /* the first is the runner's */
        simulation_free(t->mates[i].simulation);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->came);
    pthread_cond_destroy(&t->moved);
    free(t->mates);
    free(t);
    return NULL;
}

static int new_mate(struct range_team *t, int number, struct error *e)
{
    struct range_runner *m = t->runner;
    struct mate *a = &t->mates[number];
    const struct stage_options how = range_runner_member_options(m, number);
    a->team = t;
    a->simulation = m->simulation;
    int r = number == 0 ? 0
                        : worker_result_of_user(simulation_new(m->job, m->code.codes, m->code.hooks,
                                                               &how, &a->simulation, e));
    t->n += r == 0;
    return r;
}

static int open(struct range_runner *m, struct error *e)
{
    struct range_team *t = mem_new(sizeof *t);
    int n = range_runner_lanes(m->job, false), r = 0;
    t->runner = m;
    t->mates = mem_array((size_t)n, sizeof *t->mates);
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->came, NULL);
    pthread_cond_init(&t->moved, NULL);
    for (int i = 0; i < n && r == 0; i++)
        r = new_mate(t, i, e);
    m->team = r == 0 ? t : range_team_free(t);
    return r;
}

int range_team_run(struct range_runner *m, int *ret_renew, struct error *why, struct error *e)
{
    int r = m->team ? 0 : open(m, e);
    if (r)
        return r;
    clean_room_enter(m->room, &m->code.imports);
    clean_room_count(m->room, m->end - m->begin);
    r = start(m->team, e);
    for (int64_t member = m->begin; member < m->end && r == 0; member++)
        r = take_turn(m->team, member, e);
    stop(m->team);
    *ret_renew = clean_room_leave(m->room, &m->code.imports, why);
    if (*ret_renew)
        range_outcome_end_early(m, m->end - 1, why);
    return r;
}

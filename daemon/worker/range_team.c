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
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "worker/fault.h"
#include "worker/floating.h"
#include "worker/range_runner_parts.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    TURNS = 256,              /* members that are begun, or wait for their turn */
    LINES_MOST = 1024 * 1024, /* bytes of a member's log that are held */
};

enum turn_state { TURN_FREE, TURN_RUNS, TURN_WANTS, TURN_LENT, TURN_ENDED };

struct turn {
    int64_t member;
    enum turn_state state;
    struct held_outputs held;
    struct buffer lines; /* each with its NUL */
    int result;          /* the simulation's, with words */
    int put;             /* what came of putting what was held, before the runner was lent */
    struct error e;
};

struct mate {
    struct range_team *team;
    struct simulation *simulation;
    struct turn *turn;
    pthread_t thread;
};

struct range_team {
    struct range_runner *runner;
    struct mate *mates;
    int n, n_threads;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t came;   /* the lowest member has ended, or wants the runner */
    pthread_cond_t moved;  /* another is the lowest, or has the runner; or nobody goes on */
    struct turn turns[TURNS];
    int64_t next, lowest, end;
    atomic_size_t held; /* bytes, of all */
    atomic_bool stops;
};

static struct turn *turn_of(struct range_team *t, int64_t member)
{
    return &t->turns[member % TURNS];
}

/* ---- a member's thread ---- */

/* False: the range is over. */
static bool borrow(struct mate *a)
{
    struct range_team *t = a->team;
    pthread_mutex_lock(&t->mutex);
    if (a->turn->state == TURN_RUNS) {
        a->turn->state = TURN_WANTS;
        if (a->turn->member == t->lowest)
            pthread_cond_signal(&t->came);
    }
    while (a->turn->state == TURN_WANTS && !t->stops)
        pthread_cond_wait(&t->moved, &t->mutex);
    bool is_lent = a->turn->state == TURN_LENT;
    pthread_mutex_unlock(&t->mutex);
    return is_lent;
}

static bool hold(struct mate *a, int output, int64_t at, const struct simlab_view *view)
{
    struct held_outputs *h = &a->turn->held;
    size_t all = atomic_load(&a->team->held), before = h->bytes;
    h->room = before + (all < HELD_OUTPUTS_BYTES ? HELD_OUTPUTS_BYTES - all : 0);
    if (a->turn->state == TURN_LENT || !held_outputs_put(h, a->turn->member, output, at, view))
        return false;
    atomic_fetch_add(&a->team->held, h->bytes - before);
    return true;
}

static int put(struct mate *a, int output, int64_t at, const struct simlab_view *view)
{
    if (hold(a, output, at, view))
        return 0;
    if (!borrow(a))
        return -ECANCELED;
    return a->turn->put ? a->turn->put
                        : range_ahead_put(a->team->runner, a->turn->member, output, at, view);
}

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct mate *a = userdata;
    const struct range_runner *m = a->team->runner;
    struct clean_room_pause pause;
    (void)member;
    clean_room_pause(m->room, &m->code.imports, &pause);
    int r = put(a, output, at, view);
    clean_room_resume(&pause);
    return r <= 0 ? r : STAGE_FAILED;
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    struct mate *a = userdata;
    if (a->turn->state != TURN_LENT && a->turn->lines.size < LINES_MOST)
        buffer_append(&a->turn->lines, line, strlen(line) + 1);
    else if (borrow(a))
        range_resume_log(a->team->runner, member, line);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    const struct mate *a = userdata;
    const atomic_bool *is_cancelled = a->team->runner->events.is_cancelled;
    (void)member, (void)step;
    return atomic_load_explicit(&a->team->stops, memory_order_relaxed) ||
                   (is_cancelled && atomic_load_explicit(is_cancelled, memory_order_relaxed))
               ? -ECANCELED
               : 0;
}

static void on_abandon(void *userdata, int64_t member, const struct error *failure)
{
    struct mate *a = userdata;
    struct range_runner *m = a->team->runner;
    if (borrow(a))
        range_outcome_abandon(m, member, failure);
    m->events.abandon(m->events.userdata, failure);
}

/* The process ends by this member: it is the one that is found where it was. */
static void tell_member(void *runner, int64_t member)
{
    const struct range_runner *m = runner;
    if (m->events.begin)
        m->events.begin(m->events.userdata, member);
}

static void run_turn(struct mate *a, const sigset_t *mask)
{
    struct range_runner *m = a->team->runner;
    const struct stage_events events = {.output = on_output,
                                        .log = on_log,
                                        .step = on_step,
                                        .abandon = m->events.abandon ? on_abandon : NULL,
                                        .is_cancelled = m->events.is_cancelled,
                                        .userdata = a};
    floating_reset();
    errno = 0;
    fault_set_member(tell_member, m, a->turn->member);
    a->turn->result = simulation_run(a->simulation, a->turn->member, &events, &a->turn->e);
    fault_set_member(NULL, NULL, -1);
    uselocale(LC_GLOBAL_LOCALE);
    pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* NULL: there is none any more. */
static struct turn *take(struct range_team *t)
{
    while (!t->stops && t->next < t->end && t->next >= t->lowest + TURNS)
        pthread_cond_wait(&t->moved, &t->mutex);
    if (t->stops || t->next >= t->end)
        return NULL;
    struct turn *turn = turn_of(t, t->next);
    turn->member = t->next++;
    turn->state = TURN_RUNS;
    turn->put = 0;
    error_clear(&turn->e);
    return turn;
}

static void thread_ended(void *unused)
{
    (void)unused;
    log_error("a member has ended the thread that it ran in");
    abort();
}

static void run_turns(struct mate *a)
{
    struct range_team *t = a->team;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    pthread_mutex_lock(&t->mutex);
    while ((a->turn = take(t))) {
        pthread_mutex_unlock(&t->mutex);
        run_turn(a, &mask);
        pthread_mutex_lock(&t->mutex);
        a->turn->state = TURN_ENDED;
        if (a->turn->member == t->lowest)
            pthread_cond_signal(&t->came);
    }
    pthread_mutex_unlock(&t->mutex);
}

static void *work(void *mate)
{
    pthread_cleanup_push(thread_ended, NULL);
    run_turns(mate);
    pthread_cleanup_pop(0);
    return NULL;
}

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
    struct turn *turn = turn_of(t, member);
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
        r = thread_start(work, &t->mates[t->n_threads], &t->mates[t->n_threads].thread);
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
    r = start(m->team, e);
    for (int64_t member = m->begin; member < m->end && r == 0; member++)
        r = take_turn(m->team, member, e);
    stop(m->team);
    *ret_renew = clean_room_leave(m->room, &m->code.imports, why);
    if (*ret_renew)
        range_outcome_end_early(m, m->end - 1, why);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of a team: each runs a member, and then the next that nobody has begun. */
#include "worker/range_team_parts.h"

#include "base/log.h"
#include "worker/fault.h"
#include "worker/floating.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { LINES_MOST = 1024 * 1024 }; /* bytes of a member's log that are held */

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
    struct turn *turn = team_turn(t, t->next);
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

void *range_team_mate(void *mate)
{
    pthread_cleanup_push(thread_ended, NULL);
    run_turns(mate);
    pthread_cleanup_pop(0);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/place.h"

#include "base/cgroup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/child.h"
#include "pool/death.h"
#include "pool/sweep.h"
#include "pool/task_limit.h"
#include "proto/where.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAUSE_MS = 100,       /* after the first failed start; doubles */
    PAUSE_MAX_MS = 10000, /* no longer than this */
    ENDING_MS = 5000,     /* for a worker that was asked to end */
    SWEEP_MS = 10000,     /* for what it left to die */
    RETRY_MS = 100        /* between two looks at what cannot be watched */
};

void place_init(struct place *w, struct place_setup *setup, const char *label, const char *scratch)
{
    w->setup = setup;
    snprintf(w->label, sizeof w->label, "%s", label);
    w->pidfd = w->where = w->dying = -1;
    w->directory = mem_printf("%s/worker-%s", scratch, label);
    w->mark = mem_printf("TMPDIR=%s", w->directory);
    w->where_path = mem_printf("%s.where", w->directory);
    w->group = setup->tasks > 0 ? task_limit_directory(w->directory) : NULL;
}

/* ---- the end ---- */

static int64_t pause_ms(int failures)
{
    int64_t pause = failures == 0 ? 0 : PAUSE_MS;
    for (int i = 1; i < failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

static void place_empty(struct place *w)
{
    w->failures = w->is_ready ? 0 : w->failures + 1;
    w->state = PLACE_EMPTY;
    w->due = loop_now() + pause_ms(w->failures);
}

static void forget_process(struct place *w)
{
    w->output = output_free(w->output);
    if (w->where >= 0)
        close(w->where);
    w->where = -1;
}

static void tell_death(struct place *w, const struct death *d)
{
    struct place_setup *s = w->setup;
    char log[DEATH_TEXT], words[DEATH_TEXT], reason[DEATH_TEXT + 32];
    death_for_log(d, log);
    death_for_user(d, words);
    snprintf(reason, sizeof reason, "its worker %s", words);
    place_empty(w);
    bool in_order = w->is_asked || (d->status == 0 && d->at.job == 0); /* nothing was in its hand */
    log_line(in_order ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "worker %s (pid %d) %s", w->name,
             d->at.pid > 0 ? (int)d->at.pid : (int)w->pid, log);
    if (w->failures > 0 && !w->is_asked) {
        snprintf(s->trouble, sizeof s->trouble, "the last one, %s, %s", w->name, words);
        log_warning("worker %s died before it was ready; the next start in %lld ms", w->name,
                    (long long)pause_ms(w->failures));
    }
    s->death(s->userdata, w->name,
             &(struct pool_death){
                 .reason = reason,
                 .place = d->place,
                 .at = d->at,
                 .status = d->status,
                 .was_oom = d->was_oom,
                 .log = d->log,
                 .was_killed = WIFSIGNALED(d->status) &&
                               (WTERMSIG(d->status) == SIGKILL || WTERMSIG(d->status) == SIGTERM)});
}

/* Those that the control group counts by now are this worker's: one death may be several
 * processes'. Of another that died at the same time it is not known for sure. */
static bool takes_oom_kill(struct place *w)
{
    int64_t *told = &w->setup->oom_kills_told;
    int64_t before = w->oom_kills > *told ? w->oom_kills : *told, now;
    if (w->oom_kills < 0 || (now = cgroup_oom_kills("/proc/self")) <= before)
        return false;
    *told = now;
    return true;
}

_Static_assert(sizeof(struct position_board) <= WHERE_BOARD, "it fits");

/* Only a member's code is in a process; a helper's member is another worker's. */
static void read_place(const struct place *w, const struct where_at *at, char ret[POSITION_TEXT])
{
    struct position_board *board = mem_new(sizeof *board);
    where_read_board(w->where, board, sizeof *board);
    if (at->job > 0 && (at->member >= 0 || at->lease > 0))
        position_text(board, ret);
    free(board);
}

void place_position(const struct place *w, char ret[POSITION_TEXT])
{
    struct where_at at;
    ret[0] = '\0';
    if (w->state == PLACE_RUNNING && where_read(w->where, &at))
        read_place(w, &at, ret);
}

/* Nothing of it is left, or nothing can be done about that. */
static void place_died(struct place *w)
{
    struct death d = {.is_asked = w->is_asked, .memory = w->setup->memory};
    output_drain(w->output);
    if (!where_read(w->where, &d.at))
        d.at = (struct where_at){.member = -1};
    read_place(w, &d.at, d.place);
    d.status = child_reap(w->pid, &d.usage);
    d.was_oom =
        WIFSIGNALED(d.status) && WTERMSIG(d.status) == SIGKILL && !w->is_asked && takes_oom_kill(w);
    d.last_line = output_last(w->output, d.at.job, d.at.member);
    d.log = output_tail(w->output, d.at.job, d.at.member);
    tell_death(w, &d);
    free(d.log);
    forget_process(w);
}

static struct sweep sweep_of(const struct place *w)
{
    return (struct sweep){.leader = w->pid, .lock = &w->setup->lock_file, .mark = w->mark};
}

static void forget_dying(struct place *w)
{
    if (w->dying >= 0) {
        loop_remove_fd(w->setup->loop, w->dying);
        close(w->dying);
    }
    w->dying = -1;
}

static void place_sweep(struct place *w);

static void on_dead(void *place, uint32_t events)
{
    (void)events;
    place_sweep(place);
}

static void place_sweep(struct place *w)
{
    struct sweep sweep = sweep_of(w);
    forget_dying(w);
    if (!sweep_kill(&sweep, &w->dying_pid, &w->dying)) {
        place_died(w);
        return;
    }
    if (w->dying >= 0 && loop_add_fd(w->setup->loop, w->dying, EPOLLIN, on_dead, w) < 0) {
        close(w->dying);
        w->dying = -1;
    }
}

static void give_up_sweep(struct place *w)
{
    log_error("worker %s left process %d, which does not die", w->name, (int)w->dying_pid);
    forget_dying(w);
    place_died(w);
}

static void stop_watching(struct place *w)
{
    loop_remove_fd(w->setup->loop, w->pidfd);
    close(w->pidfd);
    w->pidfd = -1;
}

static void on_pidfd(void *place, uint32_t events)
{
    (void)events;
    struct place *w = place;
    stop_watching(w);
    w->state = PLACE_SWEEPING;
    w->sweep_due = loop_now() + SWEEP_MS;
    place_sweep(w);
}

void place_end(struct place *w)
{
    if (w->state != PLACE_RUNNING || w->is_asked)
        return;
    w->is_asked = true;
    w->kill_due = loop_now() + ENDING_MS;
    loop_due(w->setup->loop, w->kill_due);
    kill(w->pid, SIGTERM);
}

static void kill_leader(struct place *w)
{
    log_warning("worker %s does not end when it is asked to", w->name);
    child_kill(w->pid);
    w->kill_due = INT64_MAX;
}

void place_close(struct place *w)
{
    struct sweep sweep = sweep_of(w);
    bool is_dead = w->state == PLACE_SWEEPING;
    if (w->state == PLACE_RUNNING) {
        int64_t left = w->kill_due - loop_now();
        is_dead = child_end(w->pid, w->pidfd, left > 0 && left < ENDING_MS ? (int)left : 0);
        stop_watching(w);
    }
    forget_dying(w);
    pid_t last = is_dead ? sweep_wait(&sweep, SWEEP_MS) : w->pid;
    if (w->state != PLACE_EMPTY && last)
        log_error("worker %s left process %d, which does not die", w->name, (int)last);
    if (is_dead)
        child_reap(w->pid, NULL);
    else if (w->state != PLACE_EMPTY)
        child_abandon(w->pid);
    forget_process(w);
    if (w->directory)
        file_remove_tree(w->directory);
    if (w->where_path)
        unlink(w->where_path);
    if (w->group)
        rmdir(w->group); /* of a guard that was killed */
    free(w->name);
    free(w->directory);
    free(w->mark);
    free(w->where_path);
    free(w->group);
}

/* ---- the start ---- */

static int make_scratch(struct place *w)
{
    int r = file_remove_tree(w->directory);
    if (r == 0)
        r = file_make_directories(w->directory);
    return r == 0 ? where_create(w->where_path, &w->where) : r;
}

/* A pipe that has it, as a line, and nothing after it. */
static int make_secret(struct place *w, int *ret_fd)
{
    int ends[2];
    hash_token(w->secret);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = file_append(ends[1], w->secret, strlen(w->secret));
    close(ends[1]);
    if (r < 0)
        close(ends[0]);
    else
        *ret_fd = ends[0];
    return r;
}

static int start_child(struct place *w, int output, int secret)
{
    struct place_setup *s = w->setup;
    char where[16], text[16];
    bool has_group = w->group && task_limit_make(w->group, s->tasks);
    snprintf(where, sizeof where, "%d", w->where);
    snprintf(text, sizeof text, "%d", secret);
    s->argv[PLACE_NAME_AT] = w->name;
    s->argv[PLACE_WHERE_AT] = where;
    s->argv[PLACE_SECRET_AT] = text;
    s->argv[PLACE_GROUP_AT] = has_group ? w->group : "";
    const int inherit[] = {s->lock->workers, w->where, secret, -1};
    struct child_options o = {.argv = (const char *const *)s->argv,
                              .directory = w->directory,
                              .output = output,
                              .error = output,
                              .inherit = inherit};
    return child_start(&o, &w->pid, &w->pidfd);
}

static int watch(struct place *w)
{
    int r = loop_add_fd(w->setup->loop, w->pidfd, EPOLLIN, on_pidfd, w);
    if (r < 0) {
        child_end(w->pid, w->pidfd, 0);
        child_reap(w->pid, NULL);
        close(w->pidfd);
        w->pidfd = -1;
    }
    return r;
}

static int place_fork(struct place *w)
{
    int output, secret = -1;
    int r = make_scratch(w);
    if (r == 0)
        r = output_new(w->setup->loop, w->name, w->where, &w->output, &output);
    if (r < 0)
        return r;
    w->oom_kills = cgroup_oom_kills("/proc/self");
    r = make_secret(w, &secret);
    if (r == 0)
        r = start_child(w, output, secret);
    if (secret >= 0)
        close(secret);
    close(output);
    return r == 0 ? watch(w) : r;
}

static void place_start(struct place *w)
{
    struct place_setup *s = w->setup;
    if (s->before_start)
        s->before_start(s->userdata);
    free(w->name);
    w->name = mem_printf(PLACE_NAME "%s.%d", w->label, ++w->starts);
    w->is_ready = w->is_asked = false;
    w->kill_due = INT64_MAX;
    int r = place_fork(w);
    if (r == 0) {
        w->state = PLACE_RUNNING;
        return;
    }
    forget_process(w);
    place_empty(w);
    snprintf(s->trouble, sizeof s->trouble, "%s cannot be started: %s", s->argv[0], strerror(-r));
    log_error("cannot start worker %s (%s): %s; again in %lld ms", w->name, s->argv[0],
              strerror(-r), (long long)pause_ms(w->failures));
}

/* ---- */

static int64_t running_tick(struct place *w, int64_t now)
{
    if (w->kill_due <= now)
        kill_leader(w);
    int64_t due = output_tick(w->output, now);
    return due < w->kill_due ? due : w->kill_due;
}

static int64_t sweeping_tick(struct place *w, int64_t now)
{
    if (w->sweep_due <= now)
        give_up_sweep(w);
    else if (w->dying < 0)
        place_sweep(w);
    if (w->state != PLACE_SWEEPING)
        return now;
    return w->dying >= 0 ? w->sweep_due : now + RETRY_MS;
}

int64_t place_tick(struct place *w, int64_t now)
{
    if (w->state == PLACE_EMPTY && w->due <= now)
        place_start(w);
    switch (w->state) {
    case PLACE_RUNNING:
        return running_tick(w, now);
    case PLACE_SWEEPING:
        return sweeping_tick(w, now);
    default:
        return w->due;
    }
}

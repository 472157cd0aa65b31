/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker serve`: leases of a daemon (proto/PROTOCOL.md, section 2). This thread runs
 * members; daemon_session.c's owns the socket. */
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proto/api.h"
#include "worker/closing.h"
#include "worker/daemon_session.h"
#include "worker/fault.h"
#include "worker/fingerprint.h"
#include "worker/helping.h"
#include "worker/known_job.h"
#include "worker/meeting.h"
#include "worker/pinned.h"
#include "worker/profile_report.h"
#include "worker/range_runner.h"
#include "worker/threads.h"
#include "worker/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* A cancelled range: no callback of range_runner_run returns this otherwise. */
#define STOPPED (-ECANCELED)

struct serve {
    const struct worker_serve_options *options;
    struct daemon_session *session;
    struct clean_room *room;
    struct position_board *board; /* of the where page */
    struct pinned *pinned;
    struct threads *threads;
    struct known_job *known;
    struct known_job *current; /* of the lease that is being run */
    struct wire_lease lease;
    double started;         /* its members: seconds_now(); 0: none has … */
    double waited;          /* … seconds of that for a layout */
    char *directory;        /* of members */
    struct meeting meeting; /* of the current lease, with those who help with it */
    struct error renewal;   /* why it leaves after this lease; no words: it does not */
};

/* The daemon is local or the session's thread ends us: what cannot be sent need not be said. */
static void say(struct serve *s, const struct wire_message *m)
{
    int r = daemon_session_send(s->session, m);
    if (r < 0)
        log_error("cannot send %s: %s", wire_name((int)m->type), strerror(-r));
}

/* BYE has been heard when QUIT comes: had we ended before, the daemon might see that first. */
static void await_quit(struct serve *s)
{
    struct wire_message m = {.type = WIRE_BYE};
    while (m.type != WIRE_QUIT && daemon_session_receive(s->session, &m) == 0)
        continue;
}

static void say_bye(struct serve *s, const char *reason)
{
    struct wire_message bye = {.type = WIRE_BYE, .bye.reason = reason};
    say(s, &bye);
    if (*s->renewal.message)
        await_quit(s);
}

/* ---- what range_runner_run tells ---- */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int on_done(void *userdata, int64_t begin, int64_t end)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_DONE, .done = {s->lease.lease, begin, end}};
    say(s, &m);
    return 0;
}

static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_MEMBER_FAILED,
                             .member_failed = {s->lease.lease, member, why->message}};
    say(s, &m);
    return 0;
}

static int on_layout(void *userdata, int64_t member, const char *layout)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_LAYOUT, .layout = {s->lease.lease, member, layout}};
    free(s->current->layout);
    s->current->layout = mem_strdup(layout);
    return daemon_session_send(s->session, &m);
}

static int on_late(void *userdata, int64_t member, const char *layout)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_LAYOUT, .layout = {s->lease.lease, member, layout}};
    return daemon_session_send(s->session, &m);
}

/* What is waited is no time of a member, whose clock starts anew. */
static int await(struct serve *s, int64_t member, const char **ret_layout)
{
    struct wire_message m = {.type = WIRE_WAITS, .waits.lease = s->lease.lease};
    double since = seconds_now();
    say(s, &m);
    daemon_session_end_member(s->session);
    int r = daemon_session_laid_out(s->session, true, ret_layout);
    if (member >= 0)
        daemon_session_begin_member(s->session, member);
    s->waited += seconds_now() - since;
    return r;
}

static int on_await(void *userdata, int64_t member, bool waits, const char **ret_layout)
{
    struct serve *s = userdata;
    const char *layout;
    int r = daemon_session_laid_out(s->session, false, &layout);
    if (r == -EAGAIN && waits)
        r = await(s, member, &layout);
    if (r == -ECANCELED)
        return daemon_session_quits(s->session) ? RANGE_LEAVES : STOPPED;
    if (r == 0 && *layout && !s->current->layout)
        s->current->layout = mem_strdup(layout);
    if (r == 0)
        *ret_layout = s->current->layout;
    return r;
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_LOG, .log = {s->lease.lease, member, line}};
    say(s, &m);
}

static void on_begin(void *userdata, int64_t member)
{
    struct serve *s = userdata;
    daemon_session_begin_member(s->session, member);
}

/* What this member printed is told apart from the next one's: proto/where.h. */
static void mark_output(const struct serve *s, int64_t member)
{
    int unread = 0;
    fflush(stdout);
    if (s->options->where >= 0 && ioctl(STDERR_FILENO, FIONREAD, &unread) == 0 && unread > 0)
        dprintf(STDERR_FILENO, "%c%" PRId64 " %" PRId64 "\n", WHERE_MARK, s->lease.job, member);
}

static void on_end(void *userdata, int64_t member, bool may_have_printed)
{
    struct serve *s = userdata;
    if (may_have_printed) /* looking costs as much as a short member */
        mark_output(s, member);
    daemon_session_end_member(s->session);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct serve *s = userdata;
    (void)member;
    if (!daemon_session_step(s->session, step + 1))
        return 0;
    return daemon_session_quits(s->session) ? RANGE_LEAVES : STOPPED;
}

static struct wire_message release_now(struct serve *s)
{
    double seconds = s->started > 0 ? seconds_now() - s->started - s->waited : 0;
    daemon_session_set_lease(s->session, 0, 0, 0);
    return (struct wire_message){.type = WIRE_RELEASE,
                                 .release = {.lease = s->lease.lease, .seconds = seconds}};
}

static void on_abandon(void *userdata, const struct error *why)
{
    struct serve *s = userdata;
    struct wire_message m = release_now(s);
    s->renewal = *why;
    say(s, &m);
    say_bye(s, why->message);
    _exit(0);
}

/* After the death of a helper, until the daemon ends us for it. */
enum { LOST_MS = 5000 };

/* Whoever told us of helpers is told of their deaths: it ends us, and knows whose fault it was. One
 * that lives, and whose code has closed our connection, it does not hear of. */
static void on_lost(void *userdata, const char *why)
{
    (void)userdata;
    log_warning("%s", why);
    for (int64_t until = loop_now() + LOST_MS; loop_now() < until;)
        poll(NULL, 0, (int)(until - loop_now()) + 1);
    _exit(1);
}

/* ---- leases ---- */

static void close_runner(struct serve *s, struct known_job *k)
{
    k->runner = range_runner_free(k->runner);
    meeting_close(&s->meeting);
}

/* Helpers are wanted. */
static bool is_shared(const struct job *j)
{
    return !j->batch_dim && strcmp(range_runner_scheduler(j), "processes") == 0 &&
           range_runner_lanes(j) > 1;
}

static void open_meeting(struct serve *s)
{
    int r = meeting_open(s->directory, s->lease.lease, &s->meeting);
    if (r < 0)
        log_warning("other workers cannot help: %s", strerror(-r));
}

static void ask_for_helpers(struct serve *s, const struct job *j)
{
    struct wire_message m = {
        .type = WIRE_ASK,
        .ask = {s->lease.lease, (uint32_t)range_runner_lanes(j) - 1, s->meeting.path}};
    say(s, &m);
}

static struct job_store store_of(const struct known_job *k)
{
    return (struct job_store){.path = k->store, .owner = k->owner, .layout = k->layout};
}

static int open_runner(struct serve *s, struct known_job *k, struct error *e)
{
    if (k->result != 0) {
        *e = k->why;
        return k->result;
    }
    if (k->runner)
        return 0;
    if (is_shared(k->job))
        open_meeting(s);
    const struct range_events events = {.done = on_done,
                                        .failed = on_failed,
                                        .layout = on_layout,
                                        .late = on_late,
                                        .await = on_await,
                                        .log = on_log,
                                        .begin = on_begin,
                                        .step = on_step,
                                        .is_cancelled = daemon_session_is_cancelled(s->session),
                                        .end = on_end,
                                        .abandon = on_abandon,
                                        .share = s->meeting.socket,
                                        .share_listens = true,
                                        .lost = on_lost,
                                        .userdata = s,
                                        .board = s->board};
    int r = pinned_load(s->pinned, k->job, e);
    if (r)
        return r;
    struct job_store where = store_of(k);
    where.first = s->lease.begin;
    where.lease = &s->lease.lease;
    where.is_ahead = s->lease.ahead && !k->layout;
    r = range_runner_new(k->job, pinned_libraries(s->pinned), s->room, &where, &events, &k->runner,
                         e);
    if (r == 0 && s->meeting.path)
        ask_for_helpers(s, k->job);
    return r;
}

static int64_t steps_of(const struct job *j)
{
    return j && j->n_clocks > 0 ? j->clocks[j->main_clock].n - 1 : 0;
}

static int run_lease(struct serve *s, struct known_job *k, struct error *e)
{
    daemon_session_set_lease(s->session, s->lease.job, s->lease.lease, steps_of(k->job));
    if (daemon_session_stopped(s->session)) /* while it waited */
        return STOPPED;
    threads_set(s->threads, pinned_libraries(s->pinned), k->job ? k->job->threads : 0);
    int r = open_runner(s, k, e);
    s->started = seconds_now();
    if (r == 0)
        r = range_runner_run(k->runner, s->lease.begin, s->lease.end, e);
    return r;
}

static void fail_job(struct serve *s, int64_t job, const char *reason)
{
    struct wire_message m = {.type = WIRE_JOB_FAILED, .job_failed = {job, reason}};
    say(s, &m);
}

/* Of all members that this runner has run, in the log of the lease's first. */
static void say_profile(struct serve *s)
{
    json_t *profile = s->current->runner ? range_runner_profile(s->current->runner) : NULL;
    struct buffer text = {0};
    if (profile)
        profile_report_text(profile, &text);
    char *rest = text.data;
    for (char *line = rest; rest && (line = strsep(&rest, "\n")) && *line;) {
        char *marked = mem_printf(API_PROFILE_LINE "%s", line);
        on_log(s, s->lease.begin, marked);
        free(marked);
    }
    buffer_free(&text);
    json_decref(profile);
}

static void on_lease(struct serve *s, const struct wire_lease *lease)
{
    struct error e = {.message = ""};
    int r = 0;
    s->lease = *lease;
    s->started = s->waited = 0;
    s->current = known_job_find(s->known, lease->job);
    if (s->current)
        r = run_lease(s, s->current, &e);
    if (s->current)
        say_profile(s);
    if (s->current && (r != 0 || lease->ahead || !s->current->layout || s->meeting.path))
        close_runner(s, s->current); /* another lease opens it anew */
    struct wire_message m = release_now(s);
    if (r == WORKER_RENEW || r == WORKER_TROUBLE) {
        s->renewal = e;
        m.release.cause = r == WORKER_TROUBLE ? WIRE_CAUSE_WORKER : WIRE_CAUSE_NONE;
        m.release.reason = r == WORKER_TROUBLE ? e.message : NULL;
    } else if (r == WORKER_LAYOUT) {
        m.release.cause = WIRE_CAUSE_LAYOUT;
        m.release.reason = e.message;
    } else if (r != 0 && r != STOPPED && r != RANGE_LEAVES) {
        error_explain(&e, r, "run the members");
        if (r < 0) {
            m.release.cause = WIRE_CAUSE_STORE;
            m.release.error = (uint32_t)-r;
            m.release.reason = e.message;
        } else {
            fail_job(s, lease->job, e.message);
        }
    }
    say(s, &m);
    s->current = NULL;
    if (clean_room_spent(s->room) && !*s->renewal.message) /* a member that was cancelled */
        error_set(&s->renewal, WORKER_RENEW, NULL, "%s", clean_room_spent(s->room));
}

/* ---- help ---- */

static int help_with(struct serve *s, const struct wire_help *h, struct error *e)
{
    struct known_job *k = known_job_find(s->known, h->job);
    int socket, r = 0;
    if (!k || !k->job)
        return error_set(e, WORKER_REFUSED, NULL, "%s", k ? k->why.message : "it is not known");
    for (struct known_job *other = s->known; other; other = other->next)
        other->runner = range_runner_free(other->runner); /* their states lie where this one does */
    r = pinned_load(s->pinned, k->job, e);
    if (r)
        return r;
    threads_set(s->threads, pinned_libraries(s->pinned), k->job->threads);
    r = meeting_connect(h->socket, &socket);
    if (r < 0)
        return error_errno(e, r, "connect to the other worker");
    r = helping_run(k->job, pinned_libraries(s->pinned), s->room, socket,
                    daemon_session_stop_event(s->session), s->board, e);
    close(socket);
    return r;
}

/* That it cannot help is no trouble of the job's: the other one goes on without. */
static void on_help(struct serve *s, const struct wire_help *h)
{
    struct error e = {.message = ""};
    struct wire_message m = {.type = WIRE_RELEASE, .release.lease = h->lease};
    daemon_session_set_lease(s->session, h->job, h->lease, 0);
    int r = daemon_session_stopped(s->session) ? STOPPED : help_with(s, h, &e);
    if (r == WORKER_RENEW)
        s->renewal = e;
    else if (r && r != STOPPED)
        log_info("cannot help with job %" PRId64 ": %s", h->job, e.message);
    daemon_session_set_lease(s->session, 0, 0, 0);
    say(s, &m);
    if (clean_room_spent(s->room) && !*s->renewal.message)
        error_set(&s->renewal, WORKER_RENEW, NULL, "%s", clean_room_spent(s->room));
}

/* ---- stores ---- */

struct closing_progress {
    struct serve *serve;
    int64_t job, total;
};

static int on_look(void *userdata, int64_t done, int64_t total)
{
    struct closing_progress *p = userdata;
    if (total != p->total)
        daemon_session_set_lease(p->serve->session, p->job, 0, total);
    p->total = total;
    return daemon_session_step(p->serve->session, done) ? STOPPED : 0;
}

static int finish(struct serve *s, const struct wire_finish *f, struct error *e)
{
    struct known_job *k = known_job_find(s->known, f->job);
    if (!k)
        return error_set(e, WORKER_REFUSED, NULL, "the worker was not told of the job");
    k->runner = range_runner_free(k->runner);
    if (k->result != 0) {
        *e = k->why;
        return k->result;
    }
    int64_t(*dead)[2];
    struct closing_progress progress = {s, f->job, 0};
    struct closing c = {
        .job = k->job, .store = store_of(k), .look = on_look, .userdata = &progress};
    int r = closing_read_dead(f->dead, k->job->n_members, &dead, &c.n_dead, e);
    if (r)
        return r;
    c.dead = (const int64_t(*)[2])dead;
    r = closing_run(&c, e);
    free(dead);
    return error_explain(e, r, "finish the store");
}

static void on_finish(struct serve *s, const struct wire_finish *f)
{
    struct error e = {.message = ""};
    struct wire_message m = {.type = WIRE_FINISHED, .finished.job = f->job};
    daemon_session_set_lease(s->session, f->job, 0, 0);
    int r = finish(s, f, &e);
    daemon_session_set_lease(s->session, 0, 0, 0);
    if (r == STOPPED)
        return; /* we leave: another does it */
    if (r != 0)
        m = (struct wire_message){.type = WIRE_FINISH_FAILED,
                                  .finish_failed = {f->job,
                                                    r < 0                 ? WIRE_CAUSE_STORE
                                                    : r == WORKER_TROUBLE ? WIRE_CAUSE_WORKER
                                                                          : WIRE_CAUSE_NONE,
                                                    r < 0 ? (uint32_t)-r : 0, e.message}};
    say(s, &m);
}

/* ---- the process ---- */

/* False at the end. */
static bool serve_one(struct serve *s, struct error *e, int *ret_result)
{
    struct wire_message m;
    *ret_result = daemon_session_receive(s->session, &m);
    if (*ret_result < 0) {
        error_errno(e, *ret_result, "receive");
        return false;
    }
    switch ((int)m.type) {
    case WIRE_JOB:
        known_job_add(&s->known, &m.job, s->pinned, s->options->uploads);
        break;
    case WIRE_LEASE:
        on_lease(s, &m.lease);
        return !*s->renewal.message;
    case WIRE_HELP:
        on_help(s, &m.help);
        return !*s->renewal.message;
    case WIRE_LAID_OUT:
        known_job_lay_out(s->known, &m.laid_out);
        break;
    case WIRE_FINISH:
        on_finish(s, &m.finish);
        break;
    case WIRE_DROP:
        known_job_drop(&s->known, m.drop.job);
        break;
    case WIRE_QUIT:
        log_info("%s", m.quit.reason);
        return false;
    default:
        break;
    }
    return true;
}

static int serve(struct serve *s, struct error *e)
{
    int r = 0;
    struct wire_message ready = {.type = WIRE_READY, .ready.threads = 1};
    s->threads = threads_new();
    s->pinned = pinned_new(s->options->libraries);
    say(s, &ready);
    while (serve_one(s, e, &r))
        ;
    say_bye(s, r ? e->message : s->renewal.message);
    return r;
}

/* The page only informs: without the daemon's, one that it does not see. */
static struct where *open_where(int fd)
{
    struct where *w = NULL;
    int r = where_open(fd, &w);
    if (r < 0) {
        log_warning("--where %d: %s", fd, strerror(-r));
        if (where_open(-1, &w) < 0)
            return NULL;
    }
    if (fd > STDERR_FILENO)
        close(fd);
    where_set_pid(w, getpid());
    return w;
}

/* Of the members: a directory of their own within ours, so that it is nobody else's that is
 * emptied.
 */
static int enter_clean_room(struct serve *s, char **ret_directory, struct error *e)
{
    char *directory = NULL;
    int r = clean_room_make_directory(&directory, e);
    if (r == 0)
        r = clean_room_new(directory, s->options->guard, &s->room, e);
    *ret_directory = directory;
    return r;
}

static void remove_directory(char *directory)
{
    if (directory)
        file_remove_tree(directory);
    free(directory);
}

int worker_serve(const struct worker_serve_options *o)
{
    char *directory = NULL;
    struct serve s = {.options = o, .meeting.socket = -1};
    struct error e = {.message = ""};
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* it is a pipe, and a crash loses what is kept back */
    struct where *where = open_where(o->where);
    char *prints = fingerprint();
    int r = where ? 0 : error_errno(&e, -ENOMEM, "make the where page");
    s.board = where ? where_board(where) : NULL;
    if (r == 0)
        r = daemon_session_new(o->endpoint, o->name, prints, where, &s.session, &e);
    free(prints);
    if (r == 0)
        r = enter_clean_room(&s, &directory, &e);
    s.directory = directory;
    if (r == 0)
        r = serve(&s, &e);
    if (r != 0)
        log_error("%s", e.message);
    daemon_session_free(s.session);
    known_job_drop_all(&s.known);
    meeting_close(&s.meeting);
    pinned_free(s.pinned);
    threads_free(s.threads);
    clean_room_free(s.room);
    remove_directory(directory);
    fault_forget();
    where_close(where);
    return r == 0 ? 0 : 1;
}

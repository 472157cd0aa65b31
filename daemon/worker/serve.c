/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker serve`: leases of a daemon (proto/PROTOCOL.md, section 2). This thread runs
 * members; daemon_session.c's owns the socket. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/closing.h"
#include "worker/fault.h"
#include "worker/fingerprint.h"
#include "worker/sandbox.h"
#include "worker/serve_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void serve_say(struct serve *s, const struct wire_message *m)
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

void serve_say_bye(struct serve *s, const char *reason)
{
    struct wire_message bye = {.type = WIRE_BYE, .bye.reason = reason};
    serve_say(s, &bye);
    if (*s->renewal.message)
        await_quit(s);
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
    return daemon_session_step(p->serve->session, done) ? SERVE_STOPPED : 0;
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
    int64_t(*dead)[2] = NULL, (*kept)[2] = NULL;
    struct closing_progress progress = {s, f->job, 0};
    struct closing c = {
        .job = k->job, .store = known_job_store(k), .look = on_look, .userdata = &progress};
    c.repairs = f->repairs != 0;
    c.has_checksums = true;
    int r = closing_read_ranges(f->dead, k->job->n_members, &dead, &c.n_dead, e);
    if (r == 0)
        r = closing_read_ranges(f->kept, k->job->n_members, &kept, &c.n_kept, e);
    c.dead = (const int64_t(*)[2])dead;
    c.kept = (const int64_t(*)[2])kept;
    if (r == 0)
        r = closing_run(&c, e);
    free(dead);
    free(kept);
    return error_explain(e, r, "finish the store");
}

static void on_finish(struct serve *s, const struct wire_finish *f)
{
    struct error e = {.message = ""};
    struct wire_message m = {.type = WIRE_FINISHED, .finished.job = f->job};
    daemon_session_set_lease(s->session, f->job, 0, 0);
    int r = finish(s, f, &e);
    daemon_session_set_lease(s->session, 0, 0, 0);
    if (r == SERVE_STOPPED)
        return; /* we leave: another does it */
    if (r != 0)
        m = (struct wire_message){.type = WIRE_FINISH_FAILED,
                                  .finish_failed = {f->job,
                                                    r < 0                 ? WIRE_CAUSE_STORE
                                                    : r == WORKER_TROUBLE ? WIRE_CAUSE_WORKER
                                                                          : WIRE_CAUSE_NONE,
                                                    r < 0 ? (uint32_t)-r : 0, e.message}};
    serve_say(s, &m);
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
        serve_lease(s, &m.lease);
        return !*s->renewal.message;
    case WIRE_HELP:
        serve_help(s, &m.help);
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

/* What holds for user code; the caller frees it. */
static char *list_bounds(const struct serve *s)
{
    bool none = strcmp(s->sandbox.words, "none") == 0;
    char *words =
        mem_printf("%s%s%s", none ? "" : s->sandbox.words, s->has_bound_memory ? ", memory" : "",
                   s->has_bound_tasks ? ", tasks" : "");
    char *list = mem_strdup(!*words ? "none" : none ? words + 2 : words);
    free(words);
    return list;
}

static int serve(struct serve *s, struct error *e)
{
    int r = 0;
    char *words = list_bounds(s);
    struct wire_message ready = {.type = WIRE_READY, .ready = {1, words}};
    s->threads = threads_new();
    s->pinned = pinned_new(s->options->libraries);
    serve_say(s, &ready);
    free(words);
    while (serve_one(s, e, &r))
        ;
    serve_say_bye(s, r ? e->message : s->renewal.message);
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

/* A sanitizer's own maps are beyond any bound. */
static int bound_memory(struct serve *s, struct error *e)
{
    int64_t bytes = s->options->memory;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    bytes = 0;
#endif
    struct rlimit limit = {(rlim_t)bytes, (rlim_t)bytes};
    if (bytes > 0 && setrlimit(RLIMIT_DATA, &limit) < 0)
        return error_errno(e, -errno, "bound the worker's memory");
    s->has_bound_memory = bytes > 0;
    return 0;
}

/* The guard is outside: it ends what is in there. */
static void enter_group(struct serve *s)
{
    char *path = s->options->group ? file_join(s->options->group, "cgroup.procs") : NULL;
    int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    s->has_bound_tasks = fd >= 0 && write(fd, "0", 1) == 1;
    if (path && !s->has_bound_tasks)
        log_warning("cannot enter the control group of %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
}

/* The session's threads are to be in it, too. */
static int begin_sandbox(struct serve *s, struct error *e)
{
    const struct worker_serve_options *o = s->options;
    const char *const readable[] = {o->libraries, o->uploads, NULL};
    const struct sandbox_places places = {o->state, readable, o->writable};
    return sandbox_begin(o->sandbox, o->writable ? &places : NULL, &s->sandbox, e);
}

/* Closed before any code of a library runs. */
static void read_secret(int fd, char *ret, size_t size)
{
    ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);
    ret[n > 0 ? n : 0] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Once ZeroMQ has its connection: it gets no other socket after this. */
static int enter_sandbox(struct serve *s, struct error *e)
{
    const struct worker_serve_options *o = s->options;
    if (o->sandbox != SANDBOX_OFF)
        daemon_session_await_welcome(s->session);
    return sandbox_enter(&s->sandbox, o->daemon, o->guard, e);
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
    if (r == 0)
        clean_room_limit(s->room, s->options->renew_members);
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
    char *directory = NULL, secret[256];
    struct serve s = {.options = o, .meeting.socket = -1};
    struct error e = {.message = ""};
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* it is a pipe, and a crash loses what is kept back */
    struct where *where = open_where(o->where);
    char *prints = fingerprint();
    read_secret(o->secret, secret, sizeof secret);
    int r = where ? 0 : error_errno(&e, -ENOMEM, "make the where page");
    s.board = where ? where_board(where) : NULL;
    enter_group(&s);
    if (r == 0)
        r = bound_memory(&s, &e);
    if (r == 0)
        r = begin_sandbox(&s, &e);
    if (r == 0)
        r = daemon_session_new(o->endpoint, o->name, prints, secret, where, &s.session, &e);
    explicit_bzero(secret, sizeof secret);
    free(prints);
    if (r == 0)
        r = enter_sandbox(&s, &e);
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
    sandbox_clear(&s.sandbox);
    fault_forget();
    where_close(where);
    return r == 0 ? 0 : 1;
}

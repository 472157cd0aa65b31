/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include "base/file.h"
#include "base/mem.h"
#include "queue/queue_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

/* ---- the disk: SQLite's commits end with one of these; what the program defines goes first ----
 */

static bool sync_fails;

int fdatasync(int fd)
{
    errno = EIO;
    return sync_fails ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    errno = EIO;
    return sync_fails ? -1 : (int)syscall(SYS_fsync, fd);
}

void scene_fail_commits(bool fail)
{
    sync_fails = fail;
}

static struct {
    int countdown;
    bool is_next, has_failed;
} statement;

static int on_statement(unsigned what, void *userdata, void *p, void *x)
{
    (void)what, (void)userdata, (void)p, (void)x;
    statement.is_next = statement.countdown > 0 && --statement.countdown == 0;
    return 0;
}

static int on_instruction(void *userdata)
{
    (void)userdata;
    bool fails = statement.is_next;
    statement.is_next = false;
    statement.has_failed = statement.has_failed || fails;
    return fails;
}

/* What is committed must not be told as failed. */
static int on_commit(void *userdata)
{
    (void)userdata;
    statement.is_next = false;
    return 0;
}

bool scene_fail_statement(struct scene *s, int n)
{
    bool has_failed = statement.has_failed;
    sqlite3 *connection = s->queue->database.connection;
    memset(&statement, 0, sizeof statement);
    statement.countdown = n;
    sqlite3_trace_v2(connection, n > 0 ? SQLITE_TRACE_STMT : 0, on_statement, NULL);
    sqlite3_progress_handler(connection, n > 0, on_instruction, NULL);
    sqlite3_commit_hook(connection, on_commit, NULL);
    return has_failed;
}

/* ---- sending, likewise: by the dispatcher, not by the fakes ---- */

static struct {
    int countdown, error;
    bool is_flushing, has_failed;
} sending;

bool scene_fail_send(int n, int error)
{
    bool has_failed = sending.has_failed;
    sending.countdown = n;
    sending.error = error;
    sending.has_failed = false;
    return has_failed;
}

static bool send_fails(void)
{
    if (!sending.is_flushing || sending.countdown == 0 || --sending.countdown > 0)
        return false;
    sending.has_failed = true;
    errno = sending.error;
    return true;
}

int zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    static int (*next)(void *, const void *, size_t, int);
    if (!next)
        next = (int (*)(void *, const void *, size_t, int))dlsym(RTLD_NEXT, "zmq_send");
    return send_fails() ? -1 : next(socket, bytes, size, flags);
}

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    static int (*next)(zmq_msg_t *, void *, int);
    if (!next)
        next = (int (*)(zmq_msg_t *, void *, int))dlsym(RTLD_NEXT, "zmq_msg_send");
    return send_fails() ? -1 : next(message, socket, flags);
}

/* ---- the daemon ---- */

static void on_kill(void *userdata, const char *worker)
{
    struct scene *s = userdata;
    cr_assert_lt(s->n_kills, MAX_KILLS);
    snprintf(s->kills[s->n_kills++], 64, "%s", worker);
}

static void on_ready(void *userdata, const char *worker)
{
    (void)worker;
    ((struct scene *)userdata)->n_ready++;
}

/* As main.c: tick, commit, flush. */
static int64_t on_tick(void *userdata, int64_t now)
{
    struct scene *s = userdata;
    struct error e = {.message = ""};
    bool had_failed = statement.has_failed;
    int64_t ahead = (s->stopped ? s->stopped - now : 0) + s->shift;
    int64_t due = dispatch_tick(s->dispatch, now + ahead);
    int r = queue_commit(s->queue, &e);
    sending.is_flushing = true;
    if (r == 0) {
        dispatch_flush(s->dispatch);
    } else {
        s->n_rollbacks++;
        dispatch_rollback(s->dispatch);
    }
    sending.is_flushing = false;
    if (statement.has_failed && !had_failed) {
        s->shift += 2000;
        return now;
    }
    return due == INT64_MAX ? due : due - ahead;
}

static bool pinned(void *userdata, int64_t job)
{
    (void)userdata;
    (void)job;
    return true;
}

static struct {
    int result;
    int64_t lease;
} fence;

static int on_fence(const char *path, const char *owner, int64_t lease, struct error *e)
{
    cr_assert(!strncmp(path, "/stores/", 8) && !strncmp(owner, "simlabd ", 8));
    fence.lease = lease;
    return fence.result ? error_set(e, fence.result, NULL, "no fence") : 0;
}

static void start(struct scene *s)
{
    struct error e = {.message = ""};
    struct dispatch_options o = {.endpoint = s->endpoint,
                                 .heartbeat_ms = 1000,
                                 .lease_ms = SCENE_LEASE_MS,
                                 .lease_seconds = 1.0,
                                 .admit = s->admit,
                                 .kill = on_kill,
                                 .ready = on_ready,
                                 .fence_store = on_fence,
                                 .userdata = s};
    cr_assert_eq(loop_new(&s->loop), 0);
    cr_assert_eq(queue_open(&s->queue_options, &s->queue, &e), 0, "%s", e.message);
    bool all;
    json_t *none = json_object(); /* libraries are known at once */
    cr_assert_eq(queue_pin_unpinned(s->queue, none, pinned, NULL, &all, &e), 0, "%s", e.message);
    json_decref(none);
    cr_assert_eq(dispatch_new(s->loop, s->queue, &o, &s->dispatch, &e), 0, "%s", e.message);
    loop_add_tick(s->loop, on_tick, s);
}

static void stop(struct scene *s)
{
    s->dispatch = dispatch_free(s->dispatch);
    s->queue = queue_close(s->queue);
    s->loop = loop_free(s->loop);
}

void scene_open(struct scene *s)
{
    scene_open_admitting(s, NULL);
}

void scene_open_admitting(struct scene *s, scene_admit_fn admit)
{
    *s = (struct scene){.directory = "/tmp/simlab-dispatch-XXXXXX", .admit = admit};
    cr_assert(mkdtemp(s->directory));
    snprintf(s->endpoint, sizeof s->endpoint, "ipc://%s/workers", s->directory);
    snprintf(s->database, sizeof s->database, "%s/db", s->directory);
    s->queue_options =
        (struct queue_options){.path = s->database, .root = "/stores", .all_seen = true};
    s->max_attempts = 2;
    sync_fails = false;
    memset(&fence, 0, sizeof fence);
    memset(&sending, 0, sizeof sending);
    s->context = zmq_ctx_new();
    start(s);
}

void scene_close(struct scene *s)
{
    stop(s);
    zmq_ctx_term(s->context);
    cr_assert_eq(file_remove_tree(s->directory), 0);
}

void scene_restart(struct scene *s)
{
    stop(s);
    start(s);
}

void scene_worker_died(struct scene *s, const char *name, const char *reason)
{
    dispatch_worker_died(s->dispatch, name, &(struct dispatch_death){.reason = reason});
}

void scene_worker_is_given_up(struct scene *s, const char *name, const char *reason)
{
    const struct dispatch_death death = {.reason = reason, .is_unseen = true};
    dispatch_worker_died(s->dispatch, name, &death);
}

void scene_fence(int result)
{
    fence.result = result;
}

int64_t scene_fenced(void)
{
    int64_t lease = fence.lease;
    fence.lease = 0;
    return lease;
}

void scene_stop_clock(struct scene *s)
{
    s->stopped = loop_now();
}

void scene_turn(struct scene *s)
{
    cr_assert_eq(loop_turn(s->loop, 0), 0);
}

/* ---- jobs ---- */

int64_t scene_submit(struct scene *s, int64_t members)
{
    struct queue_submission submission = {.document = "{\"a\": \"b\"}",
                                          .model_hash = "hash",
                                          .principal = "me",
                                          .document_hash = "hash",
                                          .members = members,
                                          .max_attempts = s->max_attempts,
                                          .member_timeout = 3.0};
    struct error e = {.message = ""};
    int64_t job;
    bool existed;
    cr_assert_eq(queue_submit(s->queue, &submission, &job, &existed, &e), 0, "%s", e.message);
    return job;
}

int64_t scene_submit_begun(struct scene *s, int64_t members, int64_t chunk)
{
    struct error e = {.message = ""};
    struct queue_lease l;
    int64_t job = scene_submit(s, members);
    char *layout = mem_printf("{\"p__u\": {\"shape\": [%d, 7], \"chunks\": [%d, 7]}}", (int)members,
                              (int)chunk);
    cr_assert_eq(queue_lease(s->queue, job, "former", 1, 1, &l, &e), 0, "%s", e.message);
    cr_assert_eq(queue_add_layout(s->queue, &l, 0, layout, &e), 0, "%s", e.message);
    cr_assert_eq(queue_done(s->queue, &l, 0, 1, &e), 0, "%s", e.message);
    cr_assert_eq(queue_release(s->queue, &l, &e), 0, "%s", e.message);
    cr_assert_eq(queue_commit(s->queue, &e), 0, "%s", e.message);
    free(layout);
    return job;
}

struct queue_job scene_job(struct scene *s, int64_t job)
{
    struct queue_job j = {0};
    struct error e = {.message = ""};
    cr_assert_eq(queue_job(s->queue, job, &j, &e), 0);
    return j;
}

enum job_state scene_state(struct scene *s, int64_t job)
{
    struct queue_job j = scene_job(s, job);
    enum job_state state = j.state;
    queue_job_clear(&j);
    return state;
}

/* ---- workers ---- */

static void on_frame(void *userdata, uint32_t events)
{
    (void)userdata, (void)events;
}

struct fake *fake_connect(struct scene *s)
{
    struct fake *f = mem_new(sizeof *f);
    int linger = 0;
    size_t size = sizeof f->fd;
    f->scene = s;
    f->socket = zmq_socket(s->context, ZMQ_DEALER);
    zmq_setsockopt(f->socket, ZMQ_LINGER, &linger, sizeof linger);
    cr_assert_eq(zmq_connect(f->socket, s->endpoint), 0);
    cr_assert_eq(zmq_getsockopt(f->socket, ZMQ_FD, &f->fd, &size), 0);
    cr_assert_eq(loop_add_fd(s->loop, f->fd, EPOLLIN, on_frame, f), 0);
    return f;
}

void fake_close(struct fake *f)
{
    loop_remove_fd(f->scene->loop, f->fd);
    zmq_close(f->socket);
    free(f->frame);
    free(f);
}

void fake_say_bytes(struct fake *f, const void *bytes, size_t size)
{
    cr_assert_eq(zmq_send(f->socket, bytes, size, 0), (int)size);
    f->said++;
}

void fake_say(struct fake *f, struct wire_message m)
{
    if (m.type == WIRE_HELLO)
        f->said = 0;
    if (m.type == WIRE_HELLO && !m.hello.secret)
        m.hello.secret = "";
    if (m.type == WIRE_HEARTBEAT)
        m.heartbeat.said += f->said;
    size_t size = wire_size(&m);
    cr_assert_gt(size, 0);
    void *frame = malloc(size);
    wire_encode(&m, frame);
    fake_say_bytes(f, frame, size);
    free(frame);
}

/* The next message of any type; NULL where none comes and the daemon has killed somebody. */
static struct wire_message *hear_unless_killed(struct fake *f)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, f->socket, ZMQ_DONTWAIT) < 0) {
        cr_assert_eq(errno, EAGAIN);
        if (f->scene->n_kills > 0)
            return NULL;
        cr_assert_eq(loop_turn(f->scene->loop, -1), 0);
    }
    free(f->frame);
    f->frame = NULL;
    size_t size = zmq_msg_size(&frame);
    if (size == 0) { /* of a message that was cut: its session is over */
        zmq_msg_close(&frame);
        return hear_unless_killed(f);
    }
    f->frame = malloc(size);
    memcpy(f->frame, zmq_msg_data(&frame), size);
    zmq_msg_close(&frame);
    cr_assert_eq(wire_decode(WIRE_TO_WORKER, f->frame, size, &f->heard), 0);
    if (f->heard.type == WIRE_WELCOME)
        f->n_heard = 0;
    if (f->heard.type == WIRE_ALIVE)
        cr_assert_eq(f->heard.alive.said, f->n_heard);
    f->n_heard++;
    return &f->heard;
}

static struct wire_message *hear(struct fake *f)
{
    struct wire_message *m;
    while (!(m = hear_unless_killed(f)))
        cr_assert_eq(loop_turn(f->scene->loop, -1), 0);
    return m;
}

struct wire_message *fake_hear_unless_killed(struct fake *f)
{
    struct wire_message *m;
    do
        m = hear_unless_killed(f);
    while (m && m->type == WIRE_ALIVE);
    return m;
}

struct wire_message *fake_hear_any(struct fake *f)
{
    struct wire_message *m;
    do
        m = hear(f);
    while (m->type == WIRE_ALIVE);
    return m;
}

struct wire_message *fake_hear(struct fake *f, enum wire_type type)
{
    struct wire_message *m = type == WIRE_ALIVE ? hear(f) : fake_hear_any(f);
    cr_assert_eq(m->type, type, "%s, not %s", wire_name((int)m->type), wire_name((int)type));
    return m;
}

void fake_hears_nothing(struct fake *f)
{
    for (int i = 0; i < 2; i++) { /* what the first one's turn grants comes before the second */
        fake_say(f, (struct wire_message){.type = WIRE_HEARTBEAT, .heartbeat.member = -1});
        const struct wire_message *m = hear(f);
        while (m->type == WIRE_DROP)
            m = hear(f);
        cr_assert_eq(m->type, WIRE_ALIVE, "%s came", wire_name((int)m->type));
    }
}

struct fake *fake_ready(struct scene *s, const char *name)
{
    struct fake *f = fake_connect(s);
    fake_say(f,
             (struct wire_message){.type = WIRE_HELLO,
                                   .hello = {WIRE_VERSION, name, 42, "host", "fingerprint", ""}});
    const struct wire_message *m = fake_hear(f, WIRE_WELCOME);
    cr_assert_eq(m->welcome.heartbeat_ms, 1000);
    cr_assert_eq(m->welcome.silence_ms, SCENE_LEASE_MS);
    fake_say(f, (struct wire_message){.type = WIRE_READY, .ready = {1, "none"}});
    return f;
}

struct wire_lease fake_lease(struct fake *f, int64_t begin, int64_t end)
{
    struct wire_lease l = fake_hear(f, WIRE_LEASE)->lease;
    cr_assert_eq(l.begin, begin, "[%d, %d)", (int)l.begin, (int)l.end);
    cr_assert_eq(l.end, end, "[%d, %d)", (int)l.begin, (int)l.end);
    return l;
}

void fake_done(struct fake *f, const struct wire_lease *l, int64_t begin, int64_t end)
{
    fake_say(f, (struct wire_message){.type = WIRE_DONE, .done = {l->lease, begin, end}});
}

void fake_release(struct fake *f, const struct wire_lease *l, double seconds)
{
    fake_say(f,
             (struct wire_message){.type = WIRE_RELEASE, .release = {l->lease, seconds, 0, 0, ""}});
}

void fake_store_failed(struct fake *f, const struct wire_lease *l, uint32_t error)
{
    fake_say(f,
             (struct wire_message){.type = WIRE_RELEASE,
                                   .release = {l->lease, 0.1, WIRE_CAUSE_STORE, error, "no room"}});
}

void fake_layout(struct fake *f, const struct wire_lease *l)
{
    fake_say(f,
             (struct wire_message){.type = WIRE_LAYOUT, .layout = {l->lease, l->begin, "{}", 0}});
}

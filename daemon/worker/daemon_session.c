/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/daemon_session.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

enum {
    SILENCE_MS = 15000,   /* until WELCOME says otherwise */
    LINGER_MS = 1000,     /* for BYE to leave */
    CANCELLED_MAX = 16,   /* at most two leases are outstanding */
    HEARTBEAT_MIN_MS = 1, /* whatever WELCOME says */
    IDLE_HEARTBEATS = 3,  /* in silence_ms */
};

#define INPROC "inproc://session"

struct daemon_session {
    void *context;
    void *main_end; /* PAIR, of the thread that runs members */
    pthread_t thread;
    bool has_thread;
    zmq_msg_t received;

    /* Of the session's thread. */
    void *dealer, *thread_end;
    char *endpoint, *name, *fingerprint;
    int64_t heartbeat_ms, silence_ms;
    int64_t last_heard, next_heartbeat, number;
    int64_t heard, said; /* messages that came, and that were sent */
    bool is_welcome, is_closed;

    /* Written by the main thread, told by heartbeats. Borrowed. */
    struct where *where;

    /* Written by the session's thread. `stops` grows with each cancellation and with QUIT, so that
     * a step costs one load. */
    _Atomic int64_t stops;
    pthread_mutex_t mutex;
    int64_t cancelled[CANCELLED_MAX]; /* under mutex, a ring */
    size_t n_cancelled;
    bool quits;         /* under mutex, like these: */
    int64_t laid_lease; /* the last of which LAID_OUT spoke */
    char *laid_out;     /* what it said */
    pthread_cond_t changed;
    int stop_event; /* can be read while is_cancelled */

    /* Of the main thread, for its current lease. */
    int64_t lease; /* written under mutex */
    int64_t stops_seen;
    bool is_stopped;
    atomic_bool is_cancelled; /* the same, for whoever looks; under mutex */
};

/* ---- frames ---- */

static int encode(const struct wire_message *m, zmq_msg_t *ret)
{
    size_t size = wire_size(m);
    if (size == 0)
        return -EMSGSIZE;
    if (zmq_msg_init_size(ret, size) < 0)
        return -ENOMEM;
    wire_encode(m, zmq_msg_data(ret));
    return 0;
}

static int send_frame(void *socket, zmq_msg_t *frame, int flags)
{
    while (zmq_msg_send(frame, socket, flags) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int send_message(void *socket, const struct wire_message *m, int flags)
{
    zmq_msg_t frame;
    int r = encode(m, &frame);
    if (r < 0)
        return r;
    r = send_frame(socket, &frame, flags);
    if (r < 0)
        zmq_msg_close(&frame);
    return r;
}

/* ---- the session's thread ---- */

/* From either thread. */
__attribute__((format(printf, 2, 3))) static _Noreturn void lost(const struct daemon_session *l,
                                                                 const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_error("%s", text);
    where_set_silent(l->where);
    _exit(DAEMON_SESSION_EXIT_LOST);
}

/* `r` of a message that is not to be lost. */
static void sent(const struct daemon_session *l, int r)
{
    if (r < 0)
        lost(l, "the session with the daemon is broken: %s", zmq_strerror(-r));
}

static void say_hello(struct daemon_session *l)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    struct wire_message m = {.type = WIRE_HELLO,
                             .hello = {.version = WIRE_VERSION,
                                       .name = l->name,
                                       .pid = getpid(),
                                       .host = host,
                                       .fingerprint = l->fingerprint}};
    sent(l, send_message(l->dealer, &m, ZMQ_DONTWAIT));
    l->said++;
}

/* While there is no lease, often enough for neither side to take the other for lost. */
static int64_t heartbeat_pause(const struct daemon_session *l, int64_t lease)
{
    int64_t idle = l->silence_ms / IDLE_HEARTBEATS;
    return lease == 0 && idle > l->heartbeat_ms ? idle : l->heartbeat_ms;
}

static void heartbeat(struct daemon_session *l, int64_t now)
{
    struct where_at at;
    where_look(l->where, &at);
    struct wire_message m = {.type = WIRE_HEARTBEAT,
                             .heartbeat = {.number = ++l->number,
                                           .lease = at.lease,
                                           .member = at.member,
                                           .member_ms = at.since > 0 ? now - at.since : 0,
                                           .step = at.step,
                                           .nsteps = at.nsteps,
                                           .closing = at.lease == 0 ? at.job : 0,
                                           .said = l->said}};
    int r = send_message(l->dealer, &m, ZMQ_DONTWAIT);
    if (r != -EAGAIN) /* where that is full, another will do */
        sent(l, r);
    l->said += r == 0;
    l->next_heartbeat = now + heartbeat_pause(l, at.lease);
}

static void on_welcome(struct daemon_session *l, const struct wire_welcome *w)
{
    l->heartbeat_ms = w->heartbeat_ms > HEARTBEAT_MIN_MS ? w->heartbeat_ms : HEARTBEAT_MIN_MS;
    l->silence_ms = w->silence_ms > l->heartbeat_ms ? w->silence_ms : l->heartbeat_ms;
    l->is_welcome = true;
    l->next_heartbeat = loop_now();
}

/* Under mutex. */
static bool find_stop(const struct daemon_session *l)
{
    bool found = l->quits;
    for (size_t i = 0; i < CANCELLED_MAX; i++)
        found |= l->cancelled[i] == l->lease && l->lease != 0;
    return found;
}

/* Under mutex. */
static void note_stop(struct daemon_session *l)
{
    eventfd_t n;
    l->is_cancelled = find_stop(l);
    eventfd_read(l->stop_event, &n);
    if (l->is_cancelled)
        eventfd_write(l->stop_event, 1);
}

static void stop(struct daemon_session *l, int64_t lease, bool quits)
{
    pthread_mutex_lock(&l->mutex);
    if (quits)
        l->quits = true;
    else
        l->cancelled[l->n_cancelled++ % CANCELLED_MAX] = lease;
    note_stop(l);
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->mutex);
    l->stops++;
}

static void on_laid_out(struct daemon_session *l, const struct wire_laid_out *m)
{
    char *layout = mem_strdup(m->layout);
    pthread_mutex_lock(&l->mutex);
    if (l->lease == 0 || l->laid_lease != l->lease) { /* else the main thread may be reading it */
        free(l->laid_out);
        l->laid_out = layout;
        l->laid_lease = m->lease;
        layout = NULL;
    }
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->mutex);
    free(layout);
}

static void on_alive(const struct daemon_session *l, const struct wire_alive *a)
{
    if (a->said != l->heard - 1)
        lost(l, "of %lld messages that the daemon sent, %lld came", (long long)a->said,
             (long long)l->heard - 1);
}

static void on_frame(struct daemon_session *l, zmq_msg_t *frame)
{
    struct wire_message m;
    l->heard++;
    l->last_heard = loop_now();
    int r = wire_decode(WIRE_TO_WORKER, zmq_msg_data(frame), zmq_msg_size(frame), &m);
    if (r < 0) {
        log_warning("a frame of the daemon was dropped: %s", strerror(-r));
        return;
    }
    switch ((int)m.type) {
    case WIRE_WELCOME:
        on_welcome(l, &m.welcome);
        return;
    case WIRE_ALIVE:
        on_alive(l, &m.alive);
        return;
    case WIRE_CANCEL:
        stop(l, m.cancel.lease, false);
        return;
    case WIRE_QUIT:
        stop(l, 0, true);
        break;
    case WIRE_LAID_OUT:
        on_laid_out(l, &m.laid_out);
        break;
    case WIRE_LEASE:
    case WIRE_HELP:
        if (l->next_heartbeat > l->last_heard + l->heartbeat_ms)
            l->next_heartbeat = l->last_heard + l->heartbeat_ms;
        break;
    default:
        break;
    }
    /* The main thread reads as many as the daemon's credit allows: this does not block for long. */
    sent(l, send_frame(l->thread_end, frame, 0));
}

/* Messages of several frames are none of ours; the frames of one come together. */
static void drain_dealer(struct daemon_session *l)
{
    zmq_msg_t frame;
    bool is_rest = false; /* of such a message */
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, l->dealer, ZMQ_DONTWAIT) >= 0) {
        bool has_more = zmq_msg_more(&frame);
        if (!has_more && !is_rest)
            on_frame(l, &frame);
        is_rest = has_more;
    }
    zmq_msg_close(&frame);
}

/* From the main thread to the daemon, as they stand; an empty frame is its end. */
static void forward(struct daemon_session *l)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, l->thread_end, ZMQ_DONTWAIT) >= 0) {
        l->is_closed = zmq_msg_size(&frame) == 0;
        if (!l->is_closed) {
            sent(l, send_frame(l->dealer, &frame, 0));
            l->said++;
        }
    }
    zmq_msg_close(&frame);
}

static int wait_ms(const struct daemon_session *l, int64_t now)
{
    int64_t due = l->last_heard + l->silence_ms;
    if (l->is_welcome && l->next_heartbeat < due)
        due = l->next_heartbeat;
    return due <= now ? 0 : (int)(due - now);
}

static void turn(struct daemon_session *l)
{
    int events = 0;
    size_t size = sizeof events;
    zmq_getsockopt(l->dealer, ZMQ_EVENTS, &events, &size);
    bool is_full = !(events & ZMQ_POLLOUT);
    zmq_pollitem_t items[] = {
        {.socket = l->dealer, .events = (short)(is_full ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN)},
        {.socket = l->thread_end, .events = ZMQ_POLLIN},
    };
    int n = zmq_poll(items, is_full ? 1 : 2, wait_ms(l, loop_now()));
    if (n > 0 && (items[0].revents & ZMQ_POLLIN))
        drain_dealer(l);
    if (n > 0 && !is_full && (items[1].revents & ZMQ_POLLIN))
        forward(l);
    int64_t now = loop_now();
    if (now - l->last_heard >= l->silence_ms) {
        drain_dealer(l); /* we may have been stopped ourselves */
        if (now - l->last_heard >= l->silence_ms)
            lost(l, "the daemon has not been heard of for %lld ms", (long long)l->silence_ms);
    }
    if (l->is_welcome && now >= l->next_heartbeat)
        heartbeat(l, now);
}

static void *run(void *userdata)
{
    struct daemon_session *l = userdata;
    l->last_heard = loop_now();
    say_hello(l);
    while (!l->is_closed)
        turn(l);
    zmq_close(l->dealer);
    zmq_close(l->thread_end);
    return NULL;
}

/* ---- the main thread's side ---- */

static int open_sockets(struct daemon_session *l)
{
    int linger = LINGER_MS, unbounded = 0;
    int64_t limit = WIRE_MAX_TO_WORKER;
    l->context = zmq_ctx_new();
    l->dealer = l->context ? zmq_socket(l->context, ZMQ_DEALER) : NULL;
    l->thread_end = l->context ? zmq_socket(l->context, ZMQ_PAIR) : NULL;
    l->main_end = l->context ? zmq_socket(l->context, ZMQ_PAIR) : NULL;
    if (!l->dealer || !l->thread_end || !l->main_end ||
        zmq_setsockopt(l->dealer, ZMQ_LINGER, &linger, sizeof linger) < 0 ||
        zmq_setsockopt(l->dealer, ZMQ_MAXMSGSIZE, &limit, sizeof limit) < 0 ||
        zmq_setsockopt(l->thread_end, ZMQ_SNDHWM, &unbounded, sizeof unbounded) < 0 ||
        zmq_setsockopt(l->main_end, ZMQ_RCVHWM, &unbounded, sizeof unbounded) < 0 ||
        zmq_bind(l->thread_end, INPROC) < 0 || zmq_connect(l->main_end, INPROC) < 0 ||
        zmq_connect(l->dealer, l->endpoint) < 0)
        return -errno;
    return 0;
}

static int start_thread(struct daemon_session *l)
{
    int r = thread_start(run, l, &l->thread);
    l->has_thread = r == 0;
    return r;
}

/* ZeroMQ would try again and again, without a word. */
static int check_endpoint(const char *endpoint, struct error *e)
{
    static const char scheme[] = "ipc:///";
    if (strncmp(endpoint, scheme, strlen(scheme)) != 0 ||
        access(endpoint + strlen(scheme) - 1, F_OK) == 0)
        return 0;
    return error_set(e, -errno, NULL, "no socket at %s: %s", endpoint + strlen(scheme) - 1,
                     strerror(errno));
}

int daemon_session_new(const char *endpoint, const char *name, const char *fingerprint,
                       struct where *where, struct daemon_session **ret_session, struct error *e)
{
    struct daemon_session *l = mem_new(sizeof *l);
    l->endpoint = mem_strdup(endpoint);
    l->name = mem_strdup(name);
    l->fingerprint = mem_strdup(fingerprint);
    l->silence_ms = SILENCE_MS;
    l->heartbeat_ms = SILENCE_MS;
    l->where = where;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, NULL);
    zmq_msg_init(&l->received);
    error_clear(e);
    l->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = check_endpoint(endpoint, e);
    if (r == 0 && l->stop_event < 0)
        r = -errno;
    if (r == 0)
        r = open_sockets(l);
    if (r == 0)
        r = start_thread(l);
    if (r < 0) {
        daemon_session_free(l);
        return error_explain(e, r, "connect to the daemon");
    }
    *ret_session = l;
    return 0;
}

struct daemon_session *daemon_session_free(struct daemon_session *l)
{
    if (!l)
        return NULL;
    if (l->has_thread) {
        while (zmq_send(l->main_end, "", 0, 0) < 0 && errno == EINTR)
            continue;
        pthread_join(l->thread, NULL);
    } else {
        if (l->dealer)
            zmq_close(l->dealer);
        if (l->thread_end)
            zmq_close(l->thread_end);
    }
    if (l->main_end)
        zmq_close(l->main_end);
    zmq_msg_close(&l->received);
    if (l->context)
        zmq_ctx_term(l->context);
    if (l->stop_event >= 0)
        close(l->stop_event);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    free(l->laid_out);
    free(l->endpoint);
    free(l->name);
    free(l->fingerprint);
    free(l);
    return NULL;
}

int daemon_session_receive(struct daemon_session *l, struct wire_message *ret_message)
{
    while (zmq_msg_recv(&l->received, l->main_end, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return wire_decode(WIRE_TO_WORKER, zmq_msg_data(&l->received), zmq_msg_size(&l->received),
                       ret_message);
}

int daemon_session_send(struct daemon_session *l, const struct wire_message *m)
{
    int r = send_message(l->main_end, m, 0);
    if (r != -EMSGSIZE)
        sent(l, r);
    return r;
}

void daemon_session_set_lease(struct daemon_session *l, int64_t job, int64_t lease, int64_t nsteps)
{
    where_set_lease(l->where, job, lease, nsteps);
    pthread_mutex_lock(&l->mutex);
    l->lease = lease;
    note_stop(l);
    pthread_mutex_unlock(&l->mutex);
    l->stops_seen = -1; /* it may have been cancelled while it waited */
    l->is_stopped = false;
}

void daemon_session_begin_member(struct daemon_session *l, int64_t member)
{
    where_begin_member(l->where, member, loop_now());
}

void daemon_session_end_member(struct daemon_session *l)
{
    where_end_member(l->where);
}

static bool is_stopped(struct daemon_session *l)
{
    pthread_mutex_lock(&l->mutex);
    bool found = find_stop(l);
    pthread_mutex_unlock(&l->mutex);
    return found;
}

bool daemon_session_quits(struct daemon_session *l)
{
    pthread_mutex_lock(&l->mutex);
    bool quits = l->quits;
    pthread_mutex_unlock(&l->mutex);
    return quits;
}

int daemon_session_laid_out(struct daemon_session *l, bool waits, const char **ret_layout)
{
    pthread_mutex_lock(&l->mutex);
    while (waits && l->laid_lease != l->lease && !find_stop(l))
        pthread_cond_wait(&l->changed, &l->mutex);
    int r = find_stop(l) ? -ECANCELED : l->laid_lease == l->lease ? 0 : -EAGAIN;
    if (r == 0)
        *ret_layout = l->laid_out;
    pthread_mutex_unlock(&l->mutex);
    return r;
}

bool daemon_session_step(struct daemon_session *l, int64_t step)
{
    where_set_step(l->where, step);
    return daemon_session_stopped(l);
}

const atomic_bool *daemon_session_is_cancelled(const struct daemon_session *l)
{
    return &l->is_cancelled;
}

int daemon_session_stop_event(const struct daemon_session *l)
{
    return l->stop_event;
}

bool daemon_session_stopped(struct daemon_session *l)
{
    int64_t stops = atomic_load_explicit(&l->stops, memory_order_acquire);
    if (stops != l->stops_seen) {
        l->stops_seen = stops;
        l->is_stopped = is_stopped(l);
    }
    return l->is_stopped;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The session's thread: it alone speaks with the daemon. */
#include "worker/daemon_session_parts.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    HEARTBEAT_MIN_MS = 1, /* whatever WELCOME says */
    IDLE_HEARTBEATS = 3,  /* in silence_ms */
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

int session_send(void *socket, const struct wire_message *m, int flags)
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
void session_sent(const struct daemon_session *l, int r)
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
                                       .fingerprint = l->fingerprint,
                                       .secret = l->secret}};
    session_sent(l, session_send(l->dealer, &m, ZMQ_DONTWAIT));
    explicit_bzero(l->secret, strlen(l->secret)); /* libraries come later */
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
    int r = session_send(l->dealer, &m, ZMQ_DONTWAIT);
    if (r != -EAGAIN) /* where that is full, another will do */
        session_sent(l, r);
    l->said += r == 0;
    l->next_heartbeat = now + heartbeat_pause(l, at.lease);
}

static void tell_met(struct daemon_session *l)
{
    pthread_mutex_lock(&l->mutex);
    l->has_met = true;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->mutex);
}

static void on_welcome(struct daemon_session *l, const struct wire_welcome *w)
{
    l->heartbeat_ms = w->heartbeat_ms > HEARTBEAT_MIN_MS ? w->heartbeat_ms : HEARTBEAT_MIN_MS;
    l->silence_ms = w->silence_ms > l->heartbeat_ms ? w->silence_ms : l->heartbeat_ms;
    l->is_welcome = true;
    l->next_heartbeat = loop_now();
    tell_met(l);
}

bool session_find_stop(const struct daemon_session *l)
{
    bool found = l->quits;
    for (size_t i = 0; i < SESSION_CANCELLED_MAX; i++)
        found |= l->cancelled[i] == l->lease && l->lease != 0;
    return found;
}

void session_note_stop(struct daemon_session *l)
{
    eventfd_t n;
    l->is_cancelled = session_find_stop(l);
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
        l->cancelled[l->n_cancelled++ % SESSION_CANCELLED_MAX] = lease;
    session_note_stop(l);
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
        tell_met(l);
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
    session_sent(l, send_frame(l->thread_end, frame, 0));
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
            session_sent(l, send_frame(l->dealer, &frame, 0));
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

void *session_run(void *userdata)
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

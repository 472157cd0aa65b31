/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/daemon_session_parts.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SILENCE_MS = 15000, /* until WELCOME says otherwise */
    LINGER_MS = 1000,   /* for BYE to leave */
};

#define INPROC "inproc://session"

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
    int r = thread_start(session_run, l, &l->thread);
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
                       const char *secret, struct where *where, struct daemon_session **ret_session,
                       struct error *e)
{
    struct daemon_session *l = mem_new(sizeof *l);
    l->endpoint = mem_strdup(endpoint);
    l->name = mem_strdup(name);
    l->fingerprint = mem_strdup(fingerprint);
    l->secret = mem_strdup(secret);
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
    free(l->secret);
    free(l);
    return NULL;
}

void daemon_session_await_welcome(struct daemon_session *l)
{
    pthread_mutex_lock(&l->mutex);
    while (!l->has_met)
        pthread_cond_wait(&l->changed, &l->mutex);
    pthread_mutex_unlock(&l->mutex);
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
    int r = session_send(l->main_end, m, 0);
    if (r != -EMSGSIZE)
        session_sent(l, r);
    return r;
}

void daemon_session_set_lease(struct daemon_session *l, int64_t job, int64_t lease, int64_t nsteps)
{
    where_set_lease(l->where, job, lease, nsteps);
    pthread_mutex_lock(&l->mutex);
    l->lease = lease;
    session_note_stop(l);
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
    bool found = session_find_stop(l);
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
    while (waits && l->laid_lease != l->lease && !session_find_stop(l))
        pthread_cond_wait(&l->changed, &l->mutex);
    int r = session_find_stop(l) ? -ECANCELED : l->laid_lease == l->lease ? 0 : -EAGAIN;
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

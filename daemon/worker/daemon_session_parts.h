/* SPDX-License-Identifier: Apache-2.0 */
/* What daemon_session.c, the main thread's side, and daemon_session_thread.c share. */
#ifndef WORKER_DAEMON_SESSION_PARTS_H
#define WORKER_DAEMON_SESSION_PARTS_H

#include "worker/daemon_session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

enum { SESSION_CANCELLED_MAX = 16 }; /* at most two leases are outstanding */

struct daemon_session {
    void *context;
    void *main_end; /* PAIR, of the thread that runs members */
    pthread_t thread;
    bool has_thread;
    zmq_msg_t received;

    /* Of the session's thread. */
    void *dealer, *thread_end;
    char *endpoint, *name, *fingerprint;
    char *secret; /* empty once it was said */
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
    int64_t cancelled[SESSION_CANCELLED_MAX]; /* under mutex, a ring */
    size_t n_cancelled;
    bool quits;         /* under mutex, like these: */
    bool has_met;       /* WELCOME, or QUIT, has come */
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

/* 0, -EMSGSIZE or -errno. */
int session_send(void *socket, const struct wire_message *m, int flags);
/* The result of a message that is not to be lost: negative ends the process. */
void session_sent(const struct daemon_session *l, int r);

/* Under mutex: whether the current lease is to stop; and says so to whoever looks. */
bool session_find_stop(const struct daemon_session *l);
void session_note_stop(struct daemon_session *l);

/* The thread: until the main one closes. */
void *session_run(void *session);

#endif

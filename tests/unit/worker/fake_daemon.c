/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_daemon.h"

#include "base/mem.h"
#include "proto/where.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum { PATIENCE_MS = 60000 };

static struct fake_frame *frame_free(struct fake_frame *f)
{
    struct fake_frame *next = f ? f->next : NULL;
    if (f)
        free(f->bytes);
    free(f);
    return next;
}

static void name_endpoint(struct fake_daemon *d)
{
    *d = (struct fake_daemon){.where = -1};
    snprintf(d->endpoint, sizeof d->endpoint, "ipc://%s", support_path("workers"));
}

static void bind_router(struct fake_daemon *d)
{
    int patience = PATIENCE_MS, linger = 0;
    d->context = zmq_ctx_new();
    d->router = zmq_socket(d->context, ZMQ_ROUTER);
    zmq_setsockopt(d->router, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(d->router, ZMQ_LINGER, &linger, sizeof linger);
    cr_assert_eq(zmq_bind(d->router, d->endpoint), 0, "%s", strerror(errno));
}

void fake_daemon_open(struct fake_daemon *d)
{
    name_endpoint(d);
    bind_router(d);
}

/* ZeroMQ's threads are not those of a child: it begins when the parent has bound the socket, which
 * is told by the end of a pipe. */
static _Noreturn void be_worker(struct fake_daemon *d, int gate,
                                int (*work)(const struct fake_worker *w), void *userdata)
{
    char byte;
    if (read(gate, &byte, 1) != 1)
        _exit(99);
    close(gate);
    struct fake_worker w = {d->endpoint, d->where, userdata};
    _exit(work(&w)); /* the leak sanitizer does not know a forked process's threads */
}

void fake_daemon_fork(struct fake_daemon *d, int (*work)(const struct fake_worker *w),
                      void *userdata)
{
    int gate[2];
    name_endpoint(d);
    cr_assert_eq(where_create(support_path("where"), &d->where), 0);
    cr_assert_eq(pipe(gate), 0);
    d->pid = fork();
    if (d->pid == 0) {
        close(gate[1]);
        be_worker(d, gate[0], work, userdata);
    }
    close(gate[0]);
    bind_router(d);
    cr_assert_eq(write(gate[1], "", 1), 1);
    close(gate[1]);
}

int fake_daemon_await(struct fake_daemon *d)
{
    int status = 0;
    cr_assert_eq(waitpid(d->pid, &status, 0), d->pid);
    d->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void fake_daemon_close(struct fake_daemon *d)
{
    if (d->pid > 0)
        fake_daemon_await(d);
    if (d->where >= 0)
        close(d->where);
    zmq_close(d->router);
    zmq_ctx_term(d->context);
    frame_free(d->frame);
    while (d->waiting)
        d->waiting = frame_free(d->waiting);
}

/* ---- hearing ---- */

static struct fake_frame *receive(struct fake_daemon *d)
{
    zmq_msg_t message;
    struct fake_frame *f = mem_new(sizeof *f);
    int n = zmq_recv(d->router, d->worker, sizeof d->worker, 0);
    cr_assert_geq(n, 0, "nothing was heard: %s", strerror(errno));
    d->worker_size = (size_t)n;
    zmq_msg_init(&message);
    cr_assert_geq(zmq_msg_recv(&message, d->router, 0), 0);
    cr_assert(!zmq_msg_more(&message));
    f->size = zmq_msg_size(&message);
    f->bytes = mem_array(f->size, 1);
    memcpy(f->bytes, zmq_msg_data(&message), f->size);
    zmq_msg_close(&message);
    f->before = d->n_heard++;
    return f;
}

/* `f` is the one that was heard last. */
static enum wire_type take(struct fake_daemon *d, struct fake_frame *f)
{
    frame_free(d->frame);
    d->frame = f;
    cr_assert_eq(wire_decode(WIRE_TO_DAEMON, f->bytes, f->size, &d->heard), 0);
    if (d->heard.type == WIRE_HEARTBEAT) {
        cr_assert_eq(d->heard.heartbeat.number, ++d->heartbeats);
        cr_assert_eq(d->heard.heartbeat.said, f->before);
    }
    return d->heard.type;
}

static void await_heartbeat(struct fake_daemon *d)
{
    struct fake_frame **last = &d->waiting;
    while (*last)
        last = &(*last)->next;
    while (take(d, receive(d)) != WIRE_HEARTBEAT) {
        *last = d->frame;
        last = &d->frame->next;
        d->frame = NULL;
    }
}

const struct wire_message *fake_daemon_hear_any(struct fake_daemon *d)
{
    enum wire_type heard;
    do {
        struct fake_frame *f = d->waiting;
        if (f) {
            d->waiting = f->next;
            f->next = NULL;
        }
        heard = take(d, f ? f : receive(d));
    } while (heard == WIRE_HEARTBEAT);
    return &d->heard;
}

const struct wire_message *fake_daemon_hear(struct fake_daemon *d, enum wire_type type)
{
    if (type == WIRE_HEARTBEAT)
        await_heartbeat(d);
    else
        fake_daemon_hear_any(d);
    cr_assert_eq(d->heard.type, type, "%s, not %s", wire_name((int)d->heard.type),
                 wire_name((int)type));
    return &d->heard;
}

/* ---- saying ---- */

static void send_part(struct fake_daemon *d, const void *bytes, size_t size, int more)
{
    cr_assert_eq(zmq_send(d->router, bytes, size, more), (int)size, "%s", strerror(errno));
}

static void send_message(struct fake_daemon *d, const struct wire_message *m)
{
    size_t size = wire_size(m);
    cr_assert_gt(size, 0);
    void *frame = mem_array(size, 1);
    wire_encode(m, frame);
    send_part(d, frame, size, 0);
    free(frame);
}

void fake_daemon_say(struct fake_daemon *d, struct wire_message m)
{
    if (m.type == WIRE_ALIVE)
        m.alive.said += d->n_said;
    send_part(d, d->worker, d->worker_size, ZMQ_SNDMORE);
    send_message(d, &m);
    d->n_said++;
}

void fake_daemon_say_bytes(struct fake_daemon *d, const void *bytes, size_t size)
{
    send_part(d, d->worker, d->worker_size, ZMQ_SNDMORE);
    send_part(d, bytes, size, 0);
    d->n_said++;
}

void fake_daemon_say_two(struct fake_daemon *d, const void *bytes, size_t size,
                         struct wire_message m)
{
    send_part(d, d->worker, d->worker_size, ZMQ_SNDMORE);
    send_part(d, bytes, size, ZMQ_SNDMORE);
    send_message(d, &m);
}

void fake_daemon_welcome(struct fake_daemon *d, uint32_t heartbeat_ms, uint32_t silence_ms)
{
    cr_assert_eq(fake_daemon_hear(d, WIRE_HELLO)->hello.version, WIRE_VERSION);
    fake_daemon_say(d, (struct wire_message){.type = WIRE_WELCOME,
                                             .welcome = {WIRE_VERSION, heartbeat_ms, silence_ms}});
    await_heartbeat(d);
}

/* A WELCOME is followed by a heartbeat at once. */
void fake_daemon_is_heard(struct fake_daemon *d)
{
    fake_daemon_say(d, (struct wire_message){.type = WIRE_WELCOME,
                                             .welcome = {WIRE_VERSION, FAKE_NEVER, FAKE_NEVER}});
    await_heartbeat(d);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/router.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

/* Credit bounds what is said of jobs; this, answers to a worker that asks and does not read. */
enum { ROUTER_UNREAD_MAX = 1000 /* messages */ };

struct posted {
    struct route to;
    bool rests;
    zmq_msg_t frame;
};

struct router {
    struct loop *loop;
    void *context, *socket;
    char *endpoint;
    dev_t device; /* of its file, where it has one */
    ino_t inode;
    int fd;   /* of ZeroMQ, level-triggered here: readable until ZMQ_EVENTS is asked for */
    int wake; /* eventfd */
    bool fd_added, wake_added;
    bool is_cut; /* the route of a message was sent, and not its frame */
    zmq_msg_t received;
    struct posted *list;
    size_t n_list;
};

bool route_equal(const struct route *a, const struct route *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* ---- open, close ---- */

/* Messages are drained by the tick of every turn. */
static void on_socket(void *userdata, uint32_t events)
{
    (void)userdata, (void)events;
}

static void on_wake(void *userdata, uint32_t events)
{
    (void)events;
    struct router *r = userdata;
    uint64_t count;
    ssize_t n = read(r->wake, &count, sizeof count);
    (void)n;
}

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) < 0 ? -errno : 0;
}

static int set_options(void *socket)
{
    int64_t limit = WIRE_MAX_TO_DAEMON;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof limit) < 0)
        return -errno;
    int r = set_int(socket, ZMQ_LINGER, 0);
    if (r == 0)
        r = set_int(socket, ZMQ_SNDHWM, ROUTER_UNREAD_MAX);
    if (r == 0)
        r = set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
    return r;
}

/* NULL where the endpoint is no file. */
static const char *file_of(const struct router *r)
{
    return strncmp(r->endpoint, "ipc:///", 7) == 0 ? r->endpoint + 6 : NULL;
}

static int bind_endpoint(struct router *r, struct error *e)
{
    struct stat st;
    const char *file = file_of(r);
    if (zmq_bind(r->socket, r->endpoint) < 0)
        return error_set(e, -errno, NULL, "cannot bind %s: %s", r->endpoint, zmq_strerror(errno));
    if (file && (chmod(file, 0600) < 0 || lstat(file, &st) < 0))
        return error_errno(e, -errno, "protect the workers' socket");
    if (file) {
        r->device = st.st_dev;
        r->inode = st.st_ino;
    }
    return 0;
}

int router_renew(struct router *r, struct error *e)
{
    struct stat st;
    const char *file = file_of(r);
    if (!file || (lstat(file, &st) == 0 && st.st_dev == r->device && st.st_ino == r->inode))
        return 0;
    log_warning("the workers' socket %s was removed: it is made anew", file);
    zmq_unbind(r->socket, r->endpoint); /* those who are connected stay so */
    return bind_endpoint(r, e);
}

static int add_to_loop(struct router *r)
{
    size_t size = sizeof r->fd;
    if (zmq_getsockopt(r->socket, ZMQ_FD, &r->fd, &size) < 0)
        return -errno;
    int result = loop_add_fd(r->loop, r->fd, EPOLLIN, on_socket, r);
    r->fd_added = result == 0;
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (result == 0 && r->wake < 0)
        result = -errno;
    if (result == 0)
        result = loop_add_fd(r->loop, r->wake, EPOLLIN, on_wake, r);
    r->wake_added = result == 0;
    return result;
}

int router_open(struct loop *loop, const char *endpoint, struct router **ret_router,
                struct error *e)
{
    struct router *r = mem_new(sizeof *r);
    r->loop = loop;
    r->wake = -1;
    r->endpoint = mem_strdup(endpoint);
    zmq_msg_init(&r->received);
    r->context = zmq_ctx_new();
    r->socket = r->context ? zmq_socket(r->context, ZMQ_ROUTER) : NULL;
    int result = r->socket ? set_options(r->socket) : -errno;
    error_errno(e, result, "open the workers' socket");
    if (result == 0)
        result = bind_endpoint(r, e);
    if (result == 0)
        result = error_errno(e, add_to_loop(r), "watch the workers' socket");
    if (result != 0) {
        router_close(r);
        return result;
    }
    *ret_router = r;
    return 0;
}

struct router *router_close(struct router *r)
{
    if (!r)
        return NULL;
    if (r->fd_added)
        loop_remove_fd(r->loop, r->fd);
    if (r->wake_added)
        loop_remove_fd(r->loop, r->wake);
    if (r->wake >= 0)
        close(r->wake);
    for (size_t i = 0; i < r->n_list; i++)
        zmq_msg_close(&r->list[i].frame);
    free(r->list);
    zmq_msg_close(&r->received);
    free(r->endpoint);
    if (r->socket)
        zmq_close(r->socket);
    if (r->context)
        zmq_ctx_term(r->context);
    free(r);
    return NULL;
}

/* ---- in ---- */

/* One part of what came; -1 where there is nothing. */
static int receive_part(struct router *r, bool *ret_more)
{
    int n;
    do
        n = zmq_msg_recv(&r->received, r->socket, ZMQ_DONTWAIT);
    while (n < 0 && errno == EINTR);
    *ret_more = n >= 0 && zmq_msg_more(&r->received);
    return n;
}

bool router_receive(struct router *r, struct route *ret_from, const void **ret_frame,
                    size_t *ret_size)
{
    bool more;
    int n;
    while ((n = receive_part(r, &more)) >= 0) {
        ret_from->size = (unsigned char)n;
        memcpy(ret_from->bytes, zmq_msg_data(&r->received), (size_t)n & 255);
        if (!more || receive_part(r, &more) < 0)
            continue;
        if (!more) {
            *ret_frame = zmq_msg_data(&r->received);
            *ret_size = zmq_msg_size(&r->received);
            return true;
        }
        while (more) /* several frames: not of our protocol */
            receive_part(r, &more);
    }
    return false;
}

/* ---- out ---- */

int router_post(struct router *r, const struct route *to, const struct wire_message *m, bool rests)
{
    size_t size = wire_size(m);
    if (size == 0)
        return ROUTER_UNSENDABLE;
    r->list = mem_resize(r->list, r->n_list + 1, sizeof *r->list);
    struct posted *p = &r->list[r->n_list++];
    p->to = *to;
    p->rests = rests;
    mem_assert(zmq_msg_init_size(&p->frame, size) == 0);
    wire_encode(m, zmq_msg_data(&p->frame));
    return 0;
}

/* 0 or -errno. */
static int send_part(struct router *r, const void *bytes, size_t size, int flags)
{
    while (zmq_send(r->socket, bytes, size, flags | ZMQ_DONTWAIT) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int send_frame(struct router *r, zmq_msg_t *frame)
{
    while (zmq_msg_send(frame, r->socket, ZMQ_DONTWAIT) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* What was cut is ended by an empty frame, which nobody can read: else the next route would be the
 * frame of this one. */
static int end_cut(struct router *r)
{
    int result = r->is_cut ? send_part(r, "", 0, 0) : 0;
    r->is_cut = result < 0;
    return result;
}

/* Only the route finds that a connection is gone. */
static int send_posted(struct router *r, struct posted *p)
{
    int result = end_cut(r);
    if (result == 0)
        result = send_part(r, p->to.bytes, p->to.size, ZMQ_SNDMORE);
    if (result < 0)
        return result;
    result = send_frame(r, &p->frame);
    r->is_cut = result < 0;
    return result == -EHOSTUNREACH ? -EIO : result;
}

/* Sending may have taken note of frames that came: the descriptor will not tell them again. */
static bool has_frames(struct router *r)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(r->socket, ZMQ_EVENTS, &events, &size) < 0 || (events & ZMQ_POLLIN);
}

void router_flush(struct router *r, bool is_committed,
                  void (*unsent)(void *userdata, const struct route *to, int error), void *userdata)
{
    for (size_t i = 0; i < r->n_list; i++) {
        struct posted *p = &r->list[i];
        int result = is_committed || !p->rests ? send_posted(r, p) : 0;
        if (result < 0)
            unsent(userdata, &p->to, -result);
        zmq_msg_close(&p->frame); /* empty where it was sent */
    }
    r->n_list = 0;
    if (has_frames(r))
        router_wake(r);
}

void router_wake(struct router *r)
{
    uint64_t one = 1;
    ssize_t n = write(r->wake, &one, sizeof one);
    (void)n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connections.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    CONNECTION_LIMIT = 4096,       /* of each listener */
    CONNECTION_LEAST = 4,          /* however few descriptors there are */
    CONNECTION_TIMEOUT = 60,       /* seconds without a byte in either direction */
    CONNECTION_MEMORY = 64 * 1024, /* headers, and a piece of the body */
    HEADERS_MS = 30000,            /* from the connection to the whole headers */
    SWEEP_MS = 1000,
    IDLE_MS = 5000,   /* between requests; then another that waits is served instead */
    STUCK_MS = 1000,  /* of running without progress */
    ACCEPTED = 64,    /* in one turn */
    LONG_WAIT_MS = 10 /* where libmicrohttpd spins, and we see nobody who makes it */
};

/* ---- clients ---- */

static void watch(struct http *h, struct listener *l);
static void unwatch(struct http *h, struct listener *l);

static void client_open(struct http *h, struct listener *l, struct MHD_Connection *c,
                        void **ret_client)
{
    struct client *client = mem_new(sizeof *client);
    client->http = h;
    client->listener = l;
    client->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    client->since = loop_now();
    client->deadline = client->since + HEADERS_MS;
    client->next = h->clients;
    if (h->clients)
        h->clients->previous = client;
    h->clients = client;
    l->n_clients++;
    *ret_client = client;
}

static void client_close(struct http *h, struct client *client)
{
    if (client->previous)
        client->previous->next = client->next;
    else
        h->clients = client->next;
    if (client->next)
        client->next->previous = client->previous;
    client->listener->n_clients--;
    watch(h, client->listener);
    free(client);
}

static void connection_changed(void *http, struct MHD_Connection *c, void **client,
                               enum MHD_ConnectionNotificationCode what)
{
    struct http *h = http;
    h->has_progress = true;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        client_open(h, h->accepting, c, client);
    else if (*client)
        client_close(h, *client);
}

/* libmicrohttpd sees the end of a socket that was shut down, and closes the connection. */
static void cut(struct client *c)
{
    c->deadline = INT64_MAX;
    shutdown(c->fd, SHUT_RDWR);
}

/* ---- accepting ---- */

static void tell_full(struct listener *l, const char *why)
{
    if (l->is_told)
        return;
    l->is_told = true;
    log_warning("%s: %s; others wait until one is closed", l->address, why);
}

/* At a limit for a moment is no news each time: it is over when an eighth is free a while later. */
static void tell_free(struct listener *l)
{
    if (!l->is_told || l->rests_until || l->n_clients > l->limit - l->limit / 8)
        return;
    l->is_told = false;
    log_info("%s: connections are accepted again", l->address);
}

static void rest(struct http *h, struct listener *l, int error)
{
    char why[200];
    snprintf(why, sizeof why, "cannot accept a connection: %s (%u are open)", strerror(error),
             l->n_clients);
    tell_full(l, why);
    unwatch(h, l);
    l->rests_until = loop_now() + SWEEP_MS;
}

static bool is_passing(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

/* False where no more are to be had. */
static bool accept_one(struct http *h, struct listener *l)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = accept4(l->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN && !is_passing(errno))
            rest(h, l, errno);
        return errno != EAGAIN && is_passing(errno);
    }
    h->accepting = l;
    MHD_add_connection(h->daemon, fd, (struct sockaddr *)&address, size);
    h->is_ready = true;
    return true;
}

static void on_listener(void *listener, uint32_t events)
{
    (void)events;
    struct listener *l = listener;
    struct http *h = l->http;
    for (int i = 0; i < ACCEPTED && l->n_clients < l->limit; i++)
        if (!accept_one(h, l))
            return;
    if (l->n_clients >= l->limit) {
        char why[80];
        snprintf(why, sizeof why, "all %u connections are in use", l->limit);
        tell_full(l, why);
        unwatch(h, l);
    }
}

static void watch(struct http *h, struct listener *l)
{
    if (l->is_watched || l->rests_until || h->closing || l->n_clients >= l->limit)
        return;
    l->is_watched = loop_add_fd(h->loop, l->fd, EPOLLIN, on_listener, l) == 0;
}

static void unwatch(struct http *h, struct listener *l)
{
    if (l->is_watched)
        loop_remove_fd(h->loop, l->fd);
    l->is_watched = false;
}

static bool has_waiting(const struct listener *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return l->n_clients >= l->limit && poll(&p, 1, 0) > 0;
}

/* ---- what is due ---- */

static void sweep(struct http *h, int64_t now)
{
    for (struct client *c = h->clients; c; c = c->next)
        if (c->deadline <= now ||
            (!c->request && c->since + IDLE_MS <= now && c->listener->has_waiting))
            cut(c);
    h->sweep = now + SWEEP_MS;
}

static void look_at_listeners(struct http *h, int64_t now)
{
    for (size_t i = 0; i < h->n_listeners; i++) {
        struct listener *l = &h->listeners[i];
        tell_free(l);
        if (l->rests_until && l->rests_until <= now)
            l->rests_until = 0;
        watch(h, l);
        l->has_waiting = has_waiting(l);
    }
}

/* ---- who makes the library spin ---- */

static bool is_reading_chunks(const struct client *c)
{
    const struct request *r = c->request;
    return r && r->is_begun && !r->is_handled && !r->is_suspended &&
           request_header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* Bytes, or an end, that the library does not read. */
static bool has_unread(const struct client *c)
{
    char byte;
    int n = 0;
    return (ioctl(c->fd, FIONREAD, &n) == 0 && n > 0) ||
           recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool somebody_is_answered(const struct http *h)
{
    for (const struct client *c = h->clients; c; c = c->next)
        if (c->request && c->request->state == REQUEST_ANSWERED)
            return true;
    return false;
}

static void cut_stuck(struct http *h)
{
    int n = 0;
    for (struct client *c = h->clients; c; c = c->next) {
        if (is_reading_chunks(c) && has_unread(c)) {
            cut(c);
            n++;
        }
    }
    for (struct client *c = h->clients; n == 0 && c && !somebody_is_answered(h); c = c->next)
        if (is_reading_chunks(c))
            cut(c);
}

/* ---- libmicrohttpd ---- */

void connections_run(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms;
    h->is_ready = h->has_progress = false;
    MHD_run(h->daemon);
    int64_t now = loop_now();
    bool has_more = MHD_get_timeout(h->daemon, &ms) == MHD_YES;
    h->due = has_more ? now + (int64_t)ms : INT64_MAX;
    if (!has_more || ms > 0 || h->has_progress) {
        h->spins_since = 0;
        return;
    }
    if (h->spins_since == 0)
        h->spins_since = now;
    if (now < h->spins_since + STUCK_MS)
        return;
    cut_stuck(h);
    h->due = now + LONG_WAIT_MS;
}

int64_t connections_due(const struct http *h)
{
    bool sweeps = h->clients != NULL;
    for (size_t i = 0; i < h->n_listeners; i++)
        sweeps = sweeps || h->listeners[i].rests_until || h->listeners[i].is_told;
    int64_t due = sweeps ? h->sweep : INT64_MAX;
    return h->is_ready ? 0 : h->due < due ? h->due : due;
}

int64_t connections_tick(struct http *h, int64_t now)
{
    if (now >= h->sweep && !h->closing) {
        look_at_listeners(h, now);
        sweep(h, now);
    }
    if (h->is_ready || now >= h->due)
        connections_run(h);
    return connections_due(h);
}

const char *connections_trouble(struct http *h)
{
    for (size_t i = 0; i < h->n_listeners; i++) {
        const struct listener *l = &h->listeners[i];
        if (!l->is_told)
            continue;
        snprintf(h->trouble, sizeof h->trouble,
                 "%s: no more connections are accepted (%u are open)", l->address, l->n_clients);
        return h->trouble;
    }
    return NULL;
}

/* A NUL in a path or a query would hide what follows: "%00" stays as it is, and fits no route. */
static size_t unescape(void *closure, struct MHD_Connection *c, char *s)
{
    (void)closure;
    (void)c;
    if (strstr(s, "%00"))
        return strlen(s);
    return MHD_http_unescape(s);
}

static void on_library(void *http, uint32_t events)
{
    (void)events;
    ((struct http *)http)->is_ready = true;
}

/* What clients did wrong, for the most part. */
static void log_library(void *http, const char *format, va_list arguments)
{
    char text[500];
    (void)http;
    vsnprintf(text, sizeof text, format, arguments);
    log_debug("http: %s", text);
}

static int start_library(struct http *h, unsigned limit, struct error *e)
{
    struct MHD_OptionItem limits[] = {
        {MHD_OPTION_CONNECTION_LIMIT, limit, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, exchange_handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_library, h,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, h, MHD_OPTION_NOTIFY_COMPLETED,
        exchange_completed, h, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, h,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, limits, MHD_OPTION_END);
    if (!h->daemon)
        return error_set(e, -EIO, NULL, "cannot start the HTTP server");
    h->epoll = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int r = loop_add_fd(h->loop, h->epoll, EPOLLIN, on_library, h);
    if (r < 0)
        h->epoll = -1;
    return error_errno(e, r, "watch the HTTP server");
}

int connections_start(struct http *h, struct error *e)
{
    unsigned limit = CONNECTION_LIMIT, part = h->options.max_connections / (unsigned)h->n_listeners;
    if (h->options.max_connections && part < limit)
        limit = part > CONNECTION_LEAST ? part : CONNECTION_LEAST;
    int r = start_library(h, limit * (unsigned)h->n_listeners, e);
    for (size_t i = 0; i < h->n_listeners && r == 0; i++) {
        struct listener *l = &h->listeners[i];
        l->http = h;
        l->limit = limit;
        watch(h, l);
        if (!l->is_watched)
            r = error_set(e, -EIO, NULL, "cannot watch %s", l->address);
    }
    return r;
}

void connections_close(struct http *h)
{
    for (size_t i = 0; i < h->n_listeners; i++)
        unwatch(h, &h->listeners[i]);
}

void connections_stop(struct http *h)
{
    if (h->epoll >= 0)
        loop_remove_fd(h->loop, h->epoll);
    if (h->daemon) {
        MHD_run(h->daemon);
        MHD_stop_daemon(h->daemon);
    }
    h->daemon = NULL;
    mem_assert(!h->clients);
}

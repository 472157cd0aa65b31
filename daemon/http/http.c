/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/events.h"
#include "http/request.h"
#include "http/server.h"
#include "http/uploads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECTION_LIMIT = 4096,       /* of each listener */
    CONNECTION_TIMEOUT = 60,       /* seconds without a byte in either direction */
    CONNECTION_MEMORY = 64 * 1024, /* headers, and a piece of the body */
    HEADERS_MS = 30000,            /* from the connection to the whole headers */
    SWEEP_MS = 1000,
    BODIES = 32 /* so many JSON bodies of the largest size may be in memory at once */
};

/* ---- connections ---- */

static void client_open(struct http *h, struct listener *l, struct MHD_Connection *c,
                        void **ret_client)
{
    struct client *client = mem_new(sizeof *client);
    client->http = h;
    client->listener = l;
    client->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    client->deadline = loop_now() + HEADERS_MS;
    client->next = h->clients;
    if (h->clients)
        h->clients->previous = client;
    h->clients = client;
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
    free(client);
}

static void connection_changed(void *closure, struct MHD_Connection *c, void **client,
                               enum MHD_ConnectionNotificationCode what)
{
    struct listener *l = closure;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        client_open(l->http, l, c, client);
    else if (*client)
        client_close(l->http, *client);
}

/* libmicrohttpd sees the end of a socket that was shut down, and closes the connection. */
static void sweep(struct http *h, int64_t now)
{
    for (struct client *c = h->clients; c; c = c->next) {
        if (c->deadline <= now) {
            c->deadline = INT64_MAX;
            shutdown(c->fd, SHUT_RDWR);
        }
    }
    h->sweep = now + SWEEP_MS;
}

/* ---- listeners ---- */

/* A NUL in a path or a query would hide what follows: "%00" stays as it is, and fits no route. */
static size_t unescape(void *closure, struct MHD_Connection *c, char *s)
{
    (void)closure;
    (void)c;
    if (strstr(s, "%00"))
        return strlen(s);
    return MHD_http_unescape(s);
}

static void listener_ready(void *listener, uint32_t events)
{
    (void)events;
    ((struct listener *)listener)->ready = true;
}

static int start(struct http *h, struct listener *l, struct error *e)
{
    struct MHD_OptionItem limits[] = {
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    l->http = h;
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, request_handle, h,
        MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_NOTIFY_COMPLETED, request_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, l, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
        NULL, MHD_OPTION_ARRAY, limits, MHD_OPTION_END);
    if (!l->daemon)
        return error_set(e, -EIO, NULL, "cannot start the HTTP server on %s", l->address);
    l->epoll = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int r = loop_add_fd(h->loop, l->epoll, EPOLLIN, listener_ready, l);
    if (r < 0)
        l->epoll = -1;
    return error_errno(e, r, "watch the HTTP server");
}

static void run(struct listener *l)
{
    MHD_UNSIGNED_LONG_LONG ms;
    l->ready = false;
    MHD_run(l->daemon);
    l->due = MHD_get_timeout(l->daemon, &ms) == MHD_YES ? loop_now() + (int64_t)ms : INT64_MAX;
}

static void stop(struct http *h, struct listener *l)
{
    if (l->epoll >= 0)
        loop_remove_fd(h->loop, l->epoll);
    if (l->daemon) {
        MHD_run(l->daemon);
        MHD_stop_daemon(l->daemon);
    }
    listener_close(l);
}

/* ---- the server ---- */

static int add_listener(struct http *h, const char *address, bool is_own, struct error *e)
{
    h->listeners = mem_resize(h->listeners, h->n_listeners + 1, sizeof *h->listeners);
    struct listener *l = &h->listeners[h->n_listeners];
    int r = listener_open(address, is_own, l, e);
    if (r == 0)
        h->n_listeners++;
    return r;
}

/* Unless it was given too, by whatever name. */
static int listen_own(struct http *h, struct error *e)
{
    struct stat st;
    const char *address = h->options.listen_own;
    bool is_there = address && lstat(address + strlen("unix:"), &st) == 0;
    for (size_t i = 0; is_there && i < h->n_listeners; i++)
        if (h->listeners[i].path && h->listeners[i].device == st.st_dev &&
            h->listeners[i].inode == st.st_ino)
            return 0;
    return address ? add_listener(h, address, true, e) : 0;
}

static int listen_also(struct http *h, struct error *e)
{
    int r = 0;
    for (const char *const *a = h->options.listen_also; a && *a; a++) {
        error_clear(e);
        r = add_listener(h, *a, false, e);
        if (r != 0)
            log_warning("%s: left out", e->message);
    }
    return h->n_listeners > 0 ? 0 : r;
}

/* From here on, listeners do not move. */
static int start_all(struct http *h, struct error *e)
{
    int r = 0;
    h->addresses = mem_array(h->n_listeners + 1, sizeof *h->addresses);
    for (size_t i = 0; i < h->n_listeners && r == 0; i++) {
        h->addresses[i] = h->listeners[i].address;
        r = start(h, &h->listeners[i], e);
    }
    return r;
}

int http_new(struct loop *loop, struct queue *q, const struct registry *registry,
             const struct http_options *o, struct http **ret_http, struct error *e)
{
    struct http *h = mem_new(sizeof *h);
    h->loop = loop;
    h->queue = q;
    h->registry = registry_ref(registry);
    h->options = *o;
    h->body_budget = BODIES * o->max_body;
    uploads_clean(o->uploads);
    int r = 0;
    for (const char *const *a = o->listen; a && *a && r == 0; a++)
        r = add_listener(h, *a, false, e);
    if (r == 0)
        r = listen_own(h, e);
    if (r == 0)
        r = listen_also(h, e);
    if (r == 0)
        r = start_all(h, e);
    if (r != 0) {
        http_free(h);
        return r;
    }
    *ret_http = h;
    return 0;
}

/* libmicrohttpd wants no connection suspended when it stops. */
struct http *http_free(struct http *h)
{
    static const struct error stopping = {.message = "the service is stopping"};
    if (!h)
        return NULL;
    h->closing = true;
    for (size_t i = 0; i < h->n_listeners; i++)
        if (h->listeners[i].daemon)
            MHD_quiesce_daemon(h->listeners[i].daemon);
    http_flush(h, &stopping);
    for (size_t i = 0; i < h->n_listeners; i++)
        stop(h, &h->listeners[i]);
    mem_assert(!h->clients && !h->streams && !h->waiting);
    registry_unref(h->registry);
    free(h->listeners);
    free(h->addresses);
    free(h);
    return NULL;
}

void http_set_registry(struct http *h, const struct registry *registry)
{
    registry_ref(registry);
    registry_unref(h->registry);
    h->registry = registry;
}

const char *const *http_addresses(const struct http *h)
{
    return h->addresses;
}

static int64_t next_due(const struct http *h)
{
    int64_t due = h->clients ? h->sweep : INT64_MAX;
    for (size_t i = 0; i < h->n_listeners; i++)
        if (h->listeners[i].due < due)
            due = h->listeners[i].due;
    return due;
}

int64_t http_tick(struct http *h, int64_t now)
{
    if (h->clients && now >= h->sweep)
        sweep(h, now);
    for (size_t i = 0; i < h->n_listeners; i++)
        if (h->listeners[i].ready || now >= h->listeners[i].due)
            run(&h->listeners[i]);
    return next_due(h);
}

int64_t http_flush(struct http *h, const struct error *failed)
{
    struct request *r = h->waiting;
    claims_settle(&h->claims, !failed);
    h->waiting = NULL;
    while (r) {
        struct request *next = r->next;
        request_resume(r, failed);
        r = next;
    }
    int64_t due = events_flush(h, loop_now());
    for (size_t i = 0; i < h->n_listeners; i++)
        if (h->listeners[i].ready)
            run(&h->listeners[i]);
    if (h->waiting || queue_dirty(h->queue))
        return 0;
    int64_t listeners_due = next_due(h);
    return listeners_due < due ? listeners_due : due;
}

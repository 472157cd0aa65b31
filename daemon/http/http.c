/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/connections.h"
#include "http/events.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/uploads.h"
#include "http/wait.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BODIES = 32, /* so many JSON bodies of the largest size may be in memory at once … */
    ANSWERS = 8  /* … and large answers, of so many times that size together */
};

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

static int listen_all(struct http *h, struct error *e)
{
    int r = 0;
    for (const char *const *a = h->options.listen; a && *a && r == 0; a++)
        r = add_listener(h, *a, false, e);
    if (r == 0)
        r = listen_own(h, e);
    if (r == 0)
        r = listen_also(h, e);
    h->addresses = mem_array(h->n_listeners + 1, sizeof *h->addresses);
    for (size_t i = 0; i < h->n_listeners; i++)
        h->addresses[i] = h->listeners[i].address;
    return r;
}

/* From connections_start on, listeners do not move. */
int http_new(struct loop *loop, struct queue *q, const struct registry *registry,
             const struct http_options *o, struct http **ret_http, struct error *e)
{
    struct http *h = mem_new(sizeof *h);
    h->loop = loop;
    h->queue = q;
    h->registry = registry_ref(registry);
    h->options = *o;
    h->epoll = -1;
    h->due = INT64_MAX;
    h->body_budget = BODIES * o->max_body;
    h->answers.budget = ANSWERS * o->max_body;
    uploads_clean(o->uploads);
    int r = listen_all(h, e);
    if (r == 0)
        r = connections_start(h, e);
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
    connections_close(h);
    work_stop(h);
    http_flush(h, &stopping);
    connections_stop(h);
    answers_forget(&h->answers);
    mem_assert(!h->streams && !h->waiting && !h->answers.list && h->body_bytes == 0);
    for (size_t i = 0; i < h->n_listeners; i++)
        listener_close(&h->listeners[i]);
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
    answers_forget(&h->answers);
}

const char *const *http_addresses(const struct http *h)
{
    return h->addresses;
}

int64_t http_tick(struct http *h, int64_t now)
{
    return connections_tick(h, now);
}

int64_t http_flush(struct http *h, const struct error *failed)
{
    struct request *r = h->waiting;
    claims_settle(&h->claims, !failed);
    h->waiting = NULL;
    while (r) {
        struct request *next = r->next;
        exchange_resume(r, failed);
        r = next;
    }
    int64_t now = loop_now(), due = events_flush(h, now),
            wait_due = failed ? 0 : wait_flush(h, now);
    due = wait_due < due ? wait_due : due;
    if (h->is_ready)
        connections_run(h);
    if (h->waiting || queue_dirty(h->queue))
        return 0;
    int64_t connections = connections_due(h);
    return connections < due ? connections : due;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exchange.h"

#include "base/mem.h"
#include "http/auth.h"
#include "http/body.h"
#include "http/header.h"
#include "http/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BODY_SILENCE_MS = 30000, /* between two pieces of a body */
    BYTES_PER_MS = 16,       /* slowest body, or reader of an answer, that is borne after … */
    PATIENCE_MS = 30000,     /* … this time */
    NEXT_REQUEST_MS = 60000, /* from one request to the whole headers of the next */
    DISCARD_LIMIT = 1024 * 1024 * 1024,
    DISCARD_LIMIT_STRANGER = 1024 * 1024
};

/* ---- suspending ---- */

static void suspend(struct request *r)
{
    MHD_suspend_connection(r->connection);
    r->is_suspended = true;
}

static void resume(struct request *r)
{
    r->is_suspended = false;
    r->http->is_ready = true;
    MHD_resume_connection(r->connection);
}

/* ---- the body ---- */

static void drop_body(struct request *r)
{
    if (r->body)
        r->route->body->drop(r);
    mem_assert(!r->body);
    r->size = 0;
}

static void too_large(struct request *r)
{
    reply_problem(r, PROBLEM_TOO_LARGE, NULL, "the body is larger than the %zu bytes taken here",
                  r->limit);
}

/* How much of a refused body is read: a client that sends all before it reads would not see the
 * answer otherwise. One that waits for "100 Continue" gets it at once. */
static size_t discard_limit(const struct request *r)
{
    if (request_header(r, MHD_HTTP_HEADER_EXPECT))
        return 0;
    return r->principal[0] ? DISCARD_LIMIT : DISCARD_LIMIT_STRANGER;
}

/* Adds a piece to the body, or leaves a problem as the answer. */
static void keep(struct request *r, const char *data, size_t n)
{
    struct error e = {.message = ""};
    if (n > r->limit - r->size) {
        too_large(r);
        return;
    }
    int result = r->route->body->take(r, data, n, &e);
    r->size += n;
    if (result != 0)
        reply_error(r, result, &e);
}

static enum MHD_Result receive(struct request *r, const char *data, size_t n)
{
    int64_t now = loop_now(), spent = now - r->started - BODY_SILENCE_MS;
    if (spent > 0 && (int64_t)(r->size + r->discarded + n) < spent * BYTES_PER_MS)
        return MHD_NO;
    r->client->deadline = now + BODY_SILENCE_MS;
    if (!r->response)
        keep(r, data, n);
    if (r->is_aside) {
        r->client->deadline = INT64_MAX;
        suspend(r);
        return MHD_YES;
    }
    if (r->response) {
        drop_body(r);
        r->discarded += n;
        return r->discarded <= discard_limit(r) ? MHD_YES : MHD_NO;
    }
    return MHD_YES;
}

/* ---- the beginning: who, where, how large ---- */

static void check_principal(struct request *r)
{
    const char *authorization = request_header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    if (auth_principal(r->client->listener, r->client->fd, authorization, r->http->options.token,
                       r->principal, sizeof r->principal) ||
        (r->route && r->route->access == ROUTE_OPEN))
        return;
    reply_problem(r, PROBLEM_UNAUTHORIZED, NULL,
                  authorization ? "the token in the Authorization header is not the daemon's"
                                : "send the daemon's token: Authorization: Bearer TOKEN (it stands "
                                  "in the file " API_TOKEN_FILE " of the state directory)");
}

/* After check_principal: strangers are not told which paths there are. */
static void check_route(struct request *r, const char *method, const char *allow)
{
    if (r->route) {
        r->limit = body_limit(r);
    } else if (allow[0]) {
        reply_problem(r, PROBLEM_METHOD, NULL, "%.20s is not allowed on %.500s; allowed: %s",
                      method, r->path, allow);
        reply_header(r, MHD_HTTP_HEADER_ALLOW, "%s", allow);
    } else {
        reply_problem(r, PROBLEM_NOT_FOUND, NULL, "there is no %.500s", r->path);
    }
}

static void check_media(struct request *r)
{
    const char *encoding = request_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING);
    const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (encoding && strcasecmp(encoding, "identity") != 0)
        reply_problem(r, PROBLEM_MEDIA_TYPE, NULL,
                      "Content-Encoding %.40s is not taken: send the body as it is", encoding);
    else if (type && !strncasecmp(type, "multipart/", 10))
        reply_problem(r, PROBLEM_MEDIA_TYPE, NULL,
                      "%.40s is not taken: send the document itself as the body (curl: "
                      "--data-binary @FILE)",
                      type);
}

static void check_host(struct request *r)
{
    const char *host = request_header(r, MHD_HTTP_HEADER_HOST);
    if (!auth_host(r->client->listener, host))
        reply_problem(r, PROBLEM_HOST, NULL,
                      "the Host header \"%.100s\" does not name this machine", host ? host : "");
}

/* The body's length as announced; 0 where it comes in chunks or there is none. */
static uint64_t announced(const struct request *r)
{
    const char *length = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) : 0;
}

static enum MHD_Result send_answer(struct request *r)
{
    size_t bytes = r->answer ? r->answer->bytes : 0;
    r->state = REQUEST_ANSWERED;
    r->client->deadline =
        bytes ? loop_now() + PATIENCE_MS + (int64_t)(bytes / BYTES_PER_MS) : INT64_MAX;
    drop_body(r);
    return MHD_queue_response(r->connection, r->status, r->response);
}

/* Each check leaves a problem as the answer, or nothing. Where nobody can tell where the body ends,
 * or it is not worth reading, the answer is all, and the connection is closed after it. */
static enum MHD_Result check(struct request *r, const char *url, const char *method,
                             const char *version)
{
    char allow[ROUTE_ALLOW_SIZE];
    struct error e = {.message = ""};
    r->is_begun = true;
    r->is_head = !strcmp(method, MHD_HTTP_METHOD_HEAD);
    r->path = mem_strdup(url);
    r->started = loop_now();
    r->client->deadline = r->started + BODY_SILENCE_MS;
    int result = header_check(r, method, version, &e);
    if (result != 0) {
        reply_error(r, result, &e);
        return send_answer(r);
    }
    r->route = route_find(method, r->path, r->parameters, allow);
    check_host(r);
    if (!r->response)
        check_principal(r);
    if (!r->response)
        check_route(r, method, allow);
    if (!r->response)
        check_media(r);
    if (!r->response && announced(r) > r->limit)
        too_large(r);
    if (r->response && announced(r) > discard_limit(r))
        return send_answer(r);
    return MHD_YES;
}

/* ---- the handler, the commit, the answer ---- */

static void run_handler(struct request *r)
{
    struct error e = {.message = ""};
    int result = 0;
    if (r->http->closing)
        reply_problem(r, PROBLEM_BUSY, NULL, "the service is stopping");
    else
        result = r->route->handler(r, &e);
    if (result != 0)
        reply_error(r, result, &e);
    mem_assert(r->response || r->is_aside);
}

/* Whether the answer waits for the commit. */
static bool waits(struct request *r)
{
    if (r->http->closing || !queue_dirty(r->http->queue))
        return false;
    r->state = REQUEST_WAITING;
    r->next = r->http->waiting;
    r->http->waiting = r;
    return true;
}

static enum MHD_Result finish(struct request *r)
{
    if (r->state == REQUEST_READING && !r->is_handled) {
        r->client->deadline = INT64_MAX;
        r->is_handled = true;
        bool is_refused = r->response;
        if (!is_refused)
            run_handler(r);
        if (r->is_aside || (!is_refused && waits(r))) {
            suspend(r);
            return MHD_YES;
        }
    }
    return send_answer(r);
}

void exchange_go_on(struct request *r, int result, const struct error *e)
{
    if (result != 0)
        reply_error(r, result, e);
    if (r->is_aside || !r->is_suspended)
        return;
    if (!r->is_handled) { /* the next piece of the body */
        r->client->deadline = loop_now() + BODY_SILENCE_MS;
        resume(r);
        return;
    }
    mem_assert(r->response);
    if (!waits(r))
        resume(r);
}

void exchange_resume(struct request *r, const struct error *failed)
{
    if (failed)
        reply_problem(r, PROBLEM_BUSY, NULL,
                      "nothing was changed, since it could not be stored: %s", failed->message);
    resume(r);
}

/* ---- libmicrohttpd ---- */

void *exchange_begin(void *http, const char *target, struct MHD_Connection *c)
{
    struct request *r = mem_new(sizeof *r);
    r->http = http;
    r->connection = c;
    r->client = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    r->target = target;
    r->target_size = target ? strlen(target) : 0;
    r->client->request = r;
    return r;
}

enum MHD_Result exchange_handle(void *http, struct MHD_Connection *c, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **request)
{
    (void)c;
    struct request *r = *request;
    ((struct http *)http)->has_progress = true;
    if (!r->is_begun)
        return check(r, url, method, version);
    if (*size > 0) {
        size_t n = *size;
        *size = 0;
        return receive(r, data, n);
    }
    return finish(r);
}

void exchange_completed(void *http, struct MHD_Connection *c, void **request,
                        enum MHD_RequestTerminationCode why)
{
    (void)c;
    (void)why;
    struct request *r = *request;
    ((struct http *)http)->has_progress = true;
    if (!r)
        return;
    *request = NULL;
    r->client->request = NULL;
    r->client->since = loop_now();
    r->client->deadline = r->client->since + NEXT_REQUEST_MS;
    drop_body(r);
    reply_clear(r);
    for (int i = 0; i < ROUTE_MAX_PARAMETERS; i++)
        free(r->parameters[i]);
    free(r->path);
    free(r);
}

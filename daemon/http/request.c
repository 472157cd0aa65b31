/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/auth.h"
#include "http/problem.h"
#include "http/uploads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BODY_SILENCE_MS = 30000, /* between two pieces of a body */
    BODY_BYTES_PER_MS = 16,  /* slowest body that is borne, after BODY_SILENCE_MS */
    NEXT_REQUEST_MS = 60000, /* from one request to the whole headers of the next */
    DISCARD_LIMIT = 1024 * 1024 * 1024,
    DISCARD_LIMIT_STRANGER = 1024 * 1024,
    FIRST_CAPACITY = 16 * 1024
};

/* ---- answers ---- */

void request_reply_response(struct request *r, unsigned status, struct MHD_Response *response)
{
    mem_assert(response);
    if (r->response)
        MHD_destroy_response(r->response);
    r->response = response;
    r->status = status;
    request_set_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    request_set_header(r, "X-Content-Type-Options", "nosniff");
}

void request_reply_text(struct request *r, unsigned status, const char *type, char *text)
{
    request_reply_response(
        r, status, MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
    request_set_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "%s", type);
}

void request_reply(struct request *r, unsigned status, json_t *body)
{
    request_reply_text(r, status, API_JSON, json_write(body));
    json_decref(body);
}

void request_set_header(struct request *r, const char *name, const char *format, ...)
{
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    MHD_add_response_header(r->response, name, value);
}

/* ---- what handlers ask ---- */

const char *request_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

int request_json(const struct request *r, json_t **ret_body, struct error *e)
{
    if (r->size == 0)
        return error_set(e, PROBLEM_SYNTAX, NULL,
                         "the body is empty: it should be a JSON document");
    json_t *body = json_read(r->body, r->size, e);
    if (!body)
        return PROBLEM_SYNTAX;
    *ret_body = body;
    return 0;
}

bool request_parse_number(const char *text, int64_t *ret)
{
    size_t n = strlen(text);
    if (n == 0 || n > 18 || strspn(text, "0123456789") != n || (text[0] == '0' && n > 1))
        return false;
    *ret = strtoll(text, NULL, 10);
    return true;
}

int request_number(const struct request *r, const char *name, int64_t otherwise, int64_t *ret,
                   struct error *e)
{
    const char *text = request_query(r, name);
    if (!text) {
        *ret = otherwise;
        return 0;
    }
    if (!request_parse_number(text, ret))
        return error_set(e, PROBLEM_INVALID, NULL, "?%s=%.40s: should be a number from 0 on", name,
                         text);
    return 0;
}

int request_limit(const struct request *r, int *ret_limit, struct error *e)
{
    int64_t limit;
    int result = request_number(r, "limit", API_LIMIT_DEFAULT, &limit, e);
    if (result == 0 && (limit < 1 || limit > API_LIMIT_MAX))
        result = error_set(e, PROBLEM_INVALID, NULL, "?limit=%lld: should be from 1 to %d",
                           (long long)limit, API_LIMIT_MAX);
    if (result == 0)
        *ret_limit = (int)limit;
    return result;
}

/* ---- the body ---- */

static void free_body(struct request *r)
{
    r->http->body_bytes -= r->capacity;
    free(r->body);
    r->body = NULL;
    r->upload = upload_free(r->upload);
    r->size = r->capacity = 0;
}

static bool reserve(struct request *r, size_t size)
{
    size_t capacity = r->capacity ? r->capacity : FIRST_CAPACITY;
    while (capacity < size)
        capacity *= 2;
    if (capacity == r->capacity)
        return true;
    size_t more = capacity - r->capacity;
    if (more > r->http->body_budget - r->http->body_bytes)
        return false;
    char *body = realloc(r->body, capacity);
    if (!body)
        return false;
    r->body = body;
    r->capacity = capacity;
    r->http->body_bytes += more;
    return true;
}

static void too_large(struct request *r)
{
    problem_reply(r, PROBLEM_TOO_LARGE, NULL, "the body is larger than the %zu bytes taken here",
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
    int result = 0;
    if (n > r->limit - r->size) {
        too_large(r);
    } else if (r->route->body == ROUTE_OCTETS) {
        result = upload_receive(r->http, &r->upload, data, n, &e);
    } else if (reserve(r, r->size + n)) {
        memcpy(r->body + r->size, data, n);
    } else {
        problem_reply(r, PROBLEM_BUSY, NULL, "too many large bodies at once");
    }
    if (result != 0)
        problem_reply_error(r, result, &e);
}

static enum MHD_Result receive(struct request *r, const char *data, size_t n)
{
    int64_t now = loop_now(), spent = now - r->started - BODY_SILENCE_MS;
    if (spent > 0 && (int64_t)(r->size + r->discarded + n) < spent * BODY_BYTES_PER_MS)
        return MHD_NO;
    r->client->deadline = now + BODY_SILENCE_MS;
    if (!r->response)
        keep(r, data, n);
    if (r->response) {
        free_body(r);
        r->discarded += n;
        return r->discarded <= discard_limit(r) ? MHD_YES : MHD_NO;
    }
    r->size += n;
    return MHD_YES;
}

/* ---- the beginning: who, where, how large ---- */

static size_t body_limit(const struct request *r)
{
    size_t json = r->http->options.max_body;
    return r->route->body == ROUTE_NO_BODY ? 0 : r->route->body == ROUTE_JSON ? json : 16 * json;
}

static void check_principal(struct request *r)
{
    const char *authorization = request_header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    if (auth_principal(r->client->listener, r->client->fd, authorization, r->http->options.token,
                       r->principal, sizeof r->principal) ||
        (r->route && r->route->access == ROUTE_OPEN))
        return;
    problem_reply(r, PROBLEM_UNAUTHORIZED, NULL,
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
        problem_reply(r, PROBLEM_METHOD, NULL, "%.20s is not allowed on %s; allowed: %s", method,
                      r->path, allow);
        request_set_header(r, MHD_HTTP_HEADER_ALLOW, "%s", allow);
    } else {
        problem_reply(r, PROBLEM_NOT_FOUND, NULL, "there is no %s", r->path);
    }
}

static void check_media(struct request *r)
{
    const char *encoding = request_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING);
    const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (encoding && strcasecmp(encoding, "identity") != 0)
        problem_reply(r, PROBLEM_MEDIA_TYPE, NULL,
                      "Content-Encoding %.40s is not taken: send the "
                      "body as it is",
                      encoding);
    else if (type && !strncasecmp(type, "multipart/", 10))
        problem_reply(r, PROBLEM_MEDIA_TYPE, NULL,
                      "%.40s is not taken: send the document itself "
                      "as the body (curl: --data-binary @FILE)",
                      type);
}

/* The body's length as announced; 0 where it comes in chunks or there is none. libmicrohttpd has
 * checked the header's form. */
static uint64_t announced(const struct request *r)
{
    const char *length = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) : 0;
}

static enum MHD_Result send_answer(struct request *r)
{
    r->state = REQUEST_ANSWERED;
    r->client->deadline = INT64_MAX;
    free_body(r);
    return MHD_queue_response(r->connection, r->status, r->response);
}

static struct request *begin(struct http *h, struct MHD_Connection *c, const char *url)
{
    struct request *r = mem_new(sizeof *r);
    r->http = h;
    r->connection = c;
    r->client = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    r->path = mem_strdup(url);
    r->started = loop_now();
    r->client->deadline = r->started + BODY_SILENCE_MS;
    return r;
}

/* Each check leaves a problem as the answer, or nothing. */
static enum MHD_Result check(struct request *r, const char *method)
{
    char allow[ROUTE_ALLOW_SIZE];
    const char *host = request_header(r, MHD_HTTP_HEADER_HOST);
    uint64_t length = announced(r);
    r->route = route_find(method, r->path, r->parameters, allow);
    if (!auth_host(r->client->listener, host))
        problem_reply(r, PROBLEM_HOST, NULL,
                      "the Host header \"%.100s\" does not name this machine", host ? host : "");
    if (!r->response)
        check_principal(r);
    if (!r->response)
        check_route(r, method, allow);
    if (!r->response)
        check_media(r);
    if (!r->response && length > r->limit)
        too_large(r);
    if (r->response && length > discard_limit(r))
        return send_answer(r);
    return MHD_YES;
}

/* ---- the answer and its wait ---- */

static void run_handler(struct request *r)
{
    struct error e = {.message = ""};
    int result = 0;
    if (r->http->closing)
        problem_reply(r, PROBLEM_BUSY, NULL, "the service is stopping");
    else
        result = r->route->handler(r, &e);
    if (result != 0)
        problem_reply_error(r, result, &e);
    free_body(r);
    mem_assert(r->response);
}

static enum MHD_Result finish(struct request *r)
{
    if (r->state == REQUEST_READING) {
        r->client->deadline = INT64_MAX;
        bool refused = r->response;
        if (!refused)
            run_handler(r);
        if (!refused && !r->http->closing && queue_dirty(r->http->queue)) {
            r->state = REQUEST_WAITING;
            r->next = r->http->waiting;
            r->http->waiting = r;
            MHD_suspend_connection(r->connection);
            return MHD_YES;
        }
    }
    return send_answer(r);
}

void request_resume(struct request *r, const struct error *failed)
{
    if (failed)
        problem_reply(r, PROBLEM_BUSY, NULL,
                      "nothing was changed, since it could not be stored: %s", failed->message);
    r->client->listener->ready = true;
    MHD_resume_connection(r->connection);
}

enum MHD_Result request_handle(void *http, struct MHD_Connection *c, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *size, void **state)
{
    (void)version;
    struct request *r = *state;
    if (!r) {
        *state = r = begin(http, c, url);
        return check(r, method);
    }
    if (*size > 0) {
        size_t n = *size;
        *size = 0;
        return receive(r, data, n);
    }
    return finish(r);
}

void request_completed(void *http, struct MHD_Connection *c, void **state,
                       enum MHD_RequestTerminationCode why)
{
    (void)http;
    (void)c;
    (void)why;
    struct request *r = *state;
    if (!r)
        return;
    *state = NULL;
    r->client->deadline = loop_now() + NEXT_REQUEST_MS;
    free_body(r);
    if (r->response)
        MHD_destroy_response(r->response);
    for (int i = 0; i < ROUTE_MAX_PARAMETERS; i++)
        free(r->parameters[i]);
    free(r->path);
    free(r);
}

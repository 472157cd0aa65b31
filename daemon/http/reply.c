/* SPDX-License-Identifier: Apache-2.0 */
#include "http/reply.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/answers.h"
#include "http/body.h"
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reply_clear(struct request *r)
{
    if (r->answer)
        answers_release(&r->http->answers, r->answer);
    else if (r->response)
        MHD_destroy_response(r->response);
    r->answer = NULL;
    r->response = NULL;
}

void reply_headers(struct MHD_Response *response, const char *type)
{
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

void reply_response(struct request *r, unsigned status, struct MHD_Response *response)
{
    mem_assert(response);
    reply_clear(r);
    r->response = response;
    r->status = status;
}

void reply_shared(struct request *r, unsigned status, struct answer *answer)
{
    reply_clear(r);
    r->answer = answer;
    r->response = answer->response;
    r->status = status;
}

static void reply_buffer(struct request *r, unsigned status, const char *type, void *data,
                         enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(data), data, mode);
    reply_response(r, status, response);
    reply_headers(response, type);
}

void reply_constant(struct request *r, unsigned status, const char *type, const char *text)
{
    reply_buffer(r, status, type, (void *)text, MHD_RESPMEM_PERSISTENT);
}

void reply_text(struct request *r, unsigned status, const char *type, char *text)
{
    size_t n = strlen(text);
    if (n < ANSWERS_LARGE) {
        reply_buffer(r, status, type, text, MHD_RESPMEM_MUST_FREE);
        return;
    }
    struct answer *answer = answers_add_text(&r->http->answers, NULL, text, n, type);
    if (answer) {
        reply_shared(r, status, answer);
        return;
    }
    free(text);
    reply_problem(r, PROBLEM_BUSY, NULL,
                  "too many large answers are being read at once: this one has %zu bytes", n);
}

void reply_json(struct request *r, unsigned status, json_t *body)
{
    reply_text(r, status, API_JSON, json_show(body));
    json_decref(body);
}

void reply_header(struct request *r, const char *name, const char *format, ...)
{
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    MHD_add_response_header(r->response, name, value);
}

/* ---- problems ---- */

static void reply(struct request *r, enum problem p, const char *detail, const char *pointer)
{
    json_t *document = problem_document(p, detail, pointer, r->path);
    reply_buffer(r, problem_status(p), API_PROBLEM_JSON, json_show(document),
                 MHD_RESPMEM_MUST_FREE);
    json_decref(document);
    if (p == PROBLEM_UNAUTHORIZED)
        reply_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"simlabd\"");
    if (p == PROBLEM_BUSY)
        reply_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

void reply_problem(struct request *r, enum problem p, const char *pointer, const char *format, ...)
{
    struct error e;
    va_list arguments;
    va_start(arguments, format);
    error_vset(&e, (int)p, pointer, format, arguments);
    va_end(arguments);
    reply(r, p, e.message, pointer);
}

void reply_error(struct request *r, int result, const struct error *e)
{
    enum problem p = result < 0 ? problem_of_errno(result) : (enum problem)result;
    bool in_body = r->route && r->route->body->is_json && p == PROBLEM_INVALID;
    const char *detail = e->message[0] || result > 0 ? e->message : strerror(-result);
    reply(r, p, detail, in_body || e->pointer[0] ? e->pointer : NULL);
}

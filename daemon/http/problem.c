/* SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/request.h"
#include "model/result.h"
#include "queue/queue.h"
#include "store/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *type;
    unsigned status;
    const char *title;
} problems[] = {
#define X(name, type, status, title) [PROBLEM_##name] = {API_PROBLEM_TYPE type, status, title},
    API_PROBLEMS(X)
#undef X
};

/* ---- results of other modules ---- */

enum problem problem_of_errno(int r)
{
    switch (-r) {
    case EBUSY:
        return PROBLEM_BUSY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EIO:
    case EROFS:
        return PROBLEM_STORAGE;
    default:
        return PROBLEM_INTERNAL;
    }
}

int problem_of_base(int r)
{
    return r <= 0 ? r : r == BASE_TOO_LARGE ? PROBLEM_TOO_LARGE : PROBLEM_INVALID;
}

int problem_of_model(int r)
{
    return r <= 0 ? r : r == MODEL_TOO_LARGE ? PROBLEM_TOO_LARGE : PROBLEM_INVALID;
}

int problem_of_queue(int r)
{
    return r <= 0               ? r
           : r == QUEUE_NO_SUCH ? PROBLEM_NOT_FOUND
           : r == QUEUE_INVALID ? PROBLEM_INVALID
           : r == QUEUE_DAMAGED ? PROBLEM_STORAGE
                                : PROBLEM_CONFLICT;
}

int problem_of_store(int r)
{
    return r <= 0                ? r
           : r == STORE_NO_SUCH  ? PROBLEM_NOT_FOUND
           : r == STORE_INVALID  ? PROBLEM_INVALID
           : r == STORE_CONFLICT ? PROBLEM_CONFLICT
                                 : PROBLEM_STORAGE;
}

/* ---- documents ---- */

unsigned problem_status(enum problem p)
{
    return problems[p].status;
}

/* Messages quote what users sent, and are cut at some byte: each byte that breaks UTF-8 becomes a
 * question mark. */
static json_t *text(const char *s)
{
    json_t *value = json_string(s);
    if (value)
        return value;
    char *copy = mem_strdup(s);
    for (char *p = copy; *p;) {
        size_t n = 0;
        for (size_t length = 4; length > 0 && n == 0; length--) {
            json_t *one = strnlen(p, length) == length ? json_stringn(p, length) : NULL;
            if (one)
                n = length;
            json_decref(one);
        }
        if (n == 0)
            *p = '?';
        p += n ? n : 1;
    }
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *problem_document(enum problem p, const char *detail, const char *pointer,
                         const char *instance)
{
    json_t *document =
        json_pack("{s:s, s:s, s:i, s:o}", "type", problems[p].type, "title", problems[p].title,
                  "status", (int)problems[p].status, "detail", text(detail));
    if (pointer)
        json_object_set_new(document, "pointer", text(pointer));
    if (instance)
        json_object_set_new(document, "instance", text(instance));
    return document;
}

static void reply(struct request *r, enum problem p, const char *detail, const char *pointer)
{
    json_t *document = problem_document(p, detail, pointer, r->path);
    request_reply_text(r, problems[p].status, API_PROBLEM_JSON, json_write(document));
    json_decref(document);
    if (p == PROBLEM_UNAUTHORIZED)
        request_set_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"simlabd\"");
    if (p == PROBLEM_BUSY)
        request_set_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

void problem_reply(struct request *r, enum problem p, const char *pointer, const char *format, ...)
{
    struct error e;
    va_list arguments;
    va_start(arguments, format);
    error_vset(&e, (int)p, pointer, format, arguments);
    va_end(arguments);
    reply(r, p, e.message, pointer);
}

void problem_reply_error(struct request *r, int result, const struct error *e)
{
    enum problem p = result < 0 ? problem_of_errno(result) : (enum problem)result;
    bool in_body = r->route && r->route->body == ROUTE_JSON && p == PROBLEM_INVALID;
    const char *detail = e->message[0] || result > 0 ? e->message : strerror(-result);
    reply(r, p, detail, in_body || e->pointer[0] ? e->pointer : NULL);
}

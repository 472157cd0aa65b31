/* SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include "base/text.h"
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
    case ECANCELED: /* the service stops */
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
           : r == QUEUE_BUSY    ? PROBLEM_BUSY
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

/* Messages quote what users sent, and are cut at some byte. */
static json_t *text(const char *s)
{
    char *valid = text_valid(s, strlen(s));
    json_t *value = json_string(valid);
    free(valid);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/reply.h"

#include "client/integers.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A problem document in words: "refused: DETAIL (at POINTER)". */
static char *problem_words(const struct server *s, const struct reply *r)
{
    const char *detail = string_of(r->json, "detail"), *title = string_of(r->json, "title");
    const char *pointer = string_of(r->json, "pointer");
    const char *what = r->status >= 500                ? "the daemon failed"
                       : r->code == API_EXIT_FORBIDDEN ? "not allowed"
                                                       : "refused";
    if (!detail)
        detail = title;
    if (!detail)
        return text_printf("%s: %s answered with HTTP status %ld", what, s->address, r->status);
    return text_printf("%s: %s%s%s%s", what, detail, pointer && *pointer ? " (at " : "",
                       pointer && *pointer ? pointer : "", pointer && *pointer ? ")" : "");
}

void reply_judge(const struct server *s, const struct answer_shape *shape, struct reply *r)
{
    json_error_t e;
    if (r->body)
        r->json = integers_read(r->body, r->size, JSON_DECODE_ANY, &e);
    r->code = r->status >= 200 && r->status < 300    ? API_EXIT_OK
              : r->status == 401 || r->status == 403 ? API_EXIT_FORBIDDEN
              : r->status >= 400 && r->status < 500  ? API_EXIT_USAGE
                                                     : API_EXIT_UNREACHABLE;
    r->again = r->code == API_EXIT_UNREACHABLE;
    if (r->code != API_EXIT_OK) {
        r->reason = problem_words(s, r);
        return;
    }
    char *fault = shape ? answer_fault(shape, r->json) : NULL;
    if (!fault)
        return;
    r->code = API_EXIT_UNREACHABLE;
    r->unanswered = true;
    r->reason = text_printf("%s answered oddly: %s", s->address,
                            r->json ? fault : "with something that is no JSON");
    free(fault);
}

/* The connection was lost, or could not be made: trying again may do. All else that can go wrong is
 * an answer that no daemon gives. */
static bool is_lost(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return true;
    default:
        return false;
    }
}

static char *failure_words(const struct server *s, CURLcode result, const char *words,
                           const struct reply *r)
{
    long number = 0;
    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &number);
    words = *words ? words : curl_easy_strerror(result);
    if (r->silent)
        return text_printf("the daemon at %s has said nothing for %d s", s->address, s->timeout);
    if (result == CURLE_COULDNT_CONNECT &&
        number) /* libcurl's words name a port, also of a socket */
        return text_printf("cannot reach the daemon at %s: %s", s->address, strerror((int)number));
    if (!r->unanswered)
        return text_printf("cannot reach the daemon at %s: %s", s->address, words);
    return text_printf(is_lost(result) ? "the connection to the daemon at %s was lost: %s"
                                       : "%s does not speak as a daemon does: %s",
                       s->address, words);
}

void reply_judge_failure(const struct server *s, CURLcode result, const char *words,
                         struct reply *r)
{
    r->status = 0;
    r->code = API_EXIT_UNREACHABLE;
    if (r->aborted) {
        r->reason = text_copy("interrupted");
        return;
    }
    if (result == CURLE_ABORTED_BY_CALLBACK && s->stranger) {
        r->reason = text_copy(s->stranger);
        return;
    }
    if (result == CURLE_ABORTED_BY_CALLBACK) {
        r->code = API_EXIT_USAGE;
        r->reason = text_copy("cannot read the file to be uploaded");
        return;
    }
    if (result == CURLE_WRITE_ERROR) {
        r->unanswered = true;
        r->reason =
            text_printf(r->no_stream ? "%s answered with something that is no stream of events"
                                     : "%s sent more than this program takes",
                        s->address);
        return;
    }
    r->unanswered = result != CURLE_COULDNT_CONNECT && result != CURLE_COULDNT_RESOLVE_HOST &&
                    result != CURLE_URL_MALFORMAT;
    r->again = is_lost(result);
    r->reason = failure_words(s, result, words, r);
}

void reply_print(const struct reply *r)
{
    if (r->json)
        text_put_json(stdout, r->body, r->size);
}

void reply_clear(struct reply *r)
{
    free(r->body);
    free(r->reason);
    json_decref(r->json);
    *r = (struct reply){0};
}

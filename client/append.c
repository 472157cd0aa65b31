/* SPDX-License-Identifier: Apache-2.0 */
#include "client/append.h"

#include "client/backoff.h"
#include "client/columns.h"
#include "client/document.h"
#include "client/options.h"
#include "client/request.h"
#include "client/submit.h"
#include "client/text.h"
#include "client/upload.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 60000 };

static bool is_table(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && !strcmp(path + n - 4, ".csv");
}

/* NAME=FILE.npy; a NAME has no slash, which a path that has "=" in it may have before. */
static const char *array_of(const char *operand)
{
    const char *equals = strchr(operand, '=');
    return equals && equals > operand && !memchr(operand, '/', (size_t)(equals - operand))
               ? equals + 1
               : NULL;
}

static int read_array(const char *operand, const char *path, json_t **ret_part)
{
    char *name = text_printf("%.*s", (int)(path - 1 - operand), operand);
    json_t *part = json_pack("{s:{s:{s:s}}}", "inputs", name, "file", path);
    free(name);
    if (!part) {
        text_complain("%s: it is no UTF-8", operand);
        return API_EXIT_USAGE;
    }
    *ret_part = part;
    return 0;
}

/* {"inputs": {…}} of one operand, with its arrays uploaded. */
static int read_part(struct server *s, const char *operand, json_t **ret_part)
{
    const char *array = array_of(operand);
    json_t *part = NULL, *inputs = NULL;
    int code;
    if (array) {
        code = read_array(operand, array, &part);
    } else if (is_table(operand)) {
        code = columns_read(operand, &inputs);
        part = code ? NULL : text_need(json_pack("{s:o}", "inputs", inputs));
    } else {
        code = document_read(operand, &part);
    }
    code = code ? code : upload_files(s, array ? "-" : operand, part);
    if (code)
        json_decref(part);
    else
        *ret_part = part;
    return code;
}

/* What both have is refused: which one is meant? */
static int add_part(json_t *all, const json_t *part, const char *operand)
{
    const char *section, *name;
    json_t *given, *value;
    json_object_foreach((json_t *)part, section, given)
    {
        json_t *mine = json_object_get(all, section);
        if (!mine) {
            json_object_set_new(all, section, json_copy(given));
            continue;
        }
        json_object_foreach(given, name, value)
        {
            if (json_object_get(mine, name)) {
                text_complain("%s: %s is given twice", operand, name);
                return API_EXIT_USAGE;
            }
            json_object_set(mine, name, value);
        }
    }
    return 0;
}

static int prepare(struct server *s, const struct options *o, char **ret_body)
{
    json_t *all = text_need(json_object());
    int code = 0;
    for (int i = 1; i < o->n_operands && !code; i++) {
        json_t *part = NULL;
        code = read_part(s, o->operands[i], &part);
        code = code ? code : add_part(all, part, o->operands[i]);
        json_decref(part);
    }
    if (!code)
        *ret_body = document_text(all);
    json_decref(all);
    return code;
}

/* With its key it is appended once, however often it is sent. */
static int send_patiently(struct server *s, const struct request *request, struct reply *ret_reply)
{
    struct backoff backoff = {0};
    int64_t until = request_now() + PATIENCE_MS;
    for (;;) {
        int code = request_send(s, request, ret_reply);
        bool again = ret_reply->again && !ret_reply->silent &&
                     (ret_reply->unanswered || ret_reply->status == 503);
        if (!code || !again || request_now() > until) {
            if (code)
                text_complain("%s", ret_reply->reason);
            if (code && ret_reply->unanswered)
                text_complain("whether they were appended is not known; append them again with "
                              "--idempotency-key %s, which does so once",
                              request->idempotency_key);
            return code;
        }
        reply_clear(ret_reply);
        backoff_wait(&backoff, NULL);
    }
}

int append_run(struct server *s, const struct options *o)
{
    char *body = NULL;
    int code = prepare(s, o, &body);
    if (code)
        return code;
    char *key = o->key ? text_copy(o->key) : submit_random_key();
    char *part = text_url(o->operands[0]);
    char *path = text_printf("%s/%s%s", API_JOBS, part, API_JOB_MEMBERS);
    struct request request = {.method = "POST",
                              .path = path,
                              .body = body,
                              .size = strlen(body),
                              .content_type = API_JSON,
                              .shape = &answer_appended,
                              .idempotency_key = key};
    struct reply r;
    code = send_patiently(s, &request, &r);
    if (o->json) {
        reply_print(&r);
    } else if (!code) {
        json_int_t first = document_integer(r.json, "first", 0);
        text_line(stdout, "%lld %lld", (long long)first,
                  (long long)(first + document_integer(r.json, "members", 0)));
    }
    reply_clear(&r);
    free(path);
    free(part);
    free(key);
    free(body);
    return code;
}

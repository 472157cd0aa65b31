/* SPDX-License-Identifier: Apache-2.0 */
#include "client/submit.h"

#include "client/backoff.h"
#include "client/document.h"
#include "client/text.h"
#include "client/upload.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRIES = 8 };

char *submit_random_key(void)
{
    unsigned char bytes[16] = {0};
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        abort();
    char *key = text_copy("");
    for (size_t i = 0; i < sizeof bytes; i++) {
        char *longer = text_printf("%s%02x", key, bytes[i]);
        free(key);
        key = longer;
    }
    return key;
}

/* What is unanswered may have been done, and 503 asks for another try. A daemon that was not there
 * at the first try is not waited for, nor one that is silent: that took long enough. */
static bool worth_another(const struct reply *r, int tries)
{
    return r->again && !r->silent &&
           (r->unanswered || r->status == 503 || (r->status == 0 && tries > 1));
}

static int send_patiently(struct server *s, const struct request *r, struct reply *ret_reply)
{
    struct backoff backoff = {0};
    bool unsure = false;
    for (int tries = 1;; tries++) {
        int code = request_send(s, r, ret_reply);
        unsure |= ret_reply->unanswered;
        if (!code)
            return code;
        if (tries == TRIES || !worth_another(ret_reply, tries)) {
            text_complain("%s", ret_reply->reason);
            if (unsure && ret_reply->code == API_EXIT_UNREACHABLE && r->shape == &answer_job)
                text_complain("whether the job was submitted is not known; submit it again with "
                              "--idempotency-key %s, which makes no second one",
                              r->idempotency_key);
            return code;
        }
        reply_clear(ret_reply);
        backoff_wait(&backoff, NULL);
    }
}

static int prepare(struct server *s, const struct options *o, char **ret_text)
{
    json_t *document;
    int code = document_read(o->operands[0], &document);
    if (code)
        return code;
    if (o->store)
        code = document_set_text(document, "store", o->store, "--store");
    code = code ? code : upload_files(s, o->operands[0], document);
    if (!code)
        *ret_text = document_text(document);
    json_decref(document);
    return code;
}

/* What the daemon has to say of a job that it takes. */
static void say_notes(const json_t *answer)
{
    size_t i;
    json_t *note;
    json_array_foreach(json_object_get(answer, "notes"), i, note)
    {
        if (json_is_string(note))
            text_complain("note: %s", json_string_value(note));
    }
}

int submit_job(struct server *s, const struct options *o, struct reply *ret_reply)
{
    char *text;
    *ret_reply = (struct reply){0};
    int code = ret_reply->code = prepare(s, o, &text);
    if (code)
        return code;
    char *key = o->key ? text_copy(o->key) : submit_random_key();
    char *path = text_printf(API_JOBS "%s%s%s", o->dry_run || o->oversize ? "?" : "",
                             o->dry_run ? (o->oversize ? "dry_run=1&" : "dry_run=1") : "",
                             o->oversize ? "oversize=1" : "");
    struct request request = {.method = "POST",
                              .path = path,
                              .body = text,
                              .size = strlen(text),
                              .content_type = API_JSON,
                              .shape = o->dry_run ? &answer_dry_run : &answer_job,
                              .idempotency_key = key};
    code = send_patiently(s, &request, ret_reply);
    if (!code)
        say_notes(ret_reply->json);
    free(path);
    free(key);
    free(text);
    return code;
}

int submit_plan(struct server *s, const struct options *o, struct reply *ret_reply)
{
    char *text;
    *ret_reply = (struct reply){0};
    int code = ret_reply->code = prepare(s, o, &text);
    if (code)
        return code;
    struct request request = {.method = "POST",
                              .path = API_PLAN,
                              .body = text,
                              .size = strlen(text),
                              .content_type = API_JSON,
                              .shape = &answer_plan};
    code = send_patiently(s, &request, ret_reply);
    if (!code)
        say_notes(ret_reply->json);
    free(text);
    return code;
}

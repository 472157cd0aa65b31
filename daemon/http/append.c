/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/jobs/{job}/members: members for an open batch. They are checked as if the batch had them
 * from its start; those that others append meanwhile do not matter for that. */
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/draft.h"
#include "http/jobs.h"
#include "http/models.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/uploads.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What workers can be told of: a document with all that was appended. */
#define DOCUMENT_MOST ((int64_t)60 << 20)

struct addition {
    int64_t job;
    const struct registry *registry; /* a reference */
    const char *uploads, *texts;
    struct body_text *body;
    json_t *given;
    struct queue_text base; /* the job's document, without what was appended to it */
    char *libraries;        /* that the job was submitted with: JSON */
    /* built: */
    char hash[HASH_TEXT_SIZE];
    char *document; /* NULL: a file, named: */
    char document_file[HASH_TEXT_SIZE];
    int64_t members, most; /* as in queue_append */
};

static struct addition *addition_free(struct addition *a)
{
    if (!a)
        return NULL;
    registry_unref(a->registry);
    body_text_free(a->body);
    json_decref(a->given);
    queue_text_clear(&a->base);
    free(a->libraries);
    free(a->document);
    free(a);
    return NULL;
}

static int parse(void *addition, struct error *e)
{
    struct addition *a = addition;
    int r = body_text_parse(a->body, &a->given, e);
    if (r == 0 && !json_is_object(a->given))
        r = error_set(e, PROBLEM_INVALID, "",
                      "what is appended is an object: {\"inputs\": {name: values}}");
    return r;
}

/* ---- from the queue ---- */

static int64_t size_of(const struct queue_text *t)
{
    struct stat st;
    return t->text ? (int64_t)strlen(t->text) : stat(t->path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Of the whole document, with what was appended by now. */
static int check_size(const struct addition *a, const struct queue_text *document, struct error *e)
{
    int64_t bytes = size_of(document) + (a->body ? (int64_t)a->body->size : 0);
    for (size_t i = 0; i < document->n_appended; i++)
        bytes += size_of(&document->appended[i]);
    if (bytes <= DOCUMENT_MOST)
        return 0;
    return error_set(e, PROBLEM_TOO_LARGE, NULL,
                     "with it the document of job %" PRId64 " has %" PRId64
                     " bytes, more than %" PRId64 ": upload arrays, and name them",
                     a->job, bytes, DOCUMENT_MOST);
}

static int check_size_now(const struct addition *a, struct queue *q, struct error *e)
{
    struct queue_text document = {0};
    int r = problem_of_queue(queue_job_text(q, a->job, &document, e));
    if (r == 0)
        r = check_size(a, &document, e);
    queue_text_clear(&document);
    return r;
}

static int fetch(struct addition *a, struct queue *q, struct error *e)
{
    int r = queue_job_text(q, a->job, &a->base, e);
    if (r == 0)
        r = queue_job_libraries(q, a->job, &a->libraries, e);
    if (r != 0)
        return problem_of_queue(r);
    r = check_size(a, &a->base, e);
    for (size_t i = 0; i < a->base.n_appended; i++)
        queue_text_clear(&a->base.appended[i]);
    a->base.n_appended = 0;
    return r;
}

/* ---- building ---- */

static int open_upload(void *addition, const char *id, int *ret_fd, struct error *e)
{
    return uploads_open(((const struct addition *)addition)->uploads, id, ret_fd, e);
}

/* The job as if it had these members only beside its first ones. */
static int read_document(const struct addition *a, json_t **ret, struct error *e)
{
    char *text = NULL;
    int r = queue_text_read(&a->base, &text, e);
    if (r != 0)
        return r < 0 ? r : -EIO;
    json_t *document = json_read(text, strlen(text), e);
    free(text);
    if (!json_is_object(document)) {
        json_decref(document);
        return error_set(e, -EIO, NULL, "the document of job %" PRId64 " is damaged", a->job);
    }
    json_t *list = json_array();
    json_array_append(list, a->given);
    json_object_set_new(document, "appended", list);
    *ret = document;
    return 0;
}

/* "/appended/0/inputs/x" → "/inputs/x" */
static void locate(struct error *e)
{
    static const char prefix[] = "/appended/0";
    size_t n = strlen(prefix);
    if (e && !strncmp(e->pointer, prefix, n))
        memmove(e->pointer, e->pointer + n, strlen(e->pointer + n) + 1);
}

/* Workers compute the new members by the contents that the job was submitted with. */
static int check_libraries(const struct addition *a, const struct job *job, struct error *e)
{
    json_t *now = job_pins(job), *then = json_read(a->libraries, strlen(a->libraries), e);
    const char *name, *changed = NULL;
    json_t *hash;
    json_object_foreach(now, name, hash)
    {
        if (!changed && !json_equal(hash, json_object_get(then, name)))
            changed = name;
    }
    int r = 0;
    if (changed)
        r = error_set(e, MODEL_INVALID, NULL,
                      "library %.200s has changed since job %" PRId64
                      " was submitted: members of one batch are computed by one content of it, so "
                      "submit another job (\"base\": %" PRId64 " takes the rest over)",
                      changed, a->job, a->job);
    json_decref(now);
    json_decref(then);
    return r;
}

static int keep(struct addition *a, bool is_quick, struct error *e)
{
    char *text = json_write(a->given);
    size_t n = strlen(text);
    int r = 0;
    body_text_hash(a->body, a->hash);
    if (n <= QUEUE_TEXT_MAX) {
        a->document = text;
        return 0;
    }
    r = is_quick ? MODEL_LONG : queue_text_write(a->texts, text, n, a->document_file, e);
    free(text);
    return r;
}

/* As many as the arrays of the job may have, with all that others append. */
static void set_members(struct addition *a, const struct job *job)
{
    int64_t room = JOB_MAX_BYTES - (int64_t)job->bytes;
    int64_t each = job->member_bytes > 0 ? (int64_t)job->member_bytes : 1;
    a->members = job->n_latest;
    a->most = job->n_members + room / each;
    a->most = a->most < JOB_MAX_MEMBERS ? a->most : JOB_MAX_MEMBERS;
}

static int build(struct addition *a, bool is_quick, struct error *e)
{
    const struct job_sources sources = {
        .open = open_upload, .is_check = true, .is_quick = is_quick, .userdata = a};
    struct job *job = NULL;
    json_t *document = NULL;
    if (is_quick && (a->base.path || size_of(&a->base) > DRAFT_LIGHT))
        return MODEL_LONG;
    int r = read_document(a, &document, e);
    if (r == 0)
        r = job_new(a->registry, document, &sources, &job, e);
    if (r > 0)
        locate(e);
    if (r == 0)
        r = check_libraries(a, job, e);
    if (r == 0)
        r = keep(a, is_quick, e);
    if (r == 0)
        set_members(a, job);
    job_free(job);
    json_decref(document);
    return r;
}

/* ---- into the queue ---- */

static void reply_appended(struct request *r, const struct addition *a,
                           const struct queue_appended *done)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, a->job);
    reply_json(r, done->existed ? MHD_HTTP_OK : MHD_HTTP_CREATED,
               json_pack("{s:s, s:I, s:I}", "job", id, "first", (json_int_t)done->first, "members",
                         (json_int_t)done->count));
}

static int enqueue(struct request *r, const struct addition *a, struct error *e)
{
    const char *key = NULL;
    struct queue_appended done;
    int result = request_idempotency_key(r, &key, e);
    result = result ? result : check_size_now(a, r->http->queue, e);
    if (result != 0)
        return result;
    const struct queue_append append = {
        .job = a->job,
        .count = a->members,
        .most = a->most,
        .document = a->document,
        .document_file = a->document_file,
        .idempotency_key = key,
        .document_hash = a->hash,
        .claim = jobs_claim_again,
        .userdata = r->http,
    };
    result = problem_of_queue(queue_append(r->http->queue, &append, &done, e));
    if (result == 0)
        reply_appended(r, a, &done);
    return result;
}

/* ---- the steps; each is done at once, or aside ---- */

static int finish(struct request *r, struct addition *a, int result, struct error *e)
{
    result = models_result(r->http, result, e);
    if (result == 0)
        result = enqueue(r, a, e);
    addition_free(a);
    return result;
}

static int build_aside(void *addition, struct error *e)
{
    return build(addition, false, e);
}

static int built(struct request *r, void *addition, int result, struct error *e)
{
    return finish(r, addition, result, e);
}

static const struct work_kind building = {.is_heavy = true, .work = build_aside, .done = built};

static int go_aside(struct request *r, const struct work_kind *kind, struct addition *a,
                    bool goes_on, struct error *e)
{
    int result = work_aside(r, kind, a, goes_on, e);
    if (result != 0)
        addition_free(a);
    return result;
}

static int fetch_and_build(struct request *r, struct addition *a, bool is_light, struct error *e)
{
    int result = fetch(a, r->http->queue, e);
    if (result != 0) {
        addition_free(a);
        return result;
    }
    result = is_light ? build(a, true, e) : MODEL_LONG;
    if (result != MODEL_LONG)
        return finish(r, a, result, e);
    error_clear(e);
    return go_aside(r, &building, a, !is_light, e);
}

static int parsed(struct request *r, void *addition, int result, struct error *e)
{
    if (result == 0)
        return fetch_and_build(r, addition, false, e);
    addition_free(addition);
    return result;
}

static const struct work_kind parsing = {.is_heavy = true, .work = parse, .done = parsed};

/* What is refused whatever is appended, is so before that is looked at. */
static int check_open(struct request *r, int64_t *ret_job, struct error *e)
{
    struct queue_job j;
    int result = jobs_find(r, &j, e);
    if (result != 0)
        return result;
    if (!j.is_open)
        result = error_set(e, PROBLEM_CONFLICT, NULL,
                           "job %" PRId64 " is not open: members can be appended to a batch that "
                           "was submitted with \"open\": true, and was not closed",
                           j.id);
    *ret_job = j.id;
    queue_job_clear(&j);
    return result;
}

int jobs_append(struct request *r, struct error *e)
{
    int64_t job;
    int result = check_open(r, &job, e);
    if (result != 0)
        return result;
    struct addition *a = mem_new(sizeof *a);
    a->job = job;
    a->registry = registry_ref(r->http->registry);
    a->uploads = r->http->options.uploads;
    a->texts = r->http->options.texts;
    a->body = body_text_take(r);
    if (a->body && a->body->size > DRAFT_LIGHT)
        return go_aside(r, &parsing, a, false, e);
    result = parse(a, e);
    if (result == 0)
        return fetch_and_build(r, a, true, e);
    addition_free(a);
    return result;
}

int jobs_close(struct request *r, struct error *e)
{
    int64_t id;
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = problem_of_queue(queue_close_batch(r->http->queue, id, e));
    return result == 0 ? jobs_show(r, e) : result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/jobs: what can be refused is refused here, with a pointer to the fault. */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/encoding.h"
#include "http/jobs.h"
#include "http/models.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/uploads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_KEY 255

/* ---- what the job refers to ---- */

static int read_upload(void *http, const char *id, struct ndarray *ret, struct error *e)
{
    return uploads_read(http, id, ret, e);
}

/* What is missing is something that the document names, not the resource. */
static int read_model(void *http, const char *name, json_t **ret_definition, struct error *e)
{
    int r = models_definition(http, name, ret_definition, NULL, e);
    return r <= 0 ? r : MODEL_INVALID;
}

static int read_job(void *http, const char *id, json_t **ret_document, struct error *e)
{
    struct http *h = http;
    int64_t number;
    char *text;
    if (!request_parse_number(id, &number))
        return error_set(e, MODEL_INVALID, NULL, "there is no job \"%.40s\"", id);
    int r = queue_job_document(h->queue, number, &text, e);
    if (r != 0)
        return r < 0 ? r : MODEL_INVALID;
    json_t *document = json_read(text, strlen(text), e);
    free(text);
    if (!document)
        return error_set(e, -EIO, NULL, "the document of job %.40s is damaged", id);
    *ret_document = document;
    return 0;
}

static int build(struct http *h, const json_t *document, struct job **ret_job, struct error *e)
{
    const struct job_sources sources = {
        .upload = read_upload, .model = read_model, .job = read_job, .userdata = h};
    return models_result(h, job_new(h->registry, document, &sources, ret_job, e), e);
}

/* ---- the store's path ---- */

/* "17.zarr" is what the daemon calls the store of a job 17 that names none. */
static bool is_ours(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && !strcmp(name + digits, ".zarr");
}

/* NULL where the daemon is to pick one. Names only: "x.sync" holds the locks of store "x". */
static int store_path(const struct http *h, const char *name, char **ret_path, struct error *e)
{
    size_t n = name ? strlen(name) : 0;
    if (!name) {
        *ret_path = NULL;
        return 0;
    }
    if (!file_name_ok(name) || n > 200 || (n > 5 && !strcmp(name + n - 5, ".sync")) ||
        is_ours(name))
        return error_set(e, PROBLEM_INVALID, "/store",
                         "store \"%.200s\": should be a name of at most 200 bytes without \"/\" "
                         "that neither begins with a dot nor ends in \".sync\" nor is a number "
                         "and \".zarr\"; it is made under the store root",
                         name);
    *ret_path = file_join(h->options.store_root, name);
    return 0;
}

static int check_absent(const char *path, struct error *e)
{
    char *sync = path ? mem_printf("%s.sync", path) : NULL;
    struct stat st;
    int r = 0;
    if (path && (lstat(path, &st) == 0 || lstat(sync, &st) == 0))
        r = error_set(e, PROBLEM_CONFLICT, "/store",
                      "store %s exists already: choose another name, or remove it", path);
    free(sync);
    return r;
}

/* ---- submission ---- */

static int idempotency_key(const struct request *r, const char **ret_key, struct error *e)
{
    const char *key = request_header(r, API_IDEMPOTENCY_KEY);
    size_t n = key ? strlen(key) : 1;
    bool plain = true;
    for (const char *p = key; p && *p; p++)
        plain = plain && *p > ' ' && *p < 0x7f;
    if (n < 1 || n > MAX_KEY || !plain)
        return error_set(e, PROBLEM_SYNTAX, NULL,
                         "%s: should be 1 to %d printable ASCII characters without spaces",
                         API_IDEMPOTENCY_KEY, MAX_KEY);
    *ret_key = key;
    return 0;
}

static int add_model(struct http *h, const struct model *m, struct error *e)
{
    char *definition = json_write(m->definition);
    int r = problem_of_queue(queue_add_model(h->queue, NULL, m->hash, definition, e));
    free(definition);
    return r;
}

/* The directory is made by who is first, among all daemons that share the store root. */
static int claim(void *http, int64_t job, const char *store, struct error *e)
{
    struct http *h = http;
    char owner[QUEUE_OWNER_SIZE];
    int r = claims_add(&h->claims, store, queue_owner(h->queue, job, owner), e);
    if (r <= 0)
        return r;
    struct error why = *e;
    return error_set(e, QUEUE_REFUSED, "/store", "%s", why.message);
}

/* `given`: the body as it came; its text tells a repeated key with another body. */
static int enqueue(struct request *r, const struct job *job, const json_t *given, const char *path,
                   int64_t *ret_id, bool *ret_existed, struct error *e)
{
    const char *key = NULL;
    int result = idempotency_key(r, &key, e);
    if (result == 0)
        result = add_model(r->http, job->model, e);
    if (result != 0)
        return result;
    char hash[HASH_TEXT_SIZE];
    json_t *labels = json_object_get(job->document, "labels"), *libraries = job_libraries(job);
    char *body = json_write(given), *document = json_write(job->document);
    char *labels_text = json_is_object(labels) ? json_write(labels) : NULL;
    hash_bytes(body, strlen(body), hash);
    const struct queue_submission s = {
        .document = document,
        .name = json_member_string(job->document, "name"),
        .model_hash = job->model->hash,
        .store = path,
        .labels = labels_text,
        .principal = r->principal,
        .claim = claim,
        .userdata = r->http,
        .idempotency_key = key,
        .document_hash = hash,
        .members = job->n_members,
        .priority = job->priority,
        .max_attempts = job->max_attempts,
        .member_timeout = job->member_timeout,
        .threads = job->threads,
        .libraries = libraries,
    };
    result = problem_of_queue(queue_submit(r->http->queue, &s, ret_id, ret_existed, e));
    json_decref(libraries);
    free(body);
    free(document);
    free(labels_text);
    return result;
}

static int reply_submitted(struct request *r, int64_t id, bool existed, struct error *e)
{
    struct queue_job j;
    int result = problem_of_queue(queue_job(r->http->queue, id, &j, e));
    if (result != 0)
        return result;
    request_reply(r, existed ? MHD_HTTP_OK : MHD_HTTP_CREATED, jobs_represent(&j));
    request_set_header(r, MHD_HTTP_HEADER_LOCATION, API_JOBS "/%lld", (long long)id);
    queue_job_clear(&j);
    return 0;
}

static void reply_dry_run(struct request *r, const struct job *job, const char *path)
{
    json_t *store = path ? json_string(path) : json_null();
    request_reply(r, MHD_HTTP_OK,
                  json_pack("{s:b, s:s, s:I, s:o}", "valid", 1, "model", job->model->hash,
                            "members", (json_int_t)job->n_members, "store",
                            store ? store : json_null()));
}

static int submit(struct request *r, const struct job *job, const json_t *given, struct error *e)
{
    const char *dry = request_query(r, "dry_run");
    char *path = NULL;
    int64_t id;
    bool existed;
    int result = encoding_check(job, e);
    if (result == 0)
        result = store_path(r->http, job->store, &path, e);
    if (result == 0 && dry && strcmp(dry, "0") != 0) {
        result = check_absent(path, e);
        if (result == 0)
            reply_dry_run(r, job, path);
    } else if (result == 0) {
        result = enqueue(r, job, given, path, &id, &existed, e);
        if (result == 0)
            result = reply_submitted(r, id, existed, e);
    }
    free(path);
    return result;
}

int submit_job(struct request *r, struct error *e)
{
    json_t *body;
    struct job *job;
    int result = request_json(r, &body, e);
    if (result != 0)
        return result;
    result = build(r->http, body, &job, e);
    if (result == 0) {
        result = submit(r, job, body, e);
        job_free(job);
    }
    json_decref(body);
    return result;
}

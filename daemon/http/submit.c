/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/jobs: what can be refused is refused here, with a pointer to the fault. */
#include "http/submit.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/drafting.h"
#include "http/from.h"
#include "http/jobs.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* ---- the store's path ---- */

/* "17.zarr" is what the daemon calls the store of a job 17 that names none. */
static bool is_ours(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && !strcmp(name + digits, ".zarr");
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);
    return n > n_end && !strcmp(name + n - n_end, end);
}

/* NULL where the daemon is to pick one. Names only: "x.sync" holds the locks of store "x". */
static int store_path(const struct http *h, const char *name, char **ret_path, struct error *e)
{
    size_t n = name ? strlen(name) : 0;
    if (!name) {
        *ret_path = NULL;
        return 0;
    }
    if (!file_name_ok(name) || n > 200 || ends_in(name, ".sync") ||
        ends_in(name, JOB_KEPT_SUFFIX) || is_ours(name))
        return error_set(e, PROBLEM_INVALID, "/store",
                         "store \"%.200s\": should be a name of at most 200 bytes without \"/\" "
                         "that neither begins with a dot nor ends in \".sync\" or "
                         "\"" JOB_KEPT_SUFFIX "\" nor is a number and \".zarr\"; it is made under "
                         "the store root",
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

/* ---- the disk ---- */

static const char *bytes_text(double bytes, char ret[32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    snprintf(ret, 32, "%.3g %s", bytes, units[unit]);
    return ret;
}

/* Of what takes more than there is, the last member would wait for room for ever. */
static int check_room(const struct request *r, const struct draft *d, struct error *e)
{
    const char *root = r->http->options.store_root, *oversize = request_query(r, "oversize");
    struct statvfs st;
    if ((oversize && strcmp(oversize, "0") != 0) || statvfs(root, &st) < 0)
        return 0; /* a store root that cannot be asked is said when the store is made */
    double free_bytes = (double)st.f_bavail * (double)st.f_frsize;
    char needed[32], left[32];
    if ((double)d->least_bytes <= free_bytes)
        return 0;
    return error_set(e, PROBLEM_STORAGE, "/outputs",
                     "the outputs of %" PRId64 " members take %s or more, uncompressed, and the "
                     "disk of %s has %s left: save fewer, or less often; where they compress well, "
                     "submit the job with \"?oversize=1\" (--oversize)",
                     d->members, bytes_text((double)d->least_bytes, needed), root,
                     bytes_text(free_bytes, left));
}

/* ---- into the queue ---- */

struct claiming {
    struct request *request;
    const struct draft *draft;
};

/* The directory is made by who is first, among all daemons that share the store root. */
static int claim(void *claiming, int64_t job, const char *store, struct error *e)
{
    const struct claiming *c = claiming;
    struct http *h = c->request->http;
    char owner[QUEUE_OWNER_SIZE];
    int r = check_room(c->request, c->draft, e);
    if (r != 0)
        return -ENOSPC; /* another name would not help */
    r = claims_add(&h->claims, store, queue_owner(h->queue, job, owner), e);
    if (r <= 0)
        return r;
    struct error why = *e;
    return error_set(e, QUEUE_REFUSED, "/store", "%s", why.message);
}

static int enqueue(struct request *r, const struct draft *d, const char *path, int64_t *ret_id,
                   bool *ret_existed, struct error *e)
{
    struct queue *q = r->http->queue;
    const char *key = NULL;
    int result = request_idempotency_key(r, &key, e);
    if (result == 0)
        result = problem_of_queue(queue_add_model(q, NULL, d->model_hash, d->definition, e));
    if (result != 0)
        return result;
    struct claiming claiming = {.request = r, .draft = d};
    const struct queue_submission s = {
        .document = d->document,
        .document_file = d->document_file,
        .name = d->name,
        .model_hash = d->model_hash,
        .store = path,
        .labels = d->labels,
        .notes = d->notes,
        .principal = r->principal,
        .claim = claim,
        .userdata = &claiming,
        .idempotency_key = key,
        .document_hash = d->hash,
        .members = d->members,
        .priority = d->priority,
        .max_attempts = d->max_attempts,
        .member_timeout = d->member_timeout,
        .threads = d->threads,
        .most_workers = d->most_workers,
        .is_held = d->is_held,
        .is_open = d->is_open,
        .after = d->after,
        .n_after = d->n_after,
        .libraries = d->libraries,
        .from = d->from_job,
    };
    return problem_of_queue(queue_submit(q, &s, ret_id, ret_existed, e));
}

static int reply_submitted(struct request *r, int64_t id, bool existed, struct error *e)
{
    struct queue_job j;
    int result = problem_of_queue(queue_job(r->http->queue, id, &j, e));
    if (result != 0)
        return result;
    reply_json(r, existed ? MHD_HTTP_OK : MHD_HTTP_CREATED, jobs_represent(&j));
    if (r->status == (existed ? MHD_HTTP_OK : MHD_HTTP_CREATED))
        reply_header(r, MHD_HTTP_HEADER_LOCATION, API_JOBS "/%lld", (long long)id);
    queue_job_clear(&j);
    return 0;
}

static void reply_dry_run(struct request *r, const struct draft *d, const char *path)
{
    json_t *store = path ? json_string(path) : json_null();
    reply_json(r, MHD_HTTP_OK,
               json_pack("{s:b, s:s, s:I, s:o, s:o}", "valid", 1, "model", d->model_hash, "members",
                         (json_int_t)d->members, "store", store ? store : json_null(), "notes",
                         jobs_notes(d->notes)));
}

int submit_check(struct request *r, const struct draft *d, char **ret_path, struct error *e)
{
    char *path = NULL;
    int result = store_path(r->http, d->store, &path, e);
    if (result == 0 && d->from_job)
        result = from_check(r->http->queue, d, e);
    result = result ? result
                    : problem_of_queue(queue_check_after(r->http->queue, d->after, d->n_after, e));
    result = result ? result : check_absent(path, e);
    if (result == 0)
        *ret_path = path;
    else
        free(path);
    return result;
}

static int check(struct request *r, const struct draft *d, struct error *e)
{
    char *path = NULL;
    int result = submit_check(r, d, &path, e);
    result = result ? result : check_room(r, d, e);
    if (result == 0)
        reply_dry_run(r, d, path);
    free(path);
    return result;
}

static int submit(struct request *r, struct draft *d, struct error *e)
{
    char *path = NULL;
    int64_t id;
    bool existed;
    if (d->is_dry)
        return check(r, d, e);
    int result = store_path(r->http, d->store, &path, e);
    if (result == 0 && d->from_job)
        result = from_check(r->http->queue, d, e);
    if (result == 0)
        result = enqueue(r, d, path, &id, &existed, e);
    if (result == 0)
        result = reply_submitted(r, id, existed, e);
    free(path);
    return result;
}

int submit_job(struct request *r, struct error *e)
{
    const char *dry = request_query(r, "dry_run");
    struct draft *d = draft_new(r, dry && strcmp(dry, "0") != 0);
    return drafting_begin(r, d, submit, e);
}

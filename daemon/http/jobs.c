/* SPDX-License-Identifier: Apache-2.0 */
#include "http/jobs.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REASON 500

/* ---- the representation ---- */

static json_t *string_or_null(const char *s)
{
    json_t *value = s ? json_string(s) : NULL;
    return value ? value : json_null();
}

static json_t *labels_of(const struct queue_job *j)
{
    json_t *labels = j->labels ? json_loads(j->labels, 0, NULL) : NULL;
    return labels ? labels : json_object();
}

json_t *jobs_represent(const struct queue_job *j)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, j->id);
    json_t *progress = j->nsteps > 0 ? json_pack("{s:I, s:I}", "step", (json_int_t)j->step,
                                                 "nsteps", (json_int_t)j->nsteps)
                                     : json_null();
    return json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "id",
        id, "name", string_or_null(j->name), "state", job_state_name(j->state), "model",
        string_or_null(j->model_hash), "store", string_or_null(j->store), "members",
        (json_int_t)j->members, "done", (json_int_t)j->done, "dead", (json_int_t)j->dead,
        "progress", progress, "waiting", string_or_null(j->waiting), "priority",
        (json_int_t)j->priority, "labels", labels_of(j), "reason", string_or_null(j->reason),
        "created", json_time(j->created), "started", json_time(j->started), "ended",
        json_time(j->ended));
}

/* ---- one job ---- */

static int job_id(const struct request *r, int64_t *ret_id, struct error *e)
{
    if (!request_parse_number(r->parameters[0], ret_id) || *ret_id == 0)
        return error_set(e, PROBLEM_NOT_FOUND, NULL, "there is no job \"%.40s\"", r->parameters[0]);
    return 0;
}

int jobs_find(struct request *r, struct queue_job *ret_job, struct error *e)
{
    int64_t id;
    int result = job_id(r, &id, e);
    return result == 0 ? problem_of_queue(queue_job(r->http->queue, id, ret_job, e)) : result;
}

int jobs_show(struct request *r, struct error *e)
{
    struct queue_job j;
    int result = jobs_find(r, &j, e);
    if (result != 0)
        return result;
    request_reply(r, MHD_HTTP_OK, jobs_represent(&j));
    queue_job_clear(&j);
    return 0;
}

int jobs_document(struct request *r, struct error *e)
{
    int64_t id;
    char *document;
    int result = job_id(r, &id, e);
    if (result == 0)
        result = problem_of_queue(queue_job_document(r->http->queue, id, &document, e));
    if (result == 0)
        request_reply_text(r, MHD_HTTP_OK, API_JSON, document);
    return result;
}

int jobs_members(struct request *r, struct error *e)
{
    struct queue_job j;
    int64_t after;
    int limit;
    json_t *page;
    int result = jobs_find(r, &j, e);
    if (result != 0)
        return result;
    int64_t id = j.id;
    queue_job_clear(&j);
    result = request_number(r, "after", -1, &after, e);
    if (result == 0)
        result = request_limit(r, &limit, e);
    if (result == 0)
        result = problem_of_queue(queue_members(r->http->queue, id, after, limit, &page, e));
    if (result != 0)
        return result;
    json_t *body = json_pack("{s:o}", "members", page);
    size_t n = json_array_size(page);
    if (n == (size_t)limit)
        json_object_set(body, "next", json_object_get(json_array_get(page, n - 1), "member"));
    request_reply(r, MHD_HTTP_OK, body);
    return 0;
}

/* {"reason": "…"}, or no body at all. */
static int cancel_reason(const struct request *r, char **ret_reason, struct error *e)
{
    static const char *const keys[] = {"reason", NULL};
    json_t *body;
    if (r->size == 0) {
        *ret_reason = mem_strdup("cancelled");
        return 0;
    }
    int result = request_json(r, &body, e);
    if (result != 0)
        return result;
    const char *reason = json_member_string(body, "reason");
    if (!json_is_object(body))
        result =
            error_set(e, PROBLEM_INVALID, "", "should be an object such as {\"reason\": \"…\"}");
    else
        result = problem_of_base(json_check_keys(body, keys, "", e));
    if (result == 0 &&
        (json_object_get(body, "reason") && (!reason || strlen(reason) > MAX_REASON)))
        result = error_set(e, PROBLEM_INVALID, "/reason", "should be a text of at most %d bytes",
                           MAX_REASON);
    if (result == 0)
        *ret_reason = mem_strdup(reason ? reason : "cancelled");
    json_decref(body);
    return result;
}

int jobs_cancel(struct request *r, struct error *e)
{
    struct queue_job j;
    char *reason = NULL;
    int result = jobs_find(r, &j, e);
    if (result != 0)
        return result;
    int64_t id = j.id;
    queue_job_clear(&j);
    result = cancel_reason(r, &reason, e);
    if (result == 0)
        result = problem_of_queue(queue_cancel(r->http->queue, id, reason, e));
    free(reason);
    return result == 0 ? jobs_show(r, e) : result;
}

/* ---- GET /v1/jobs ---- */

struct page {
    json_t *jobs;
    int64_t last;
};

static void append(void *page, const struct queue_job *j)
{
    struct page *p = page;
    json_array_append_new(p->jobs, jobs_represent(j));
    p->last = j->id;
}

static int state_filter(const struct request *r, int *ret_state, struct error *e)
{
    const char *name = request_query(r, "state");
    enum job_state state;
    if (name && !job_state_from_name(name, &state))
        return error_set(e, PROBLEM_INVALID, NULL,
                         "?state=%.40s: should be one of "
#define X(word, final, code) word " "
                         API_JOB_STATES(X)
#undef X
                             ,
                         name);
    *ret_state = name ? (int)state : -1;
    return 0;
}

int jobs_list(struct request *r, struct error *e)
{
    int64_t before;
    int limit, state = -1;
    int result = state_filter(r, &state, e);
    if (result == 0)
        result = request_number(r, "before", 0, &before, e);
    if (result == 0)
        result = request_limit(r, &limit, e);
    if (result != 0)
        return result;
    struct page page = {.jobs = json_array()};
    result = problem_of_queue(queue_jobs(r->http->queue, state, before, limit, append, &page, e));
    if (result != 0) {
        json_decref(page.jobs);
        return result;
    }
    json_t *body = json_pack("{s:O}", "jobs", page.jobs);
    if (json_array_size(page.jobs) == (size_t)limit) {
        char next[24];
        snprintf(next, sizeof next, "%" PRId64, page.last);
        json_object_set_new(body, "next", json_string(next));
    }
    json_decref(page.jobs);
    request_reply(r, MHD_HTTP_OK, body);
    return 0;
}

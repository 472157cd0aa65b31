/* SPDX-License-Identifier: Apache-2.0 */
#include "http/jobs.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/page.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/wait.h"
#include "http/where.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

json_t *jobs_notes(const char *notes)
{
    json_t *list = notes ? json_loads(notes, 0, NULL) : NULL;
    return list ? list : json_array();
}

json_t *jobs_represent(const struct queue_job *j)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, j->id);
    json_t *progress = j->nsteps > 0 ? json_pack("{s:I, s:I}", "step", (json_int_t)j->step,
                                                 "nsteps", (json_int_t)j->nsteps)
                                     : json_null();
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o, "
                     "s:o, s:o, s:o, s:b, s:b, s:b}",
                     "id", id, "name", string_or_null(j->name), "state", job_state_name(j->state),
                     "model", string_or_null(j->model_hash), "store", string_or_null(j->store),
                     "members", (json_int_t)j->members, "done", (json_int_t)j->done, "dead",
                     (json_int_t)j->dead, "retries", (json_int_t)j->retries, "progress", progress,
                     "waiting", string_or_null(j->waiting), "priority", (json_int_t)j->priority,
                     "labels", labels_of(j), "reason", string_or_null(j->reason), "notes",
                     jobs_notes(j->notes), "created", json_time(j->created), "started",
                     json_time(j->started), "ended", json_time(j->ended), "held", j->is_held,
                     "open", j->is_open, "removing", j->is_removing);
}

/* ---- one job ---- */

int jobs_id(const struct request *r, int64_t *ret_id, struct error *e)
{
    if (!request_parse_number(r->parameters[0], ret_id) || *ret_id == 0)
        return error_set(e, PROBLEM_NOT_FOUND, NULL, "there is no job \"%.40s\"", r->parameters[0]);
    return 0;
}

int jobs_find(struct request *r, struct queue_job *ret_job, struct error *e)
{
    int64_t id;
    int result = jobs_id(r, &id, e);
    return result == 0 ? problem_of_queue(queue_job(r->http->queue, id, ret_job, e)) : result;
}

int jobs_reply(struct request *r, unsigned status, int64_t id, struct error *e)
{
    struct queue_job j;
    int result = problem_of_queue(queue_job(r->http->queue, id, &j, e));
    if (result != 0)
        return result;
    reply_json(r, status, jobs_represent(&j));
    queue_job_clear(&j);
    return 0;
}

int jobs_show(struct request *r, struct error *e)
{
    int64_t id, seconds;
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = wait_seconds(r, &seconds, e);
    if (result != 0)
        return result;
    return seconds > 0 ? wait_for_end(r, id, seconds, e) : jobs_reply(r, MHD_HTTP_OK, id, e);
}

/* One file, for all who read it. */
static int reply_file(struct request *r, const char *path, struct error *e)
{
    struct answers *answers = &r->http->answers;
    struct answer *answer = answers_find(answers, path);
    struct stat st;
    int fd = answer ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (!answer && (fd < 0 || fstat(fd, &st) < 0)) {
        int result = error_set(e, -errno, NULL, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return result;
    }
    if (!answer)
        answer = answers_add_file(answers, path, fd, (size_t)st.st_size, API_JSON);
    if (answer) {
        reply_shared(r, MHD_HTTP_OK, answer);
        return 0;
    }
    close(fd);
    return error_set(e, PROBLEM_BUSY, NULL, "too many long documents are being read at once");
}

/* A document with members that were appended is put together: that may take long. */
struct joined {
    struct queue_text parts;
    char *text;
};

static int join_aside(void *joined, struct error *e)
{
    struct joined *j = joined;
    return queue_text_read(&j->parts, &j->text, e);
}

static int joined(struct request *r, void *task, int result, struct error *e)
{
    struct joined *j = task;
    (void)e;
    if (result == 0)
        reply_text(r, MHD_HTTP_OK, API_JSON, j->text);
    queue_text_clear(&j->parts);
    free(j);
    return problem_of_queue(result);
}

static int reply_joined(struct request *r, struct queue_text *parts, struct error *e)
{
    static const struct work_kind joining = {.is_heavy = true, .work = join_aside, .done = joined};
    struct joined *j = mem_new(sizeof *j);
    j->parts = *parts;
    *parts = (struct queue_text){0};
    int result = work_aside(r, &joining, j, false, e);
    if (result != 0) {
        queue_text_clear(&j->parts);
        free(j);
    }
    return result;
}

int jobs_document(struct request *r, struct error *e)
{
    int64_t id;
    struct queue_text document;
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = problem_of_queue(queue_job_text(r->http->queue, id, &document, e));
    if (result != 0)
        return result;
    if (document.n_appended > 0) {
        result = reply_joined(r, &document, e);
    } else if (document.path) {
        result = reply_file(r, document.path, e);
    } else {
        reply_text(r, MHD_HTTP_OK, API_JSON, document.text);
        document.text = NULL;
    }
    queue_text_clear(&document);
    return result;
}

/* A page; where to go on is what the last item says of `cursor`. Takes the list. */
static void reply_list(struct request *r, const char *key, json_t *list, const char *cursor,
                       int limit)
{
    struct page page;
    size_t i;
    json_t *item;
    page_begin(&page, key, limit);
    json_array_foreach(list, i, item)
    {
        json_t *next = json_incref(json_object_get(item, cursor));
        if (!page_add(&page, json_incref(item), next))
            break;
    }
    json_decref(list);
    page_reply(r, &page);
}

int jobs_members(struct request *r, struct error *e)
{
    int64_t id, after;
    int limit;
    json_t *members;
    const char *where = request_query(r, "where");
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = request_number(r, "after", -1, &after, e);
    if (result == 0)
        result = request_limit(r, &limit, e);
    if (result == 0)
        result = problem_of_queue(
            queue_members(r->http->queue, id, after, where ? WHERE_ITEMS : limit, &members, e));
    if (result == 0 && where)
        return where_reply(r, id, where, "members", members, limit, e);
    if (result == 0)
        reply_list(r, "members", members, "member", limit);
    return result;
}

int jobs_ranges(struct request *r, struct error *e)
{
    int64_t id, from;
    int limit;
    json_t *ranges;
    const char *where = request_query(r, "where");
    int result = jobs_id(r, &id, e);
    if (result == 0)
        result = request_number(r, "from", 0, &from, e);
    if (result == 0)
        result = request_limit(r, &limit, e);
    if (result == 0)
        result = problem_of_queue(
            queue_member_ranges(r->http->queue, id, from, where ? WHERE_ITEMS : limit, &ranges, e));
    if (result == 0 && where)
        return where_reply(r, id, where, "ranges", ranges, limit, e);
    if (result == 0)
        reply_list(r, "ranges", ranges, "end", limit);
    return result;
}

/* {"reason": "…"}, or no body at all. */
static int cancel_reason(struct request *r, char **ret_reason, struct error *e)
{
    static const char *const keys[] = {"reason", NULL};
    json_t *body;
    if (!r->body) {
        *ret_reason = mem_strdup("cancelled");
        return 0;
    }
    int result = body_text_parse(r->body, &body, e);
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

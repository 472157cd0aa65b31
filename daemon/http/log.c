/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/jobs/{job}/log. */
#include "base/json.h"
#include "http/jobs.h"
#include "http/page.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/route.h"

/* {"event", "time", "member", "line"}. A new reference. */
static json_t *represent(const json_t *event)
{
    json_t *line = json_copy(json_object_get(event, "data"));
    json_object_set(line, "event", json_object_get(event, "id"));
    json_object_set_new(line, "time", json_time(json_member_integer(event, "time", 0)));
    return line;
}

static bool is_of(const json_t *event, int64_t member)
{
    return member < 0 ||
           json_member_integer(json_object_get(event, "data"), "member", -1) == member;
}

/* With ?member= it may be empty, and go on. */
static void reply_lines(struct request *r, const json_t *events, int64_t member, int limit)
{
    struct page page;
    size_t i, n = json_array_size(events);
    json_t *event;
    page_begin(&page, "lines", limit);
    json_array_foreach((json_t *)events, i, event)
    {
        if (is_of(event, member) &&
            !page_add(&page, represent(event), json_incref(json_object_get(event, "id"))))
            break;
    }
    if (!page.is_full && n == (size_t)limit)
        page_end(&page, json_incref(json_object_get(json_array_get(events, n - 1), "id")));
    page_reply(r, &page);
}

int jobs_log(struct request *r, struct error *e)
{
    struct queue_job job;
    int64_t after, member;
    int limit;
    json_t *events;
    int result = jobs_find(r, &job, e);
    if (result != 0)
        return result;
    int64_t id = job.id;
    queue_job_clear(&job);
    result = request_number(r, "after", 0, &after, e);
    if (result == 0)
        result = request_number(r, "member", -1, &member, e);
    if (result == 0)
        result = request_limit(r, &limit, e);
    if (result == 0)
        result = problem_of_queue(queue_log_lines(r->http->queue, id, after, limit, &events, e));
    if (result != 0)
        return result;
    reply_lines(r, events, member, limit);
    json_decref(events);
    return 0;
}

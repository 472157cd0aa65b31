/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/jobs. */
#include "base/clock.h"
#include "base/json.h"
#include "http/jobs.h"
#include "http/page.h"
#include "http/problem.h"
#include "http/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LOOKED_MOST = 2000 /* jobs of which those that are asked for are searched at once */ };

/* The newest first: what is asked for, NULL or -1 where all are. */
struct listing {
    int state;
    const char *name, *label; /* KEY or KEY=VALUE */
    int64_t since;            /* Unix time in milliseconds */
    int looked, most;
    struct page page;
};

static json_t *id_text(int64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, id);
    return json_string(text);
}

static bool has_label(const struct queue_job *j, const char *label)
{
    const char *equals = strchr(label, '=');
    size_t n = equals ? (size_t)(equals - label) : strlen(label);
    json_t *labels = j->labels ? json_loads(j->labels, 0, NULL) : NULL;
    const json_t *value = json_object_getn(labels, label, n);
    const char *text = json_string_value(value);
    bool has = value && (!equals || (text && !strcmp(text, equals + 1)));
    json_decref(labels);
    return has;
}

static bool is_asked_for(const struct listing *l, const struct queue_job *j)
{
    return (!l->name || (j->name && !strcmp(j->name, l->name))) &&
           (!l->label || has_label(j, l->label));
}

static bool look(void *listing, const struct queue_job *j)
{
    struct listing *l = listing;
    if (j->created < l->since)
        return false; /* so are all that come after it */
    if (is_asked_for(l, j) && !page_add(&l->page, jobs_represent(j), id_text(j->id)))
        return false;
    if (++l->looked == l->most)
        page_end(&l->page, id_text(j->id));
    return true;
}

static int read_state(const struct request *r, int *ret_state, struct error *e)
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

static int read_since(const struct request *r, int64_t *ret_since, struct error *e)
{
    const char *text = request_query(r, "since");
    *ret_since = INT64_MIN;
    if (text && clock_parse(text, ret_since) < 0)
        return error_set(e, PROBLEM_INVALID, NULL,
                         "?since=%.40s: should be a time such as 2026-01-31T08:00:00Z, or a date",
                         text);
    return 0;
}

int jobs_list(struct request *r, struct error *e)
{
    struct listing l = {.name = request_query(r, "name"), .label = request_query(r, "label")};
    int64_t before;
    int limit;
    int result = read_state(r, &l.state, e);
    if (result == 0)
        result = read_since(r, &l.since, e);
    if (result == 0)
        result = request_number(r, "before", 0, &before, e);
    if (result == 0)
        result = request_limit(r, &limit, e);
    if (result != 0)
        return result;
    l.most = l.name || l.label ? LOOKED_MOST : limit;
    page_begin(&l.page, "jobs", limit);
    result = problem_of_queue(queue_jobs(r->http->queue, l.state, before, l.most, look, &l, e));
    if (result == 0)
        page_reply(r, &l.page);
    else
        page_drop(&l.page);
    return result;
}

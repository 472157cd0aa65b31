/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/plan: what a job would take, by its first member, which runs beside the workers and of
 * which nothing is kept. Who asks waits for it; whoever leaves stops it. */
#include "base/json.h"
#include "base/mem.h"
#include "http/drafting.h"
#include "http/jobs.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/statvfs.h>

struct planning {
    struct http *http;
    struct work *work; /* NULL: given up */
    void *plan;        /* of http_options.plan */
    int fd;            /* of the client, which is watched; -1: it is not */
    json_t *answer;
    char *path; /* of the store; NULL: the daemon would pick one */
    char *notes;
    int64_t most_workers;
};

static void planning_free(struct planning *p)
{
    json_decref(p->answer);
    free(p->path);
    free(p->notes);
    free(p);
}

/* ---- the client ---- */

static void unwatch(struct planning *p)
{
    if (p->fd >= 0)
        loop_remove_fd(p->http->loop, p->fd);
    p->fd = -1;
}

static void on_gone(void *planning, uint32_t events)
{
    struct planning *p = planning;
    (void)events;
    unwatch(p);
    p->http->options.stop_plan(p->plan);
}

/* While a request waits, its connection is suspended, and libmicrohttpd does not look at it. */
static void watch(struct planning *p, const struct request *r)
{
    p->fd = r->client ? r->client->fd : -1;
    if (p->fd >= 0 && loop_add_fd(p->http->loop, p->fd, EPOLLRDHUP, on_gone, p) < 0)
        p->fd = -1;
}

/* ---- the answer ---- */

static int refuse(const json_t *answer, struct error *e)
{
    const char *failed = json_member_string(answer, "failed");
    const char *refused = json_member_string(answer, "refused");
    const char *trouble = json_member_string(answer, "trouble");
    if (failed)
        return error_set(e, PROBLEM_INVALID, NULL, "the first member fails: %s", failed);
    if (refused)
        return error_set(e, PROBLEM_INVALID, json_member_string(answer, "pointer"), "%s", refused);
    if (trouble)
        return error_set(e, PROBLEM_INTERNAL, NULL, "no plan can be made: %s", trouble);
    return 0;
}

static json_int_t workers_for(const struct planning *p)
{
    const struct http_options *o = &p->http->options;
    json_t *all = o->workers ? o->workers(o->userdata) : NULL;
    json_int_t n = (json_int_t)json_array_size(all);
    json_int_t members = json_member_integer(p->answer, "members", 1);
    json_decref(all);
    if (p->most_workers > 0 && p->most_workers < n)
        n = p->most_workers;
    return n > members ? members : n;
}

/* On the workers that there are; null where there is none. */
static void tell_time(const struct planning *p)
{
    json_t *plan = p->answer;
    json_int_t workers = workers_for(p), members = json_member_integer(plan, "members", 1);
    double set_up = json_number_value(json_object_get(plan, "set_up_seconds"));
    double member = json_number_value(json_object_get(plan, "member_seconds"));
    json_t *seconds = json_null();
    if (workers > 0)
        seconds = json_real(set_up + member * (double)((members - 1) / workers + 1));
    json_object_set_new(plan, "workers", json_integer(workers));
    json_object_set_new(plan, "seconds", seconds);
}

static void tell_room(const struct planning *p)
{
    struct statvfs st;
    json_t *plan = p->answer;
    if (statvfs(p->http->options.store_root, &st) < 0)
        return;
    double room = (double)st.f_bavail * (double)st.f_frsize;
    double stored = json_number_value(json_object_get(plan, "stored_bytes"));
    json_object_set_new(plan, "free_bytes", json_integer((json_int_t)room));
    if (stored > room)
        json_array_append_new(
            json_object_get(plan, "advice"),
            json_sprintf("its files would take about %.3g bytes, and the disk of %s has %.3g left: "
                         "save fewer outputs, or less often",
                         stored, p->http->options.store_root, room));
}

static void complete(const struct planning *p)
{
    json_t *store = p->path ? json_string(p->path) : NULL;
    json_object_set_new(p->answer, "store", store ? store : json_null());
    json_object_set_new(p->answer, "notes", jobs_notes(p->notes));
    tell_time(p);
    tell_room(p);
}

static int answer(struct request *r, void *planning, int result, struct error *e)
{
    struct planning *p = planning;
    unwatch(p);
    if (result == -ECANCELED) { /* it is told to `planned` yet */
        p->work = NULL;
        p->http->options.stop_plan(p->plan);
        return result;
    }
    result = result > 0 ? PROBLEM_INTERNAL : result ? result : refuse(p->answer, e);
    if (result == 0) {
        complete(p);
        reply_json(r, MHD_HTTP_OK, json_incref(p->answer));
    }
    planning_free(p);
    return result;
}

static void planned(void *planning, int result, const struct buffer *text, const struct error *e)
{
    struct planning *p = planning;
    struct error why = *e;
    if (!p->work) {
        planning_free(p);
        return;
    }
    if (result == 0)
        p->answer = json_read(text->data ? text->data : "", text->size, &why);
    if (result == 0 && !json_is_object(p->answer))
        result = PROBLEM_INTERNAL;
    work_end(p->work, result, &why);
}

/* ---- the question ---- */

static int from_store(struct request *r, const struct draft *d, char **ret, struct error *e)
{
    struct queue_job from = {0};
    *ret = NULL;
    if (!d->from_job)
        return 0;
    int result = problem_of_queue(queue_job(r->http->queue, d->from_job, &from, e));
    if (result == 0)
        *ret = mem_strdup(from.store);
    queue_job_clear(&from);
    return result;
}

static int ask(struct request *r, const struct draft *d, struct planning *p, struct error *e)
{
    static const struct work_kind waiting = {.done = answer};
    const struct http_options *o = &r->http->options;
    char *from, *libraries = json_write(d->libraries);
    int result = from_store(r, d, &from, e);
    const struct http_plan what = {.document = d->document, .libraries = libraries, .from = from};
    if (result == 0)
        result = o->plan(o->userdata, &what, planned, p, &p->plan, e);
    if (result == 0) {
        p->work = work_outside(r, &waiting, p);
        watch(p, r);
    }
    free(libraries);
    free(from);
    return result;
}

static int plan(struct request *r, struct draft *d, struct error *e)
{
    char *path = NULL;
    int result = submit_check(r, d, &path, e);
    if (result != 0)
        return result;
    struct planning *p = mem_new(sizeof *p);
    *p = (struct planning){.http = r->http, .fd = -1, .path = path};
    p->notes = mem_strdup(d->notes);
    p->most_workers = d->most_workers;
    result = ask(r, d, p, e);
    if (result != 0)
        planning_free(p);
    return result;
}

int plan_job(struct request *r, struct error *e)
{
    if (!r->http->options.plan)
        return error_set(e, PROBLEM_FORBIDDEN, NULL, "no plans are made here");
    struct draft *d = draft_new(r, true);
    d->keeps_texts = true;
    return drafting_begin(r, d, plan, e);
}

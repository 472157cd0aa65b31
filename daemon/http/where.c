/* SPDX-License-Identifier: Apache-2.0 */
#include "http/where.h"

#include "base/json.h"
#include "base/mem.h"
#include "http/page.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/uploads.h"
#include "http/work.h"
#include "model/condition.h"
#include "model/job.h"

#include <stdlib.h>
#include <string.h>

struct looking {
    struct queue_text document;
    const char *uploads;
    char *where;
    json_t *items;
    bool is_ranges;
    int64_t looked;
    struct page page;
};

static struct looking *looking_free(struct looking *l)
{
    queue_text_clear(&l->document);
    free(l->where);
    json_decref(l->items);
    page_drop(&l->page);
    free(l);
    return NULL;
}

static int open_upload(void *looking, const char *id, int *ret_fd, struct error *e)
{
    return uploads_open(((const struct looking *)looking)->uploads, id, ret_fd, e);
}

static int64_t number_of(const json_t *item, const char *key)
{
    return json_integer_value(json_object_get(item, key));
}

static bool add_range(struct looking *l, const json_t *range, int64_t begin, int64_t end)
{
    json_t *some = json_copy((json_t *)range);
    json_object_set_new(some, "begin", json_integer(begin));
    json_object_set_new(some, "end", json_integer(end));
    return page_add(&l->page, some, json_integer(end));
}

static int look_at_range(struct looking *l, struct condition *c, const json_t *range,
                         struct error *e)
{
    bool holds[CONDITION_PIECE];
    int64_t at = number_of(range, "begin"), end = number_of(range, "end"), begin = -1;
    while (at < end && !l->page.is_full) {
        int64_t n = end - at < CONDITION_PIECE ? end - at : CONDITION_PIECE;
        int r = condition_look(c, at, n, holds, e);
        if (r != 0)
            return r;
        for (int64_t i = 0; i < n && !l->page.is_full; i++) {
            if (holds[i] && begin < 0)
                begin = at + i;
            if (holds[i] || begin < 0)
                continue;
            add_range(l, range, begin, at + i);
            begin = -1;
        }
        at += n;
        l->looked += n;
        if (l->looked >= WHERE_MOST && at < end && !l->page.is_full) {
            if (begin >= 0)
                add_range(l, range, begin, at);
            begin = -1;
            page_end(&l->page, json_integer(at));
        }
    }
    if (begin >= 0 && !l->page.is_full)
        add_range(l, range, begin, end);
    return 0;
}

static int look_at_member(struct looking *l, struct condition *c, json_t *member, struct error *e)
{
    bool holds;
    int64_t number = number_of(member, "member");
    int r = condition_look(c, number, 1, &holds, e);
    if (r == 0 && holds)
        page_add(&l->page, json_incref(member), json_integer(number));
    return r;
}

static int look(struct looking *l, struct condition *c, struct error *e)
{
    size_t i, n = json_array_size(l->items);
    json_t *item;
    int r = 0;
    json_array_foreach(l->items, i, item)
    {
        if (r == 0 && !l->page.is_full)
            r = l->is_ranges ? look_at_range(l, c, item, e) : look_at_member(l, c, item, e);
    }
    if (r == 0 && !l->page.is_full && n >= WHERE_ITEMS)
        page_end(&l->page, json_integer(number_of(json_array_get(l->items, n - 1),
                                                  l->is_ranges ? "end" : "member")));
    return r;
}

static int look_aside(void *looking, struct error *e)
{
    struct looking *l = looking;
    const struct job_sources sources = {.open = open_upload, .is_check = true, .userdata = l};
    struct condition *c = NULL;
    char *text = NULL;
    int r = problem_of_queue(queue_text_read(&l->document, &text, e));
    if (r != 0)
        return r;
    json_t *document = json_read(text, strlen(text), e);
    free(text);
    if (!document)
        return error_set(e, PROBLEM_STORAGE, NULL, "the job's document is damaged");
    r = condition_new(l->where, document, &sources, &c, e);
    if (r == 0)
        r = look(l, c, e);
    condition_free(c);
    json_decref(document);
    if (r > 0) {
        const struct error why = *e;
        return error_set(e, PROBLEM_INVALID, NULL, "%s", why.message);
    }
    return r;
}

static int looked(struct request *r, void *looking, int result, struct error *e)
{
    struct looking *l = looking;
    (void)e;
    if (result == 0)
        page_reply(r, &l->page);
    looking_free(l);
    return result;
}

static const struct work_kind kind = {.is_heavy = true, .work = look_aside, .done = looked};

int where_reply(struct request *r, int64_t job, const char *where, const char *key, json_t *items,
                int limit, struct error *e)
{
    struct looking *l = mem_new(sizeof *l);
    l->uploads = r->http->options.uploads;
    l->where = mem_strdup(where);
    l->items = items;
    l->is_ranges = !strcmp(key, "ranges");
    page_begin(&l->page, key, limit);
    int result = problem_of_queue(queue_job_text(r->http->queue, job, &l->document, e));
    if (result == 0)
        result = work_aside(r, &kind, l, false, e);
    if (result != 0)
        looking_free(l);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a job's arrays. The first member to succeed decides it; what a later one adds waits
 * for all members below it, so that the lowest that saves an output decides its array. */
#include "queue/queue_internal.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LAYOUT_MAX = 16 << 20 };

/* ---- texts ---- */

static int read_layout(const char *text, json_t **ret, struct error *e)
{
    size_t size = strnlen(text, LAYOUT_MAX + 1);
    if (size > LAYOUT_MAX)
        return error_set(e, QUEUE_INVALID, NULL, "the layout is larger than %d bytes", LAYOUT_MAX);
    json_t *value = json_read(text, size, e);
    if (!value)
        return QUEUE_INVALID;
    if (!json_is_object(value)) {
        json_decref(value);
        return error_set(e, QUEUE_INVALID, NULL, "a layout is an object of arrays");
    }
    *ret = value;
    return 0;
}

static int stored_layout(struct queue *q, int64_t job, json_t **ret, struct error *e)
{
    char *text;
    int r = queue_job_layout(q, job, &text, e);
    if (r)
        return r;
    r = read_layout(text ? text : "{}", ret, e);
    free(text);
    return r > 0 ? error_set(e, -EIO, NULL, "the layout of job %" PRId64 " is damaged", job) : r;
}

/* Takes out of `addition` what `layout` has. */
static void subtract(json_t *addition, const json_t *layout)
{
    const char *name;
    void *at;
    json_t *array;
    json_object_foreach_safe(addition, at, name, array)
    {
        if (json_object_get(layout, name))
            json_object_del(addition, name);
    }
}

static int store_layout(struct queue *q, int64_t job, const json_t *layout, struct error *e)
{
    struct database *d = &q->database;
    char *text = json_canonical(layout);
    live_touch(q, job);
    int r = database_run(d, e, STATEMENT_JOB_LAYOUT, INTEGER(job), TEXT(text));
    free(text);
    return r ? r : database_run(d, e, STATEMENT_JOB_HAS_LAYOUT, INTEGER(job));
}

/* ---- proposals ---- */

/* The lowest one. QUEUE_NO_SUCH. */
static int first_proposal(struct queue *q, int64_t job, int64_t *ret_member, json_t **ret_layout,
                          struct error *e)
{
    sqlite3_stmt *s;
    json_t *layout = NULL;
    int r = database_row(&q->database, e, &s, STATEMENT_PROPOSAL_FIRST, INTEGER(job));
    if (r)
        return r;
    int64_t member = sqlite3_column_int64(s, 0);
    r = read_layout(database_text(s, 1), &layout, e);
    database_end(s);
    if (r)
        return error_set(e, -EIO, NULL, "a layout that job %" PRId64 " was proposed is damaged",
                         job);
    *ret_member = member;
    *ret_layout = layout;
    return 0;
}

static int remove_proposal(struct queue *q, int64_t job, int64_t member, struct error *e)
{
    return database_run(&q->database, e, STATEMENT_PROPOSAL_REMOVE, INTEGER(job), INTEGER(member));
}

static int set_proposed(struct queue *q, int64_t job, int64_t member, struct error *e)
{
    live_touch(q, job);
    return database_run(&q->database, e, STATEMENT_JOB_PROPOSED, INTEGER(job), INTEGER(member));
}

/* Adds the lowest proposal to the layout where that is due; what the layout has by now is dropped.
 * *ret_goes_on: there may be another one that is due. */
static int settle_one(struct queue *q, int64_t job, json_t *layout, bool *ret_goes_on,
                      struct error *e)
{
    int64_t member = 0;
    json_t *addition = NULL;
    bool is_due = true;
    *ret_goes_on = false;
    int r = first_proposal(q, job, &member, &addition, e);
    if (r)
        return r == QUEUE_NO_SUCH ? set_proposed(q, job, -1, e) : r;
    subtract(addition, layout);
    bool is_news = json_object_size(addition) > 0;
    if (is_news)
        r = queue_range_finished(q, job, 0, member, &is_due, e);
    if (!r && !is_due)
        r = set_proposed(q, job, member, e);
    if (!r && is_due)
        r = remove_proposal(q, job, member, e);
    if (!r && is_due && is_news) {
        json_object_update(layout, addition);
        r = store_layout(q, job, layout, e);
    }
    *ret_goes_on = is_due;
    json_decref(addition);
    return r;
}

int queue_settle_layouts(struct queue *q, int64_t job, struct error *e)
{
    struct queue_counts c;
    bool goes_on = true;
    json_t *layout;
    int r = queue_counts(q, job, &c, e);
    if (!r && c.proposed >= 0)
        r = queue_range_finished(q, job, 0, c.proposed, &goes_on, e);
    if (r || c.proposed < 0 || !goes_on)
        return r;
    r = stored_layout(q, job, &layout, e);
    if (r)
        return r;
    while (!r && goes_on)
        r = settle_one(q, job, layout, &goes_on, e);
    json_decref(layout);
    return r;
}

static int propose(struct queue *q, const struct queue_counts *c, int64_t member, json_t *addition,
                   struct error *e)
{
    json_t *layout;
    int r = stored_layout(q, c->id, &layout, e);
    if (r)
        return r;
    subtract(addition, layout);
    json_decref(layout);
    if (json_object_size(addition) == 0)
        return 0;
    char *text = json_canonical(addition);
    r = database_run(&q->database, e, STATEMENT_PROPOSAL_ADD, INTEGER(c->id), INTEGER(member),
                     TEXT(text));
    free(text);
    if (!r && (c->proposed < 0 || member < c->proposed))
        r = set_proposed(q, c->id, member, e);
    return r ? r : queue_settle_layouts(q, c->id, e);
}

/* QUEUE_INVALID where the member is not of the lease, or its outcome is known. */
static int check_member(struct queue *q, const struct queue_live_lease *live, int64_t member,
                        struct error *e)
{
    bool is_finished = true;
    int r = 0;
    if (member >= live->range.begin && member < live->range.end)
        r = queue_range_finished(q, live->job, member, member + 1, &is_finished, e);
    if (!r && is_finished)
        r = error_set(e, QUEUE_INVALID, NULL,
                      "member %" PRId64 " is not running under lease %" PRId64, member,
                      live->fence);
    return r;
}

/* While there is none, the layout is for the lowest open member to decide. */
static int check_leads(struct queue *q, const struct queue_counts *c,
                       const struct queue_live_lease *live, struct error *e)
{
    bool leads = true;
    int r = c->layouts == 0 ? queue_range_finished(q, c->id, 0, live->range.begin, &leads, e) : 0;
    if (r || leads)
        return r;
    return error_set(e, QUEUE_INVALID, NULL, "members below lease %" PRId64 " decide the layout",
                     live->fence);
}

int queue_add_layout(struct queue *q, const struct queue_lease *lease, int64_t member,
                     const char *layout, struct error *e)
{
    struct queue_live_lease live;
    struct queue_counts c = {0};
    json_t *addition = NULL;
    int r = queue_live_lease(q, lease, &live, e);
    if (!r)
        r = check_member(q, &live, member, e);
    if (!r)
        r = queue_counts(q, live.job, &c, e);
    if (!r)
        r = check_leads(q, &c, &live, e);
    if (!r)
        r = read_layout(layout, &addition, e);
    if (!r)
        r = c.layouts == 0 ? store_layout(q, live.job, addition, e)
                           : propose(q, &c, member, addition, e);
    json_decref(addition);
    return r;
}

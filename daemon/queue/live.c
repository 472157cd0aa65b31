/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/live.h"

#include "base/mem.h"
#include "queue/queue_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the order in which jobs are served ---- */

/* Every fourth stands a level higher than the others, by its number. */
static int height_of(int64_t id)
{
    uint64_t z = (uint64_t)id * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    int height = 1;
    for (z ^= z >> 31; height < LIVE_LEVELS && (z & 3) == 0; z >>= 2)
        height++;
    return height;
}

static bool is_before(const struct live_job *a, const struct live_job *b)
{
    if (a->outline.priority != b->outline.priority)
        return a->outline.priority > b->outline.priority;
    return a->outline.job < b->outline.job;
}

/* On each level, where the link to `j`, or to what comes after it, stands. */
static void find_links(struct live *l, const struct live_job *j,
                       struct live_job **ret_links[LIVE_LEVELS])
{
    struct live_job **links = l->first;
    for (int level = LIVE_LEVELS - 1; level >= 0; level--) {
        while (links[level] && is_before(links[level], j))
            links = links[level]->next;
        ret_links[level] = &links[level];
    }
}

static void enlist(struct live *l, struct live_job *j)
{
    struct live_job **links[LIVE_LEVELS];
    find_links(l, j, links);
    for (int level = 0; level < j->height; level++) {
        j->next[level] = *links[level];
        *links[level] = j;
    }
    j->is_listed = true;
}

static void delist(struct live *l, struct live_job *j)
{
    struct live_job **links[LIVE_LEVELS];
    find_links(l, j, links);
    for (int level = 0; level < j->height; level++)
        *links[level] = j->next[level];
    j->is_listed = false;
}

static void list(struct live *l, struct live_job *j)
{
    bool belongs = j->can_lease && !j->is_held && !j->is_unpinned;
    if (belongs && !j->is_listed)
        enlist(l, j);
    else if (!belongs && j->is_listed)
        delist(l, j);
}

int queue_next_job(struct queue *q, int64_t after, int64_t *ret_job, struct error *e)
{
    struct live_job **links[LIVE_LEVELS] = {&q->live.first[0]};
    int r = live_settle(q, e);
    if (r)
        return r;
    struct live_job *j = after ? id_map_get(&q->live.jobs, after) : NULL;
    if (after && !j)
        return QUEUE_NO_SUCH;
    if (j)
        find_links(&q->live, j, links);
    const struct live_job *next = j && j->is_listed ? j->next[0] : *links[0];
    if (!next)
        return QUEUE_NO_SUCH;
    *ret_job = next->outline.job;
    return 0;
}

void queue_hold(struct queue *q, int64_t job, bool is_held)
{
    struct live_job *j = id_map_get(&q->live.jobs, job);
    if (!j)
        return;
    j->is_held = is_held;
    list(&q->live, j);
}

void live_set_unpinned(struct queue *q, int64_t job, bool is_unpinned)
{
    struct live_job *j = id_map_get(&q->live.jobs, job);
    if (!j)
        return;
    j->is_unpinned = is_unpinned;
    queue_set_waiting(q, job, is_unpinned ? "process libraries are being described" : NULL);
    list(&q->live, j);
}

/* ---- entries ---- */

static struct live_job *job_new(struct live *l, int64_t id)
{
    int height = height_of(id);
    struct live_job *j = mem_new(sizeof *j + (size_t)height * sizeof *j->next);
    j->height = height;
    j->outline.job = id;
    id_map_set(&l->jobs, id, j);
    return j;
}

static void job_free(struct live_job *j)
{
    if (j) {
        free(j->waiting);
        free(j->kept);
    }
    free(j);
}

static void mark_changed(struct live *l, struct live_job *j, int64_t id)
{
    if (!j || !j->is_changed)
        id_list_add(&l->changed, id);
    if (j)
        j->is_changed = true;
}

static void remove_job(struct live *l, struct live_job *j)
{
    if (j->is_listed)
        delist(l, j);
    job_free(id_map_remove(&l->jobs, j->outline.job));
}

static int can_lease(struct queue *q, const struct queue_counts *c, bool *ret, struct error *e)
{
    struct queue_pick pick;
    if (c->is_held || c->awaits > 0) {
        *ret = false;
        return 0;
    }
    bool is_first = c->layouts == 0 && c->done + c->dead + c->free < c->members;
    if (c->free == 0 || (c->suspects == 0 && c->resting == 0 && c->proposed < 0 && !is_first)) {
        *ret = c->free > 0;
        return 0;
    }
    int r = queue_pick(q, c, 1, 1, &pick, e);
    *ret = r == 0;
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static bool is_news(const struct queue_outline *a, const struct queue_outline *b)
{
    return a->state != b->state || a->layouts != b->layouts || a->is_complete != b->is_complete ||
           a->suspects != b->suspects || a->members != b->members;
}

/* Why it is not leased, whatever workers there are: a new string, or NULL. */
static int why_kept(struct queue *q, const struct queue_counts *c, char **ret, struct error *e)
{
    sqlite3_stmt *s;
    *ret = c->is_held ? mem_printf("it is held, until somebody releases it") : NULL;
    if (c->is_held || c->awaits == 0)
        return 0;
    int r = database_row(&q->database, e, &s, STATEMENT_AFTER_FIRST, INTEGER(c->id));
    if (r)
        return r == QUEUE_NO_SUCH ? 0 : r;
    *ret = mem_printf("it is to run after job %" PRId64, (int64_t)sqlite3_column_int64(s, 0));
    database_end(s);
    return 0;
}

static int enter(struct queue *q, const struct queue_counts *c, struct error *e)
{
    struct live *l = &q->live;
    struct queue_outline outline = {
        .job = c->id,
        .state = c->state,
        .members = c->members,
        .done = c->done,
        .dead = c->dead,
        .free = c->free,
        .suspects = c->suspects,
        .resting = c->resting,
        .layouts = c->layouts,
        .priority = c->priority,
        .member_timeout = c->member_timeout,
        .is_complete = c->done + c->dead == c->members,
    };
    bool leases = false;
    char *kept = NULL;
    int r = can_lease(q, c, &leases, e);
    if (!r)
        r = why_kept(q, c, &kept, e);
    if (r)
        return r;
    struct live_job *j = id_map_get(&l->jobs, c->id);
    bool is_new = !j;
    if (is_new)
        j = job_new(l, c->id);
    if (is_new || is_news(&j->outline, &outline) || !j->kept != !kept)
        mark_changed(l, j, c->id);
    j->outline = outline; /* the priority of a job never changes, so that the list is in order */
    j->can_lease = leases;
    free(j->kept);
    j->kept = kept;
    list(l, j);
    return 0;
}

static int refresh(struct queue *q, int64_t id, struct error *e)
{
    struct live *l = &q->live;
    struct queue_counts c = {0};
    int r = queue_counts(q, id, &c, e);
    if (r < 0)
        return r;
    if (r == 0 && !job_state_is_final(c.state))
        return enter(q, &c, e);
    struct live_job *j = id_map_get(&l->jobs, id);
    mark_changed(l, j, id);
    if (j)
        remove_job(l, j);
    return 0;
}

void live_touch(struct queue *q, int64_t job)
{
    struct live *l = &q->live;
    struct live_job *j = id_map_get(&l->jobs, job);
    if (!j || !j->is_stale)
        id_list_add(&l->stale, job);
    if (!j || !j->is_in_turn)
        id_list_add(&l->turn, job);
    if (j)
        j->is_stale = j->is_in_turn = true;
}

int live_settle(struct queue *q, struct error *e)
{
    struct live *l = &q->live;
    int r = 0;
    while (l->stale.n > 0) {
        int64_t id = l->stale.items[l->stale.n - 1];
        r = refresh(q, id, e);
        if (r)
            return r;
        l->stale.n--;
        struct live_job *j = id_map_get(&l->jobs, id);
        if (j)
            j->is_stale = false;
    }
    return 0;
}

void live_commit(struct queue *q)
{
    struct live *l = &q->live;
    for (size_t i = 0; i < l->turn.n; i++) {
        struct live_job *j = id_map_get(&l->jobs, l->turn.items[i]);
        if (j)
            j->is_in_turn = false;
    }
    l->turn.n = 0;
}

void live_roll_back(struct queue *q)
{
    struct live *l = &q->live;
    for (size_t i = 0; i < l->turn.n; i++) {
        int64_t id = l->turn.items[i];
        struct live_job *j = id_map_get(&l->jobs, id);
        if (!j || !j->is_stale)
            id_list_add(&l->stale, id);
        mark_changed(l, j, id);
        if (j) {
            j->is_stale = true;
            j->is_in_turn = false;
        }
    }
    l->turn.n = 0;
}

static int load_state(struct queue *q, enum job_state state, struct id_list *ids, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_JOB_LIVE, INTEGER(state));
    for (; !r; r = database_next(&q->database, e, s))
        id_list_add(ids, sqlite3_column_int64(s, 0));
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int live_load(struct queue *q, struct error *e)
{
    int r = load_state(q, JOB_QUEUED, &q->live.stale, e);
    if (!r)
        r = load_state(q, JOB_RUNNING, &q->live.stale, e);
    return r ? r : live_settle(q, e);
}

void live_clear(struct live *l)
{
    struct live_job *j;
    for (size_t i = 0; (j = id_map_next(&l->jobs, &i));)
        job_free(j);
    id_map_free(&l->jobs);
    id_list_free(&l->stale);
    id_list_free(&l->turn);
    id_list_free(&l->changed);
    free(l->waiting);
    *l = (struct live){0};
}

const struct live_job *live_find(const struct queue *q, int64_t job)
{
    return id_map_get(&q->live.jobs, job);
}

/* ---- what dispatch asks ---- */

int queue_outline(struct queue *q, int64_t job, struct queue_outline *ret, struct error *e)
{
    int r = live_settle(q, e);
    const struct live_job *j = live_find(q, job);
    if (r || !j)
        return r ? r : QUEUE_NO_SUCH;
    *ret = j->outline;
    return 0;
}

int queue_next_changed(struct queue *q, int64_t *ret_job, struct error *e)
{
    struct live *l = &q->live;
    int r = live_settle(q, e);
    if (r || l->changed.n == 0)
        return r ? r : QUEUE_NO_SUCH;
    int64_t id = l->changed.items[--l->changed.n];
    struct live_job *j = id_map_get(&l->jobs, id);
    if (j)
        j->is_changed = false;
    *ret_job = id;
    return 0;
}

bool queue_has_changed(const struct queue *q)
{
    return q->live.changed.n > 0 || q->live.stale.n > 0;
}

/* ---- what people are told of a live job, which need not survive ---- */

static void set_text(char **at, const char *text)
{
    if (*at && text && strcmp(*at, text) == 0)
        return;
    free(*at);
    *at = mem_strdup(text);
}

void queue_set_waiting(struct queue *q, int64_t job, const char *text)
{
    if (job == 0) {
        set_text(&q->live.waiting, text);
        return;
    }
    struct live_job *j = id_map_get(&q->live.jobs, job);
    if (j)
        set_text(&j->waiting, text);
}

const char *live_waiting(const struct queue *q, int64_t job)
{
    const struct live_job *j = live_find(q, job);
    if (!j)
        return NULL;
    const struct queue_outline *o = &j->outline;
    bool runs = o->done + o->dead + o->free < o->members;
    if (j->kept)
        return j->kept;
    if (!j->waiting && !runs && o->resting > 0 && o->resting == o->free)
        return "members whose worker died rest before they are tried again";
    return j->waiting ? j->waiting : runs ? NULL : q->live.waiting;
}

void queue_progress(struct queue *q, int64_t job, int64_t step, int64_t nsteps)
{
    struct live_job *j = live_settle(q, NULL) == 0 ? id_map_get(&q->live.jobs, job) : NULL;
    if (!j || j->outline.state != JOB_RUNNING)
        return;
    j->step = step;
    j->nsteps = nsteps;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What workers are told: jobs, and the tasks that they were given. */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <stdlib.h>

void tell_drop(struct dispatch *d, struct worker_session *s, int64_t job)
{
    struct wire_message m = {.type = WIRE_DROP, .drop.job = job};
    task_post(d, s, &m, false);
    worker_session_forget(s, job);
}

/* Makes room for one more: the job that was used longest ago, and has no task. */
static void forget_one(struct dispatch *d, struct worker_session *s)
{
    for (int i = 0; i < s->n_known; i++) {
        if (!task_is_of(s, s->known[i].job)) {
            tell_drop(d, s, s->known[i].job);
            return;
        }
    }
}

struct job_texts {
    struct queue_job job;
    char *document, *layout, *libraries;
    char *from; /* or NULL */
};

static int read_from(struct dispatch *d, int64_t job, char **ret_store, struct error *e)
{
    struct queue_job from = {0};
    int r = queue_job(d->queue, job, &from, e);
    if (r == 0)
        *ret_store = mem_strdup(from.store);
    queue_job_clear(&from);
    return r;
}

static int read_texts(struct dispatch *d, int64_t job, struct job_texts *ret, struct error *e)
{
    int r = queue_job(d->queue, job, &ret->job, e);
    if (r == 0)
        r = queue_job_document(d->queue, job, &ret->document, e);
    if (r == 0)
        r = queue_job_layout(d->queue, job, &ret->layout, e);
    if (r == 0)
        r = queue_job_libraries(d->queue, job, &ret->libraries, e);
    if (r == 0 && ret->job.from)
        r = read_from(d, ret->job.from, &ret->from, e);
    return r;
}

/* 0; -errno where the job could not be read; positive, with words, where no worker can ever be told
 * of it. */
static int post_job(struct dispatch *d, struct worker_session *s, int64_t job, bool rests,
                    struct error *e)
{
    struct job_texts texts = {0};
    char owner[QUEUE_OWNER_SIZE];
    int r = read_texts(d, job, &texts, e);
    if (r == 0) {
        struct wire_message m = {.type = WIRE_JOB,
                                 .job = {.job = job,
                                         .document = texts.document,
                                         .layout = texts.layout ? texts.layout : "",
                                         .libraries = texts.libraries,
                                         .store = texts.job.store,
                                         .owner = queue_owner(d->queue, job, owner),
                                         .from = texts.from ? texts.from : ""}};
        r = task_post(d, s, &m, rests);
        if (r != 0)
            error_set(e, r, NULL,
                      "its document is too large, or is not UTF-8, for workers to be told of it");
    }
    free(texts.document);
    free(texts.layout);
    free(texts.libraries);
    free(texts.from);
    queue_job_clear(&texts.job);
    return r;
}

/* Members that were appended may not be committed; who has a lease from before needs not know. */
static bool knows_members(const struct known_job *k, const struct job_progress *p,
                          const struct task *t)
{
    return k->members == p->members || (!t->is_fresh && !t->is_finish);
}

/* The worker knows the job, with its newest layout and members, before it hears of a task. */
static int tell_job(struct dispatch *d, struct worker_session *s, const struct job_progress *p,
                    const struct task *t, struct error *e)
{
    struct known_job *k = worker_session_known(s, p->job);
    bool is_told = k && k->layouts == p->layouts && knows_members(k, p, t), rests = t->is_fresh;
    struct known_job latest = {p->job, p->layouts, is_told ? k->members : p->members, false};
    latest.is_fresh = is_told ? k->is_fresh : rests;
    worker_session_forget(s, p->job);
    if (s->n_known == SESSION_KNOWN)
        forget_one(d, s);
    int r = is_told ? 0 : post_job(d, s, p->job, rests, e);
    if (r == 0)
        s->known[s->n_known++] = latest;
    return r;
}

static void give_up(struct dispatch *d, struct worker_session *s, struct task *t)
{
    if (t->is_finish || t->is_help)
        worker_session_remove_task(s, t);
    else
        task_end_lease(d, s, t, NULL);
}

static int tell_task(struct dispatch *d, struct worker_session *s, struct task *t)
{
    struct error e = {.message = ""};
    char *dead = NULL, *kept = NULL;
    bool repairs = false;
    const struct job_progress *p = task_find_job(d, t->lease.job);
    if (!p || (p->has_ended && (t->is_finish || t->is_help))) { /* cancelled before */
        give_up(d, s, t);
        return 0;
    }
    int r = tell_job(d, s, p, t, &e);
    if (r > 0 && t->is_help) {
        give_up(d, s, t);
        return 0;
    }
    if (r > 0) {
        task_fail_job(d, t->lease.job, e.message);
        give_up(d, s, t);
        return 0;
    }
    if (r == 0 && t->is_finish)
        r = queue_dead_ranges(d->queue, t->lease.job, &dead, NULL);
    if (r == 0 && t->is_finish)
        r = queue_job_kept(d->queue, t->lease.job, &kept, &repairs, NULL);
    if (r < 0) {
        free(dead);
        return r;
    }
    struct wire_message m = {.type = WIRE_FINISH, .finish = {t->lease.job, dead, kept, repairs}};
    t->is_ahead = t->is_ahead && p->layouts == 0;
    if (t->is_help)
        m = (struct wire_message){.type = WIRE_HELP,
                                  .help = {t->lease.id, t->lease.job, t->socket}};
    else if (!t->is_finish)
        m = (struct wire_message){.type = WIRE_LEASE,
                                  .lease = {t->lease.id, t->lease.job, t->lease.begin, t->lease.end,
                                            t->is_ahead, p->members < task_workers(d)}};
    task_post(d, s, &m, t->is_fresh);
    free(dead);
    free(kept);
    t->is_sent = true;
    return 0;
}

static int tell_session(struct dispatch *d, struct worker_session *s)
{
    int r = 0;
    if (!s->tasks[0].is_sent)
        r = tell_task(d, s, &s->tasks[0]);
    if (r == 0 && s->n_tasks == 2 && s->tasks[0].is_sent && !s->tasks[1].is_sent &&
        !task_is_alone(&s->tasks[0]) && !task_is_alone(&s->tasks[1]))
        r = tell_task(d, s, &s->tasks[1]);
    return r;
}

int tell_tasks(struct dispatch *d)
{
    int r = 0;
    for (struct worker_session *s = d->sessions; s && r == 0; s = s->next)
        if (s->state == SESSION_BUSY && !s->is_gone)
            r = tell_session(d, s);
    return r;
}

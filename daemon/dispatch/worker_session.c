/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/worker_session.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BIT(x) (1u << (x))

/* Reports are heard as long as there are leases they may speak of. */
#define REPORTS                                                                                    \
    (BIT(WIRE_HEARTBEAT) | BIT(WIRE_LAYOUT) | BIT(WIRE_DONE) | BIT(WIRE_MEMBER_FAILED) |           \
     BIT(WIRE_LOG) | BIT(WIRE_RELEASE) | BIT(WIRE_JOB_FAILED) | BIT(WIRE_FINISHED) |               \
     BIT(WIRE_FINISH_FAILED) | BIT(WIRE_BYE) | BIT(WIRE_WAITS) | BIT(WIRE_ASK))

static const struct {
    const char *name;
    uint32_t messages; /* that the worker may send */
    uint32_t moves;    /* to these states */
} states[] = {
    [SESSION_STARTING] = {"starting", BIT(WIRE_READY) | BIT(WIRE_HEARTBEAT) | BIT(WIRE_BYE),
                          BIT(SESSION_IDLE) | BIT(SESSION_STOPPING)},
    [SESSION_IDLE] = {"idle", BIT(WIRE_HEARTBEAT) | BIT(WIRE_BYE),
                      BIT(SESSION_BUSY) | BIT(SESSION_LEAVING) | BIT(SESSION_STOPPING)},
    [SESSION_BUSY] = {"busy", REPORTS,
                      BIT(SESSION_IDLE) | BIT(SESSION_LEAVING) | BIT(SESSION_STOPPING)},
    [SESSION_LEAVING] = {"leaving", REPORTS, BIT(SESSION_STOPPING)},
    [SESSION_STOPPING] = {"stopping", REPORTS, 0},
};

const char *worker_session_state_name(enum worker_session_state state)
{
    return states[state].name;
}

bool worker_session_allows(enum worker_session_state state, enum wire_type type)
{
    return (unsigned)type < 32 && (states[state].messages & BIT(type));
}

void worker_session_move(struct worker_session *s, enum worker_session_state to)
{
    if (s->state == to)
        return;
    mem_assert(states[s->state].moves & BIT(to));
    s->state = to;
}

struct worker_session *worker_session_new(const struct route *route, const struct wire_hello *hello)
{
    struct worker_session *s = mem_new(sizeof *s);
    s->route = *route;
    s->name = mem_strdup(hello->name);
    s->host = mem_strdup(hello->host);
    s->fingerprint = mem_strdup(hello->fingerprint);
    s->sandbox = mem_strdup("");
    s->pid = hello->pid;
    s->loaded = json_object();
    s->since = clock_unix();
    return s;
}

struct worker_session *worker_session_free(struct worker_session *s)
{
    if (!s)
        return NULL;
    for (int i = 0; i < s->n_tasks; i++)
        free(s->tasks[i].socket);
    free(s->name);
    free(s->helpers_place);
    free(s->host);
    free(s->fingerprint);
    free(s->sandbox);
    json_decref(s->loaded);
    log_tail_clear(&s->log);
    free(s);
    return NULL;
}

void worker_session_blame(struct worker_session *s, enum queue_cause cause)
{
    if (s->state != SESSION_STOPPING)
        s->cause = cause;
}

bool task_is_alone(const struct task *t)
{
    return t->is_finish || t->is_help || t->lease.end - t->lease.begin == 1;
}

/* Where tasks come and go, idle and busy follow. */
static void settle(struct worker_session *s)
{
    if (s->state == SESSION_IDLE || s->state == SESSION_BUSY)
        worker_session_move(s, s->n_tasks > 0 ? SESSION_BUSY : SESSION_IDLE);
}

struct task *worker_session_add_task(struct worker_session *s, const struct task *t)
{
    mem_assert(s->n_tasks < SESSION_TASKS);
    struct task *added = &s->tasks[s->n_tasks++];
    *added = *t;
    settle(s);
    return added;
}

void worker_session_remove_task(struct worker_session *s, struct task *t)
{
    size_t after = (size_t)(s->tasks + s->n_tasks - t) - 1;
    free(t->socket);
    memmove(t, t + 1, after * sizeof *t);
    s->n_tasks--;
    settle(s);
}

struct task *worker_session_lease(struct worker_session *s, int64_t lease)
{
    for (int i = 0; i < s->n_tasks; i++) {
        struct task *t = &s->tasks[i];
        if (!t->is_finish && !t->is_help && t->is_sent && t->lease.id == lease)
            return t;
    }
    return NULL;
}

struct task *worker_session_help(struct worker_session *s, int64_t lease)
{
    for (int i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].is_help && s->tasks[i].lease.id == lease)
            return &s->tasks[i];
    return NULL;
}

struct task *worker_session_finish(struct worker_session *s, int64_t job)
{
    for (int i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].is_finish && s->tasks[i].is_sent && s->tasks[i].lease.job == job)
            return &s->tasks[i];
    return NULL;
}

struct known_job *worker_session_known(struct worker_session *s, int64_t job)
{
    for (int i = 0; i < s->n_known; i++)
        if (s->known[i].job == job)
            return &s->known[i];
    return NULL;
}

void worker_session_forget(struct worker_session *s, int64_t job)
{
    struct known_job *k = worker_session_known(s, job);
    if (!k)
        return;
    size_t after = (size_t)(s->known + s->n_known - k) - 1;
    memmove(k, k + 1, after * sizeof *k);
    s->n_known--;
}

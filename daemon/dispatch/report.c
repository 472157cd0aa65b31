/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/report.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void reports_add(struct reports *rs, const struct report *r)
{
    rs->list = mem_grow(rs->list, rs->n, &rs->capacity, sizeof *rs->list);
    rs->list[rs->n] = *r;
    rs->list[rs->n].log = mem_strdup(r->log);
    rs->list[rs->n++].text = mem_strdup(r->text);
}

static void clear(struct report *r)
{
    free(r->text);
    free(r->log);
}

static int apply(struct queue *q, const struct report *r, struct error *e)
{
    const struct queue_death death = {r->cause, r->text, r->log};
    switch (r->kind) {
    case REPORT_LAYOUT:
        return queue_add_layout(q, &r->lease, r->begin, r->text, e);
    case REPORT_DONE:
        return queue_done(q, &r->lease, r->begin, r->end, e);
    case REPORT_MEMBER_FAILED:
        return queue_member_failed(q, &r->lease, r->begin, &death, e);
    case REPORT_LOG:
        return queue_log(q, r->lease.job, r->begin, r->ordinal, r->text, e);
    case REPORT_FENCED:
        return queue_fenced(q, r->lease.job, r->lease.id, e);
    case REPORT_RELEASE:
        return queue_release(q, &r->lease, e);
    case REPORT_LOST:
        return queue_lost(q, &r->lease, &death, e);
    case REPORT_JOB_FAILED:
        return queue_fail(q, r->lease.job, r->text, e);
    case REPORT_FINISHED:
        return queue_finish(q, r->lease.job, e);
    }
    return 0;
}

int reports_apply(struct reports *rs, struct queue *q)
{
    while (rs->n_applied < rs->n) {
        struct error e = {.message = ""};
        int r = apply(q, &rs->list[rs->n_applied], &e);
        if (r < 0)
            return r;
        if (r > 0)
            log_debug("a worker's report was dropped: %s", e.message);
        rs->n_applied++;
    }
    return 0;
}

void reports_committed(struct reports *rs)
{
    for (size_t i = 0; i < rs->n_applied; i++)
        clear(&rs->list[i]);
    rs->n -= rs->n_applied;
    if (rs->n > 0)
        memmove(rs->list, rs->list + rs->n_applied, rs->n * sizeof *rs->list);
    rs->n_applied = 0;
}

void reports_rolled_back(struct reports *rs)
{
    rs->n_applied = 0;
}

void reports_clear(struct reports *rs)
{
    for (size_t i = 0; i < rs->n; i++)
        clear(&rs->list[i]);
    free(rs->list);
    *rs = (struct reports){0};
}

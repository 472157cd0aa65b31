/* SPDX-License-Identifier: Apache-2.0 */
/* What workers reported and what became of them, on its way into the queue. A report stays here
 * until it is committed, so that a failed commit loses nothing: the next turn applies it again.
 * Internal. */
#ifndef DISPATCH_REPORT_H
#define DISPATCH_REPORT_H

#include "queue/queue.h"

#include <stddef.h>

enum report_kind {
    REPORT_LAYOUT,        /* lease, begin, text */
    REPORT_DONE,          /* lease, begin, end */
    REPORT_MEMBER_FAILED, /* lease, begin, text */
    REPORT_LOG,           /* lease.job, begin, ordinal, text */
    REPORT_FENCED,        /* lease */
    REPORT_RELEASE,       /* lease */
    REPORT_LOST,          /* lease, text */
    REPORT_JOB_FAILED,    /* lease.job, text */
    REPORT_FINISHED       /* lease.job */
};

struct report {
    enum report_kind kind;
    struct queue_lease lease;
    int64_t begin, end, ordinal;
    char *text;             /* or NULL */
    enum queue_cause cause; /* of MEMBER_FAILED, LOST */
    char *log;              /* likewise: struct queue_death; or NULL */
};

struct reports {
    struct report *list;
    size_t n, capacity;
    size_t n_applied; /* in this turn; not yet committed */
};

/* Copies the texts. */
void reports_add(struct reports *rs, const struct report *r);
/* Applies what was not applied yet. What the queue refuses (the lease is not live, the job has
 * ended) is dropped. -errno where the queue failed: the rest waits for another turn. */
int reports_apply(struct reports *rs, struct queue *q);
void reports_committed(struct reports *rs);
void reports_rolled_back(struct reports *rs);
void reports_clear(struct reports *rs);

#endif

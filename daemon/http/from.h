/* SPDX-License-Identifier: Apache-2.0 */
/* A job whose members start from another's checkpoint: whether that is there. What the two jobs'
 * documents say was compared when the draft was built (model/job_from.c). */
#ifndef HTTP_FROM_H
#define HTTP_FROM_H

#include "http/draft.h"
#include "queue/queue.h"

/* Of a draft with from_job. 0, or enum problem with a pointer and words. */
int from_check(struct queue *q, const struct draft *d, struct error *e);

#endif

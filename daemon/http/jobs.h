/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as the REST interface shows them. */
#ifndef HTTP_JOBS_H
#define HTTP_JOBS_H

#include "http/server.h"

/* The number that the request's first parameter is. PROBLEM_NOT_FOUND where it is none. */
int jobs_id(const struct request *r, int64_t *ret_id, struct error *e);
/* The job that the request's first parameter names: the caller clears it. PROBLEM_NOT_FOUND. */
int jobs_find(struct request *r, struct queue_job *ret_job, struct error *e);

/* Answers with the job as it is then. */
int jobs_reply(struct request *r, unsigned status, int64_t id, struct error *e);

/* For queue_retry and queue_append: `http` claims the job's store again, in this turn. */
int jobs_claim_again(void *http, int64_t job, const struct queue_retry_store *store,
                     struct error *e);

/* Notes as the queue has them (NULL: none): a list, a new reference. */
json_t *jobs_notes(const char *notes);

/* {"id", "name", "state", …}, as proto/openapi.json has it. A new reference. */
json_t *jobs_represent(const struct queue_job *j);

#endif

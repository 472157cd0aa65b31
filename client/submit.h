/* SPDX-License-Identifier: Apache-2.0 */
/* Handing in a job: the document, its files, and an idempotency key, so that a submission whose
 * answer was lost can be repeated without a second job. */
#ifndef CLIENT_SUBMIT_H
#define CLIENT_SUBMIT_H

#include "client/options.h"
#include "client/request.h"

/* A good answer is a job (answer_job), or of a dry run that the job is valid (answer_dry_run).
 * Reads the job at operand 0, with --store, --idempotency-key and --dry-run applied. Returns
 * ret_reply->code after a complaint where that is not 0; ret_reply is to be cleared always. */
int submit_job(struct server *s, const struct options *o, struct reply *ret_reply);

/* Likewise, but it is planned, not submitted: a good answer is a plan (answer_plan). */
int submit_plan(struct server *s, const struct options *o, struct reply *ret_reply);

/* An idempotency key that nobody has used; a new string. */
char *submit_random_key(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/jobs/{job}?wait=SECONDS: the answer comes when the job has ended, or the time is over. */
#ifndef HTTP_WAIT_H
#define HTTP_WAIT_H

#include "base/errors.h"

#include <stdint.h>

struct http;
struct request;

/* ?wait=; 0 where it is absent. */
int wait_seconds(const struct request *r, int64_t *ret_seconds, struct error *e);
/* For a handler to return: the answer is the job as it is then. */
int wait_for_end(struct request *r, int64_t job, int64_t seconds, struct error *e);

/* After a commit: answers those whose job has ended, or whose time is over. Returns when next due.
 * A job that has not ended is found in memory: nobody's waiting costs a query. */
int64_t wait_flush(struct http *h, int64_t now);

#endif

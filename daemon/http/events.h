/* SPDX-License-Identifier: Apache-2.0 */
/* A job's events as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * A stream whose events are all sent is suspended; events_flush resumes it when there is news, or
 * when a comment is due: a suspended connection does not notice a client that left. Events are told
 * only once they are committed. `progress` of a job without a batch is not an event of the queue:
 * it is told without a number, and not again after a reconnection. */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include "http/server.h"

/* After the commit; returns when the next comment is due. */
int64_t events_flush(struct http *h, int64_t now);

#endif

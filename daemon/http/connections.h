/* SPDX-License-Identifier: Apache-2.0 */
/* Clients' connections: accepted, bounded in number, cut where they do not get on.
 *
 * Invariants
 *  1. A listener has at most its part of the connections that our descriptors allow; what comes
 *     beyond waits in its backlog. It is watched again when one closes, or, where the system had
 *     no descriptor, a second later.
 *  2. A connection that is between requests may be closed for another that waits.
 *  3. Time is bounded for each step of a request (exchange.c sets client->deadline); who makes the
 *     library spin without progress is cut (it spins on a line of a chunked body that is longer
 *     than its memory). */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include "http/server.h"

#include <stdbool.h>
#include <stdint.h>

/* Starts libmicrohttpd, and watches all listeners. */
int connections_start(struct http *h, struct error *e);
/* No more are accepted. */
void connections_close(struct http *h);
/* All are closed; none is suspended. */
void connections_stop(struct http *h);

/* Runs libmicrohttpd, where it is due; cuts what is. Returns when next due. */
int64_t connections_tick(struct http *h, int64_t now);
void connections_run(struct http *h);
int64_t connections_due(const struct http *h);

/* Why more cannot be accepted, in words (borrowed, until the next call); NULL: they can. */
const char *connections_trouble(struct http *h);

#endif

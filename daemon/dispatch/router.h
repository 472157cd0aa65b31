/* SPDX-License-Identifier: Apache-2.0 */
/* The ROUTER socket: frames in, and a list of messages to go out with the next flush. Internal. */
#ifndef DISPATCH_ROUTER_H
#define DISPATCH_ROUTER_H

#include "base/errors.h"
#include "base/loop.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stddef.h>

/* What ZeroMQ calls a routing id: names a connection. */
struct route {
    unsigned char size;
    unsigned char bytes[255];
};
bool route_equal(const struct route *a, const struct route *b);

struct router;

/* Binds, and lets the loop turn when frames have come. The socket's file is for this user only. */
int router_open(struct loop *loop, const char *endpoint, struct router **ret_router,
                struct error *e);
struct router *router_close(struct router *r);
/* Binds anew where the socket's file was removed. */
int router_renew(struct router *r, struct error *e);

/* The next frame, which lives until the next call; false where there is none. Frames that come
 * later turn the loop. */
bool router_receive(struct router *r, struct route *ret_from, const void **ret_frame,
                    size_t *ret_size);

enum router_result { ROUTER_UNSENDABLE = 1 /* too large, or a text of it is not UTF-8 */ };

/* Puts a message on the list; `rests`: on what this turn commits. 0 or ROUTER_UNSENDABLE. */
int router_post(struct router *r, const struct route *to, const struct wire_message *m, bool rests);
/* Sends the list, in order; after a failed commit less what rests on it. `unsent` is told of each
 * message that could not be sent, with the errno: EHOSTUNREACH where the connection is gone. */
void router_flush(struct router *r, bool is_committed,
                  void (*unsent)(void *userdata, const struct route *to, int error),
                  void *userdata);
/* Another turn of the loop, at once. */
void router_wake(struct router *r);

#endif

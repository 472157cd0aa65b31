/* SPDX-License-Identifier: Apache-2.0 */
/* What the process of a local run in which user code runs tells the one above it: messages of
 * proto/PROTOCOL.md, each after its size (u32, of this machine), through a pipe. */
#ifndef WORKER_RUN_CHANNEL_H
#define WORKER_RUN_CHANNEL_H

#include "base/buffer.h"
#include "proto/wire.h"

#include <stdbool.h>

/* Waits until there is room. 0 or -errno; -EMSGSIZE where wire_size says so. */
int run_channel_send(int fd, const struct wire_message *m);

/* The reading end, which does not block. Zeroed but for `fd`. */
struct run_channel {
    int fd;
    struct buffer bytes;
    size_t taken; /* of them */
};
void run_channel_clear(struct run_channel *c);

/* The next message, whose texts live until the next call; false where there is none yet, or never
 * will be: what user code may have written there is not read. */
bool run_channel_next(struct run_channel *c, struct wire_message *ret);

#endif

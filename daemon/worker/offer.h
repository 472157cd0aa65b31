/* SPDX-License-Identifier: Apache-2.0 */
/* What a lead sends to who is to help it (stage/share.h): through a socket that both were started
 * with, or one that the helper has connected to, since descriptors travel by no other way. One
 * message is one lane; whoever reads it has it. With it come the memory and a socket between the
 * two.
 *  - The helper says there OFFER_JOINED; OFFER_ABANDONED where its process asks for more memory
 * than there can be; OFFER_LEFT where it has come back from between two tasks. Who closes it after
 * it has joined, and has not left, was lost.
 *  - The lead says nothing: who finds it closed is alone. */
#ifndef WORKER_OFFER_H
#define WORKER_OFFER_H

#include "base/errors.h"

#include <stdint.h>

struct stage_share;

enum offer_word { OFFER_JOINED = 1, OFFER_ABANDONED, OFFER_LEFT };

struct offer_message {
    int32_t word; /* enum offer_word */
    int64_t member;
    struct error why; /* of OFFER_ABANDONED */
};

/* Makes the socket between the two; *ret_fd is the lead's end. 0 or -errno. */
int offer_send(int socket, const struct stage_share *share, int lane, int *ret_fd);
/* Waits for one. *ret_share has a descriptor of ours, to be closed, and *ret_fd is our end. 0;
 * -EPIPE where there will be none; -EPROTO; -errno. */
int offer_receive(int socket, struct stage_share *ret_share, int *ret_lane, int *ret_fd);

#endif

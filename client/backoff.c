/* SPDX-License-Identifier: Apache-2.0 */
#include "client/backoff.h"

#include "client/request.h"

#include <poll.h>
#include <stdint.h>

enum { SHORTEST = 100, LONGEST = 5000 /* milliseconds */ };

void backoff_reset(struct backoff *b)
{
    b->pause = 0;
}

int backoff_wait(struct backoff *b, const struct request_watch *w)
{
    int twice = 2 * b->pause;
    b->pause = twice < SHORTEST ? SHORTEST : twice < LONGEST ? twice : LONGEST;
    int64_t until = request_now() + b->pause;
    for (int64_t left = b->pause; left > 0; left = until - request_now()) {
        struct pollfd p = {.fd = w ? w->fd : -1, .events = POLLIN};
        poll(&p, 1, left < REQUEST_WATCH_INTERVAL ? (int)left : REQUEST_WATCH_INTERVAL);
        if (w && w->fn(w->userdata, p.revents & POLLIN))
            return 1;
    }
    return 0;
}

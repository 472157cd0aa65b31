/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again, at growing intervals. */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H

struct request_watch;

struct backoff { /* zeroed: the first pause is the shortest */
    int pause;   /* milliseconds: the last one; 0: none yet */
};

/* Pauses, with the watch (or NULL) looking on. Nonzero where the watch ended it. */
int backoff_wait(struct backoff *b, const struct request_watch *w);
/* It went well meanwhile: the next pause is the shortest again. */
void backoff_reset(struct backoff *b);

#endif

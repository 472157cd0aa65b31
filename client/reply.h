/* SPDX-License-Identifier: Apache-2.0 */
/* What a request came to: the answer, or why there is none that can be used, and what may be done
 * about it. */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "client/answer.h"
#include "client/server.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct reply {
    int code;        /* enum api_exit */
    long status;     /* 0: no answer */
    bool unanswered; /* the request was sent, or may have been, and no answer that can be used came
                      */
    bool silent;     /* since nothing was heard for the server's timeout */
    bool again;      /* the same request may do later: unreachable, unanswered, 5xx */
    bool aborted;    /* the sink or the watch ended it */
    bool opened;     /* a stream was there: status 200, whatever came then */
    bool no_stream;  /* what came is no stream of events, though one was asked for */
    char *body;      /* NUL after `size` bytes; NULL: none */
    size_t size;
    size_t room;  /* of `body`, in bytes */
    json_t *json; /* body parsed; NULL where it is none */
    char *reason; /* where code is not ok: "refused: … (at …)" */
};

/* Fills in the rest, where there is an answer: `status` and `body` are set. `shape`: what a good
 * one is, or NULL. */
void reply_judge(const struct server *s, const struct answer_shape *shape, struct reply *r);
/* The same, where there is none: `aborted`, `silent` and `no_stream` are set. `words` are
 * libcurl's, or empty. */
void reply_judge_failure(const struct server *s, CURLcode result, const char *words,
                         struct reply *r);

/* Prints the body as it is, with a line end; what is no JSON is not printed. */
void reply_print(const struct reply *r);
void reply_clear(struct reply *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the daemon and its answer. */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/answer.h"
#include "client/reply.h"
#include "client/server.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What is watched while a request, or a pause, goes on. */
#define REQUEST_WATCH_INTERVAL 500 /* milliseconds */
struct request_watch {
    int fd; /* poll for reading; -1: none */
    /* `fd` is readable, or the interval went by. Nonzero ends the request. */
    int (*fn)(void *userdata, bool readable);
    void *userdata;
};

struct request {
    const char *method;
    const char *path; /* after the base, with its query, encoded */
    const char *body; /* or NULL; borrowed */
    size_t size;
    FILE *file; /* in place of body: its bytes from here on, `size` of them */
    const char *content_type;
    const char *idempotency_key; /* or NULL */
    const char *last_event_id;   /* or NULL */
    /* What a good answer is; NULL: it is not looked at. */
    const struct answer_shape *shape;
    /* A stream of events: successful bytes go here instead of into the reply; nonzero ends the
     * request. */
    int (*sink)(void *userdata, const char *bytes, size_t n);
    void *sink_userdata;
    const struct request_watch *watch; /* or NULL */
};

/* Sends, waits for the answer, and checks it: where it is good but not of the shape, the code is
 * API_EXIT_UNREACHABLE. Returns ret_reply->code; ret_reply is filled in every case and is to be
 * cleared. Says nothing. Silence longer than the server's timeout ends it. */
int request_send(struct server *s, const struct request *r, struct reply *ret_reply);

/* The same, and says on standard error what went wrong. */
int request_or_complain(struct server *s, const struct request *r, struct reply *ret_reply);

/* GET `path`; on success a new reference to the JSON, which has the shape, else an exit code after
 * a complaint. */
int request_get(struct server *s, const char *path, const struct answer_shape *shape,
                json_t **ret_json);
/* GET base/part. */
int request_get_part(struct server *s, const char *base, const char *part,
                     const struct answer_shape *shape, json_t **ret_json);

/* Prints the answer, or the problem, as it is (--json). Exit code. */
int request_print(struct server *s, const struct request *r);

/* Milliseconds of a clock that does not go back. */
int64_t request_now(void);

#endif

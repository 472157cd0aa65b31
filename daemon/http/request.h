/* SPDX-License-Identifier: Apache-2.0 */
/* One request, and what handlers ask of it. exchange.h tells how it goes, reply.h how it is
 * answered, work.h how what takes long is done aside.
 *
 * Invariants
 *  1. A handler runs once, when the whole body is there, on the loop's thread, and takes no longer
 *     than a small request does: what may take longer it gives to work_aside. It (or the work)
 * gives an answer (reply_…) and returns 0, or returns an error, which becomes a problem document.
 *  2. If the queue awaits a commit when the answer is there, whoever made it dirty, the answer
 * waits for it: so nothing that could still be rolled back is told to anyone.
 *  3. Who may not come in is told so before the body is read. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/route.h"
#include "http/server.h"

#include <microhttpd.h>

enum request_state {
    REQUEST_READING, /* headers, body; the handler */
    REQUEST_WAITING, /* for the queue's commit */
    REQUEST_ANSWERED
};

struct answer;

struct request {
    struct http *http;
    struct MHD_Connection *connection;
    struct client *client;
    enum request_state state;
    bool is_begun;     /* its headers are there */
    bool is_handled;   /* the body is there, and the handler has begun */
    bool is_aside;     /* something of it is done aside (work.h) */
    bool is_suspended; /* its connection */
    bool is_head;
    const struct route *route;
    char *path;
    char *parameters[ROUTE_MAX_PARAMETERS]; /* what stood for the route's "{…}" */
    char principal[64];                     /* "uid 1000", "token"; "" where none is needed */
    const char *target;                     /* of the request line, in the library's memory … */
    size_t target_size;                     /* … and its bytes, as far as a NUL */
    void *body;                             /* what the route's sink (body.h) has of it */
    size_t size, limit;
    size_t discarded; /* of the body of a request that is refused already */
    int64_t started;
    struct MHD_Response *response;
    struct answer *answer; /* whose response it is (answers.h), or NULL */
    unsigned status;
    struct request *next; /* waiting */
};

/* NULL where absent. Borrowed. */
const char *request_header(const struct request *r, const char *name);
const char *request_query(const struct request *r, const char *name);

/* ?limit=, or API_LIMIT_DEFAULT. Results are 0 or enum problem. */
int request_limit(const struct request *r, int *ret_limit, struct error *e);
/* ?name= as a number from 0 on; `otherwise` where absent. */
int request_number(const struct request *r, const char *name, int64_t otherwise, int64_t *ret,
                   struct error *e);
/* NULL where absent; PROBLEM_SYNTAX where it is none. Borrowed. */
int request_idempotency_key(const struct request *r, const char **ret_key, struct error *e);
/* Decimal digits only, no leading zero but "0" itself. */
bool request_parse_number(const char *text, int64_t *ret);

#endif

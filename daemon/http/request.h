/* SPDX-License-Identifier: Apache-2.0 */
/* One request: its body (bounded), its handler's answer, and its wait for the commit.
 *
 * Invariants
 *  1. A handler runs once, when the whole body is there, and either gives an answer
 *     (request_reply…) and returns 0, or returns an error, which becomes a problem document.
 *  2. If the queue awaits a commit when the handler is done, whoever made it dirty, the answer
 * waits for it: so nothing that could still be rolled back is told to anyone.
 *  3. Who may not come in is told so before the body is read. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/route.h"
#include "http/server.h"

#include <microhttpd.h>

enum request_state { REQUEST_READING, REQUEST_WAITING, REQUEST_ANSWERED };

struct upload;

struct request {
    struct http *http;
    struct MHD_Connection *connection;
    struct client *client;
    enum request_state state;
    const struct route *route;
    char *path;
    char *parameters[ROUTE_MAX_PARAMETERS]; /* what stood for the route's "{…}" */
    char principal[64];                     /* "uid 1000", "token"; "" where none is needed */
    char *body;                             /* of capacity bytes … */
    struct upload *upload; /* … or ROUTE_OCTETS: where it goes, NULL before its first byte */
    size_t size, capacity, limit;
    size_t discarded; /* of the body of a request that is refused already */
    int64_t started;
    struct MHD_Response *response;
    unsigned status;
    struct request *next; /* waiting */
};

/* libmicrohttpd's callbacks; the closure is the struct listener's http. */
enum MHD_Result request_handle(void *http, struct MHD_Connection *c, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *size, void **state);
void request_completed(void *http, struct MHD_Connection *c, void **state,
                       enum MHD_RequestTerminationCode why);

/* Resumes a waiting request; `failed`: the commit's failure, which becomes its answer. */
void request_resume(struct request *r, const struct error *failed);

/* ---- for handlers: results are 0, enum problem (http/problem.h), or -errno ---- */

/* The answer: takes `body` (JSON), or `text` (malloc'd) of a media type. */
void request_reply(struct request *r, unsigned status, json_t *body);
void request_reply_text(struct request *r, unsigned status, const char *type, char *text);
void request_reply_response(struct request *r, unsigned status, struct MHD_Response *response);
/* A header of the answer given. */
__attribute__((format(printf, 3, 4))) void request_set_header(struct request *r, const char *name,
                                                              const char *format, ...);

/* NULL where absent. Borrowed. */
const char *request_header(const struct request *r, const char *name);
const char *request_query(const struct request *r, const char *name);

/* The body as JSON: a new reference, or PROBLEM_SYNTAX. */
int request_json(const struct request *r, json_t **ret_body, struct error *e);
/* ?limit=, or API_LIMIT_DEFAULT. */
int request_limit(const struct request *r, int *ret_limit, struct error *e);
/* ?name= as a number from 0 on; `otherwise` where absent. */
int request_number(const struct request *r, const char *name, int64_t otherwise, int64_t *ret,
                   struct error *e);
/* Decimal digits only, no leading zero but "0" itself. */
bool request_parse_number(const char *text, int64_t *ret);

#endif

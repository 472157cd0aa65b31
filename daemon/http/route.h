/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler serves which method and path: the table is http/routes.def. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "base/errors.h"
#include "http/body.h"
#include "proto/api.h"

#include <stdbool.h>
#include <stddef.h>

#define ROUTE_MAX_PARAMETERS 2

struct request;
typedef int (*route_handler_fn)(struct request *r, struct error *e);

enum route_access { ROUTE_TOKEN /* or the socket's peer */, ROUTE_OPEN };

struct route {
    const char *method;
    const char *path; /* segments, of which "{…}" stand for any one */
    route_handler_fn handler;
    const struct body_sink *body; /* where it goes */
    enum route_access access;
    const char *summary;
};

extern const struct route route_table[];
extern const size_t route_count;

/* The handlers. */
#define ROUTE(method, path, handler, body, access, summary)                                        \
    int handler(struct request *r, struct error *e);
#include "http/routes.def"
#undef ROUTE

#define ROUTE_ALLOW_SIZE 64

/* The route for a method (HEAD is served as GET) and a path; parameters are new strings. NULL where
 * there is none: then ret_allow lists the methods that the path knows ("" where it knows none). */
const struct route *route_find(const char *method, const char *path,
                               char *ret_parameters[ROUTE_MAX_PARAMETERS],
                               char ret_allow[ROUTE_ALLOW_SIZE]);

#endif

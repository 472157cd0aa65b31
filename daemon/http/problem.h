/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents (RFC 9457): how every error leaves, and what other modules' results are to a
 * client. reply.h makes them answers. */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/errors.h"
#include "proto/api.h"

#include <jansson.h>

/* The results of http/'s functions: 0, one of these, or a negative errno. */
enum problem {
    PROBLEM_NONE = 0,
#define X(name, type, status, title) PROBLEM_##name,
    API_PROBLEMS(X)
#undef X
};

/* The machine's failure (r < 0) as a problem. */
enum problem problem_of_errno(int r);
/* What another module found, as the problem that it is to a client; 0 and -errno stay. */
int problem_of_base(int r);
int problem_of_model(int r);
int problem_of_queue(int r);
int problem_of_store(int r);

unsigned problem_status(enum problem p);

/* The document; texts that are not UTF-8 are made so. A new reference. */
json_t *problem_document(enum problem p, const char *detail, const char *pointer,
                         const char *instance);

#endif

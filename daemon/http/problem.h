/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents (RFC 9457): how every error leaves. */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/errors.h"
#include "proto/api.h"

#include <jansson.h>

struct request;

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

/* Makes it the request's answer. `pointer` NULL: the fault is not in the body. */
__attribute__((format(printf, 4, 5))) void
problem_reply(struct request *r, enum problem p, const char *pointer, const char *format, ...);
/* The same for a result other than 0 and its words. */
void problem_reply_error(struct request *r, int result, const struct error *e);

#endif

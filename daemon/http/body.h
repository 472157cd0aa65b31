/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bodies of requests go: a sink, which the route names. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "base/errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct http;
struct request;

struct body_sink {
    /* Bytes that are taken: so many, or so many times the largest JSON document. */
    size_t bytes, times;
    bool is_json;
    /* A piece of the body; r->body is the sink's, NULL at first. It may go aside (work.h): the next
     * piece comes after. 0, a problem, or -errno. NULL: there is no body. */
    int (*take)(struct request *r, const char *data, size_t n, struct error *e);
    /* Frees r->body, which is not NULL. */
    void (*drop)(struct request *r);
};

extern const struct body_sink body_none;
extern const struct body_sink body_json;  /* documents, in memory */
extern const struct body_sink body_short; /* the same, of a few words */

size_t body_limit(const struct request *r);

/* The bytes of a JSON body. They are counted as long as it lives. */
struct body_text {
    struct http *http;
    char *text; /* of capacity bytes */
    size_t size, capacity;
};
/* NULL and half-built ones too; on the loop's thread. */
struct body_text *body_text_free(struct body_text *b);
/* The body, for work that goes on without the request; NULL where it is empty. */
struct body_text *body_text_take(struct request *r);
/* On any thread: the SHA-256 of the document, whatever blanks stand between its words. */
void body_text_hash(const struct body_text *b, char ret[65]);
/* On any thread: PROBLEM_SYNTAX where it is no JSON; NULL is no JSON either. A new reference. */
int body_text_parse(const struct body_text *b, json_t **ret_body, struct error *e);

#endif

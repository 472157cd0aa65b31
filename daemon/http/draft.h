/* SPDX-License-Identifier: Apache-2.0 */
/* A job on its way into the queue. Parsing and building touch nothing but the draft, and may run on
 * any thread; what they need of the queue is fetched between them, on the loop's.
 *
 *   draft_new → draft_parse → draft_fetch (loop) → draft_build → submitted (loop)
 *
 * After draft_build only texts and numbers are left of the document. */
#ifndef HTTP_DRAFT_H
#define HTTP_DRAFT_H

#include "base/hash.h"
#include "http/body.h"
#include "http/request.h"

/* Bodies and texts up to this size are parsed and built at once. */
enum { DRAFT_LIGHT = 16 * 1024 };

/* What the document names: a stored model, an earlier job. */
struct draft_reference {
    char *name; /* NULL: nothing is named */
    int result; /* of looking for it: 0, enum model_result, or -errno, with words */
    struct error error;
    struct queue_text text;
};

struct draft {
    const struct registry *registry; /* a reference */
    const char *uploads, *texts;     /* directories */
    struct body_text *body;
    bool is_dry;                                                      /* nothing is to be stored */
    bool keeps_texts;                                                 /* however long they are */
    int (*then)(struct request *r, struct draft *d, struct error *e); /* drafting.h */
    json_t *given;
    struct draft_reference model, base, from;
    /* built: */
    char hash[HASH_TEXT_SIZE]; /* of the body, to tell a repeated key with another */
    char model_hash[HASH_TEXT_SIZE];
    char *definition; /* NULL: a file, named by its hash */
    char *document;   /* NULL: a file, named: */
    char document_file[HASH_TEXT_SIZE];
    char *name, *store, *labels, *notes; /* or NULL; labels and notes are JSON */
    json_t *libraries;
    int64_t least_bytes; /* job_least_bytes */
    int64_t members, priority, max_attempts, threads;
    double member_timeout;
    int64_t most_workers;
    int64_t *after; /* jobs */
    size_t n_after;
    bool is_held, is_open;
    int64_t from_job, from_steps, from_member; /* struct job_from; from_job 0: none */
};

/* Takes the request's body. */
struct draft *draft_new(struct request *r, bool is_dry);
struct draft *draft_free(struct draft *d); /* on the loop's thread */

/* Results are enum problem, but where it is said. */
int draft_parse(struct draft *d, struct error *e);
void draft_fetch(struct draft *d, struct queue *q);
/* 0; enum model_result; or -errno. `is_quick`: MODEL_LONG, and the draft
 * as it was, where that would take long. */
int draft_build(struct draft *d, bool is_quick, struct error *e);

#endif

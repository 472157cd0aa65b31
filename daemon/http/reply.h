/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of requests. The last one given counts. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/errors.h"
#include "http/problem.h"

#include <jansson.h>

struct MHD_Response;
struct answer;
struct request;

/* Takes `body`, or `text` (malloc'd). Large ones are counted: a problem document where they find no
 * room (answers.h). */
void reply_json(struct request *r, unsigned status, json_t *body);
void reply_text(struct request *r, unsigned status, const char *type, char *text);
/* Takes a response (no headers but its own are set), or a reader's part in an answer. */
void reply_response(struct request *r, unsigned status, struct MHD_Response *response);
void reply_shared(struct request *r, unsigned status, struct answer *answer);
/* A text that is there as long as the program runs. */
void reply_constant(struct request *r, unsigned status, const char *type, const char *text);

/* A header of the answer given, which is not a shared one. */
__attribute__((format(printf, 3, 4))) void reply_header(struct request *r, const char *name,
                                                        const char *format, ...);
/* Those that all answers have, and the media type (NULL: none). */
void reply_headers(struct MHD_Response *response, const char *type);

/* A problem document. `pointer` NULL: the fault is not in the body. */
__attribute__((format(printf, 4, 5))) void
reply_problem(struct request *r, enum problem p, const char *pointer, const char *format, ...);
/* The same for a result other than 0 and its words. */
void reply_error(struct request *r, int result, const struct error *e);

/* No answer any more. */
void reply_clear(struct request *r);

#endif

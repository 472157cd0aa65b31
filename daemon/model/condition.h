/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a batch by the values of their inputs: "rivers__erodibility > 1e-5 and not (m__n <
 * 3)".
 *
 *   condition: part { "or" part }
 *   part:      term { "and" term }
 *   term:      "not" term | "(" condition ")" | NAME ("<" | "<=" | ">" | ">=" | "=" | "!=") NUMBER
 *
 * NAME is an input or a coordinate of which each member has one number: given along the batch
 * dimension, or swept. Numbers are those of the document, before a variable's dtype rounds them;
 * for NaN none of the comparisons holds.
 *
 * Nothing is asked of the model: a job whose libraries are gone can be asked, too. Memory does not
 * depend on the number of members: lists are in the document, all else is computed or read as it is
 * asked for. */
#ifndef MODEL_CONDITION_H
#define MODEL_CONDITION_H

#include "base/errors.h"
#include "model/result.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct condition;
struct job_sources;

enum { CONDITION_MAX_BYTES = 4096, CONDITION_MAX_TERMS = 64 };

/* `document`: a job's, normalized; it and `sources` (`open`) are borrowed for as long as the
 * condition lives. 0; MODEL_INVALID with words that say where in the text, or which inputs there
 * are; -errno. */
int condition_new(const char *text, const json_t *document, const struct job_sources *sources,
                  struct condition **ret, struct error *e);
struct condition *condition_free(struct condition *c);

enum { CONDITION_PIECE = 1024 };
/* ret_holds[i]: of member begin + i, for n of them, at most CONDITION_PIECE. 0; MODEL_INVALID where
 * there are not so many members; -errno. */
int condition_look(struct condition *c, int64_t begin, int64_t n, bool *ret_holds, struct error *e);

#endif

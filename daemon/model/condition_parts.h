/* SPDX-License-Identifier: Apache-2.0 */
/* A number for each member, out of a job's document. */
#ifndef MODEL_CONDITION_PARTS_H
#define MODEL_CONDITION_PARTS_H

#include "model/condition.h"
#include "model/job_parts.h"

struct condition_column;

/* MODEL_INVALID: `name` has no number for each member; the words say which have. `making` has the
 * document, sources and error, and is borrowed. */
int condition_column_new(const struct making *m, const char *name, struct condition_column **ret);
struct condition_column *condition_column_free(struct condition_column *c);
/* Of members [begin, begin + n), n at most CONDITION_PIECE. */
int condition_column_read(struct condition_column *c, int64_t begin, int64_t n, double *ret,
                          struct error *e);

#endif

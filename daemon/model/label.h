/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of clocks. Internal to job_labels.c and job_labels_synchronize.c. */
#ifndef MODEL_LABEL_H
#define MODEL_LABEL_H

#include "base/number.h"
#include "model/job_parts.h"

/* A label as it is told from others. */
struct label {
    bool is_integer;
    int64_t integer;
    double value;
};

/* Element of an array. */
struct label label_of(int dtype, size_t itemsize, const void *element);
/* -1, 0 or 1: a before, at or after b. Integers are told apart where doubles are not. */
int label_compare(const struct label *a, const struct label *b);
const char *label_text(const struct label *l, char ret[NUMBER_TEXT_SIZE]);

/* The labels become the main clock's own that c->at names (in a check: c->n of them). 0 or -errno.
 */
int job_labels_take(struct making *m, struct clock *c);

/* Where the labels stand below the clock: a list may stand for the object. */
const char *label_below_clock(const struct making *m, const struct clock *c);
/* The pointer from a clock to label i. */
enum { LABEL_BELOW_SIZE = 64 };
const char *label_below(const char *below, size_t i, char ret[LABEL_BELOW_SIZE]);

#endif

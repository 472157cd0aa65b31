/* SPDX-License-Identifier: Apache-2.0 */
/* The labels along a dim. */
#ifndef PLOT_COORDINATE_H
#define PLOT_COORDINATE_H

#include "plot/scale.h"
#include "plot/subject.h"

struct coordinate {
    int64_t n;
    double *values; /* owned: labels; the indices where there are none, or texts, or missing ones */
    char **texts;   /* owned: where labels are texts; else NULL */
    char *label;    /* owned: "node coordinates [m]" */
    char *units;    /* owned; NULL: none */
    bool is_index;  /* values are the indices: nothing lies between them */
    bool is_north;  /* axis Y: where it grows the picture goes up */
};

/* Of dim d of the variable. */
int coordinate_read(const struct subject *s, int d, struct coordinate *ret, struct error *e);
void coordinate_clear(struct coordinate *c);

/* "250 s", "batch 3": one label. The caller frees. */
char *coordinate_text(const struct subject *s, int d, const struct coordinate *c, int64_t i);
/* The same with the dim's name: "otime = 250 s". */
char *coordinate_name(const struct subject *s, int d, const struct coordinate *c, int64_t i);

/* An axis over all labels as points. */
void coordinate_scale(const struct coordinate *c, int wanted, struct scale *ret);

/* One of cells as wide as one another, whose middles the labels are; where these are not even, they
 * stand as texts, cell by cell from 0. */
void coordinate_scale_cells(const struct coordinate *c, int wanted, struct scale *ret);
bool coordinate_is_even(const struct coordinate *c);
/* Between labels, in their units; 1 where there is but one, or they are not even. */
double coordinate_spacing(const struct coordinate *c);

#endif

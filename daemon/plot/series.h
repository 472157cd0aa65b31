/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a variable as lines of points: along `along` and `x` of a view. */
#ifndef PLOT_SERIES_H
#define PLOT_SERIES_H

#include "plot/chart.h"
#include "plot/coordinate.h"
#include "plot/view.h"

enum { SERIES_WIDTH = 620, SERIES_MANY_POINTS = 24 };

struct series {
    int64_t n_lines, n_points;
    double *values; /* owned: [line][point] */
    struct coordinate x;
};

/* Counts, too, what is missing, and lines that have no value at all. */
int series_read(struct view *v, struct series *ret, struct error *e);
void series_clear(struct series *s);

/* Texts and axes of a chart of it. */
void series_chart(const struct view *v, const struct series *s, struct chart *ret);

/* Pixels of the plot area: by --width, or SERIES_WIDTH, and lower than wide. */
void series_size(const struct view *v, struct chart *c);

#endif

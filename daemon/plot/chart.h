/* SPDX-License-Identifier: Apache-2.0 */
/* A chart: a plot area between two axes, with title, labels, and a legend or a colour bar at its
 * right. Who draws into it sets the texts and scales, calls chart_begin, draws by chart_x and
 * chart_y, and calls chart_end. */
#ifndef PLOT_CHART_H
#define PLOT_CHART_H

#include "base/errors.h"
#include "plot/palette.h"
#include "plot/scale.h"

enum { CHART_MAX_ENTRIES = 16 };

struct chart_entry {
    char *text; /* owned */
    struct canvas_pen pen;
    bool is_area; /* a patch rather than a line */
    bool is_disc;
    double opacity;
};

struct chart {
    char *title, *subtitle, *note; /* owned, like all texts; NULL: none. note: below, small */
    char *x_label, *y_label;
    struct scale x, y;
    bool y_down; /* low is above */
    bool has_no_grid;
    int width, height;  /* of the plot area, in pixels */
    char *legend_title; /* of the entries or the bar */
    struct chart_entry entries[CHART_MAX_ENTRIES];
    int n_entries;
    palette *bar; /* NULL: none */
    struct scale bar_scale;
    int left, top; /* of the plot area: chart_begin sets them */
};

/* 0; STORE_INVALID where it is too large, with words; or an errno. */
int chart_begin(struct chart *c, struct canvas *ret, struct error *e);
void chart_end(const struct chart *c, struct canvas *canvas);
void chart_clear(struct chart *c);

/* Pixels. */
double chart_x(const struct chart *c, double value);
double chart_y(const struct chart *c, double value);

/* NULL where there is no more room. */
struct chart_entry *chart_add_entry(struct chart *c, char *take_text);

#endif

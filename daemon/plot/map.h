/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: two dims of a variable as cells, one panel with axes or a contact sheet of many. Shared by
 * map.c, and map_sheet.c below it. */
#ifndef PLOT_MAP_H
#define PLOT_MAP_H

#include "plot/contact_sheet.h"
#include "plot/coordinate.h"
#include "plot/sweep.h"
#include "plot/view.h"

struct map {
    struct view *view;
    int64_t ny, nx; /* labels */
    struct coordinate y, x;
    bool flips_y, flips_x; /* so that north is up, and x grows to the right */
    double aspect;         /* height of a panel, of its width */
    struct sweep sweep;    /* along the panels' dim */
    struct contact_sheet sheet;
};

/* ---- map_sheet.c ---- */

/* Whether height and width are of one kind; space against a clock has no true aspect. */
bool map_has_aspect(const struct map *m);

/* Rows, columns and heads of the sheet: a sweep of two inputs is laid out by them. Then cells, zoom
 * and scale of the texts. */
int map_arrange(struct map *m, struct error *e);

#endif

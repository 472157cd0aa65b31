/* SPDX-License-Identifier: Apache-2.0 */
/* How values of a grid become colours. */
#ifndef PLOT_CELLS_H
#define PLOT_CELLS_H

#include "plot/palette.h"
#include "plot/relief.h"
#include "plot/scale.h"

struct cells {
    palette *palette; /* NULL: shade only */
    bool is_shaded;
    bool is_logarithmic; /* then 0 < low */
    double low, high;    /* of the palette's ends; low <= high */
    double z;            /* of slopes, where shaded */
};

/* The scale of the palette, for a colour bar of it. */
void cells_scale(const struct cells *look, int wanted, struct scale *ret);

/* Each cell as zoom x zoom pixels; what is missing is hatched. */
void cells_draw(const struct cells *look, const struct relief_grid *g, int zoom, struct canvas *c,
                int left, int top);
void cells_draw_missing(struct canvas *c, int left, int top, int width, int height);

#endif

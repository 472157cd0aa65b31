/* SPDX-License-Identifier: Apache-2.0 */
/* How values of a grid become colours. */
#ifndef PLOT_CELLS_H
#define PLOT_CELLS_H

#include "plot/palette.h"
#include "plot/relief.h"

struct cells {
    palette *palette; /* NULL: shade only */
    bool is_shaded;
    double low, high; /* of the palette's ends; low <= high */
    double z;         /* of slopes, where shaded */
};

/* Each cell as zoom x zoom pixels; what is missing is hatched. */
void cells_draw(const struct cells *look, const struct relief_grid *g, int zoom, struct canvas *c,
                int left, int top);
void cells_draw_missing(struct canvas *c, int left, int top, int width, int height);

#endif

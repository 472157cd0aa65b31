/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by canvas.c (pixels, text) and canvas_shapes.c above it. */
#ifndef PLOT_CANVAS_INTERNAL_H
#define PLOT_CANVAS_INTERNAL_H

#include "plot/canvas.h"

struct canvas_segment {
    double x0, y0, x1, y1;
};

/* Of a point from the nearest one of the segment. */
double canvas_distance(const struct canvas_segment *s, double x, double y);

/* Puts `part` (0 … 1) of the colour over the pixel's, within the clip. */
void canvas_blend(struct canvas *c, int x, int y, struct colour colour, double part);

#endif

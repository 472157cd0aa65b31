/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/cells.h"

#include <math.h>
#include <stddef.h>

void cells_scale(const struct cells *look, int wanted, struct scale *ret)
{
    if (look->is_logarithmic)
        scale_init_logarithmic(ret, look->low, look->high, wanted);
    else
        scale_init(ret, look->low, look->high, wanted);
}

static struct colour colour_of(const struct cells *look, const struct scale *scale,
                               const struct relief_grid *g, int x, int y, double value)
{
    double t = scale_place(scale, value);
    if (!look->is_shaded)
        return look->palette(t);
    double shade = relief_shade(g, x, y, look->z);
    return look->palette ? relief_shaded(look->palette(t), shade) : palette_grey(shade);
}

void cells_draw_missing(struct canvas *c, int left, int top, int width, int height)
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++)
            canvas_pixel(c, x, y, palette_missing(x, y));
}

void cells_draw(const struct cells *look, const struct relief_grid *g, int zoom, struct canvas *c,
                int left, int top)
{
    struct scale scale;
    cells_scale(look, 1, &scale);
    for (int y = 0; y < g->ny; y++)
        for (int x = 0; x < g->nx; x++) {
            double value = (double)g->values[(size_t)y * (size_t)g->nx + (size_t)x];
            int at_x = left + x * zoom, at_y = top + y * zoom;
            if (isfinite(value))
                canvas_rectangle(c, at_x, at_y, zoom, zoom,
                                 colour_of(look, &scale, g, x, y, value));
            else
                cells_draw_missing(c, at_x, at_y, zoom, zoom);
        }
}

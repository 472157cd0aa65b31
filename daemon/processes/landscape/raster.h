/* SPDX-License-Identifier: Apache-2.0 */
/* A raster of ny × nx nodes in C order, each the centre of a cell of dx × dy, and what lies beyond
 * its sides. A node's number is row * nx + column. */
#ifndef LANDSCAPE_RASTER_H
#define LANDSCAPE_RASTER_H

#include <simlab/process.h>

struct raster {
    int32_t ny, nx, n;
    double dx, dy, cell_area;
    int looped_x, looped_y; /* the first column is next to the last; the first row likewise */
    const uint8_t *fixed;   /* by node: its elevation is given (base level), or it is outside */
    const uint8_t *outside; /* by node: it is not of the domain; NULL: all are */
};

/* The first rows of the table of a process that works on the raster. */
enum {
    RASTER_DX,
    RASTER_DY,
    RASTER_FIXED,
    RASTER_OUTSIDE,
    RASTER_N_OUTSIDE,
    RASTER_LOOPED_X,
    RASTER_LOOPED_Y,
    RASTER_ROWS
};

#define RASTER_VARIABLES                                                                           \
    [RASTER_DX] = {.name = "dx", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},                    \
    [RASTER_DY] = {.name = "dy", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},                    \
    [RASTER_FIXED] = {.name = "fixed", .kind = SIMLAB_FOREIGN, .type = "Boundary"},                \
    [RASTER_OUTSIDE] = {.name = "outside", .kind = SIMLAB_FOREIGN, .type = "Boundary"},            \
    [RASTER_N_OUTSIDE] = {.name = "n_outside", .kind = SIMLAB_FOREIGN, .type = "Boundary"},        \
    [RASTER_LOOPED_X] = {.name = "looped_x", .kind = SIMLAB_FOREIGN, .type = "Boundary"},          \
    [RASTER_LOOPED_Y] = {.name = "looped_y", .kind = SIMLAB_FOREIGN, .type = "Boundary"}

/* Reads those rows. */
struct raster raster_read(simlab_context *c);

/* Whether node i is of the domain. */
static inline int raster_has(const struct raster *r, int64_t i)
{
    return !r->outside || !r->outside[i];
}

/* The node at (row + dy, column + dx), through looped sides; -1 beyond others. dx, dy: -1, 0, 1. */
int32_t raster_neighbour(const struct raster *r, int32_t row, int32_t column, int dy, int dx);

/* The neighbours that node i has among its eight; returns how many. */
int raster_neighbours_at_side(const struct raster *r, int32_t row, int32_t column, int32_t ret[8]);
static inline int raster_neighbours(const struct raster *r, int32_t i, int32_t ret[8])
{
    int32_t nx = r->nx, row = i / nx, column = i - row * nx;
    if (row == 0 || row == r->ny - 1 || column == 0 || column == nx - 1)
        return raster_neighbours_at_side(r, row, column, ret);
    ret[0] = i - nx - 1;
    ret[1] = i - nx;
    ret[2] = i - nx + 1;
    ret[3] = i - 1;
    ret[4] = i + 1;
    ret[5] = i + nx - 1;
    ret[6] = i + nx;
    ret[7] = i + nx + 1;
    return 8;
}

/* Whether node i is of the domain and one of its eight neighbours is not. */
int raster_is_at_edge(const struct raster *r, int32_t i);

/* What one thread takes at once in a parallel loop over nodes, and over rows: some microseconds'
 * work. */
enum { RASTER_BLOCK = 4096 };
int64_t raster_rows_of_block(const struct raster *r);

/* The sum over the nodes of the domain, in blocks, so that the error stays near rounding. */
double raster_sum(simlab_context *c, const struct raster *r, const double *values);
/* A group's sum, as simlab_f8_sum gives it, by a parallel loop. */
int raster_sum_group(simlab_context *c, int32_t group, int64_t n, double *ret_sum);

/* Rows before and after (looped: the far one; else the row itself, which makes a closed side). */
int32_t raster_row_before(const struct raster *r, int32_t row);
int32_t raster_row_after(const struct raster *r, int32_t row);

#endif

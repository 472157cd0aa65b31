/* SPDX-License-Identifier: Apache-2.0 */
/* The raster, its sides, and which of its nodes are of the domain. */
#include "landscape.h"
#include "raster.h"

#include <string.h>

enum { NY, NX, DX, DY, X_ORIGIN, Y_ORIGIN, Y_DESCENDING, X, Y };

static const struct simlab_variable grid_variables[] = {
    [NY] = {.name = "ny",
            .dtype = SIMLAB_I8,
            .flags = SIMLAB_STATIC,
            .bounds = "[1, inf)",
            .description = "rows"},
    [NX] = {.name = "nx",
            .dtype = SIMLAB_I8,
            .flags = SIMLAB_STATIC,
            .bounds = "[1, inf)",
            .description = "columns"},
    [DX] = {.name = "dx",
            .flags = SIMLAB_STATIC,
            .bounds = "(0, inf)",
            .units = "m",
            .description = "width of a cell, west to east"},
    [DY] = {.name = "dy",
            .flags = SIMLAB_STATIC,
            .bounds = "(0, inf)",
            .units = "m",
            .description = "height of a cell, south to north"},
    [X_ORIGIN] = {.name = "x_origin",
                  .flags = SIMLAB_STATIC,
                  .default_value = "0",
                  .units = "m",
                  .description = "x of the westernmost nodes"},
    [Y_ORIGIN] = {.name = "y_origin",
                  .flags = SIMLAB_STATIC,
                  .default_value = "0",
                  .units = "m",
                  .description = "y of the southernmost nodes"},
    [Y_DESCENDING] = {.name = "y_descending",
                      .dtype = SIMLAB_BOOL,
                      .flags = SIMLAB_STATIC,
                      .default_value = "true",
                      .description = "rows go from north to south, as in elevation models"},
    [X] = {.name = "x",
           .kind = SIMLAB_INDEX,
           .dims = "x",
           .units = "m",
           .description = "easting of the nodes",
           .attrs = "{\"axis\": \"X\", \"standard_name\": \"projection_x_coordinate\"}"},
    [Y] = {.name = "y",
           .kind = SIMLAB_INDEX,
           .dims = "y",
           .units = "m",
           .description = "northing of the nodes",
           .attrs = "{\"axis\": \"Y\", \"standard_name\": \"projection_y_coordinate\"}"},
};

static int grid_initialize(simlab_context *c)
{
    int64_t ny = simlab_i8_get(c, NY), nx = simlab_i8_get(c, NX);
    if (ny < 1 || nx < 1 || nx > INT32_MAX / 16 / ny)
        return simlab_fail(c, "a raster of %lld rows and %lld columns is empty or too large",
                           (long long)ny, (long long)nx);
    double *x = simlab_f8_1d(c, X, nx), *y = simlab_f8_1d(c, Y, ny);
    double dx = simlab_f8_get(c, DX), x_origin = simlab_f8_get(c, X_ORIGIN);
    double dy = simlab_f8_get(c, DY), y_origin = simlab_f8_get(c, Y_ORIGIN);
    int descending = simlab_bool_get(c, Y_DESCENDING);
    for (int64_t i = 0; i < nx; i++)
        x[i] = x_origin + dx * (double)i;
    for (int64_t i = 0; i < ny; i++)
        y[i] = y_origin + dy * (double)(descending ? ny - 1 - i : i);
    return 0;
}

const struct simlab_process RasterGrid = {
    .name = "RasterGrid",
    .description = "a raster of rectangular cells",
    SIMLAB_VARIABLES(grid_variables),
    .initialize = grid_initialize,
};

enum {
    WEST,
    EAST,
    SOUTH,
    NORTH,
    EDGE,
    GRID_X,
    GRID_Y,
    MASKS,
    OUTLETS,
    FIXED,
    OUTSIDE,
    N_OUTSIDE,
    LOOPED_X,
    LOOPED_Y
};

#define STATUS_SIZE 16
#define SIDE(name_)                                                                                \
    {                                                                                              \
        .name = name_, .dtype = SIMLAB_STR, .length = STATUS_SIZE, .flags = SIMLAB_STATIC,         \
        .default_value = "\"fixed_value\"",                                                        \
        .choices = "[\"fixed_value\", \"looped\", \"closed\"]",                                    \
        .description = "status of the " name_ " side"                                              \
    }

static const struct simlab_variable boundary_variables[] = {
    [WEST] = SIDE("west"),
    [EAST] = SIDE("east"),
    [SOUTH] = SIDE("south"),
    [NORTH] = SIDE("north"),
    [EDGE] = {.name = "edge",
              .dtype = SIMLAB_STR,
              .length = STATUS_SIZE,
              .flags = SIMLAB_STATIC,
              .default_value = "\"fixed_value\"",
              .choices = "[\"fixed_value\", \"outlet\", \"closed\"]",
              .description = "status of the nodes beside those outside the domain; outlet: "
                             "fixed_value of the lowest, closed of the others"},
    [GRID_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [GRID_Y] = {.name = "y", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [MASKS] = {.name = "masks", .kind = SIMLAB_GROUP, .group = "outside"},
    [OUTLETS] = {.name = "outlets", .kind = SIMLAB_GROUP, .group = "outlet"},
    [FIXED] = {.name = "fixed",
               .intent = SIMLAB_OUT,
               .dtype = SIMLAB_BOOL,
               .dims = "y,x",
               .description = "base level, or outside the domain: neither uplift nor erosion "
                              "move the node"},
    [OUTSIDE] = {.name = "outside",
                 .intent = SIMLAB_OUT,
                 .dtype = SIMLAB_BOOL,
                 .dims = "y,x",
                 .description = "the node is not of the domain"},
    [N_OUTSIDE] = {.name = "n_outside",
                   .intent = SIMLAB_OUT,
                   .dtype = SIMLAB_I8,
                   .description = "number of nodes that are not of the domain"},
    [LOOPED_X] = {.name = "looped_x",
                  .intent = SIMLAB_OUT,
                  .dtype = SIMLAB_BOOL,
                  .description = "the west side continues at the east"},
    [LOOPED_Y] = {.name = "looped_y",
                  .intent = SIMLAB_OUT,
                  .dtype = SIMLAB_BOOL,
                  .description = "the south side continues at the north"},
};

static int side_is(simlab_context *c, int32_t side, const char *status)
{
    return strncmp(simlab_str(c, side, 1), status, STATUS_SIZE) == 0;
}

static void fix(uint8_t *fixed, int64_t begin, int64_t step, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        fixed[begin + i * step] = 1;
}

/* Those that any mask has. */
static int64_t find_outside(simlab_context *c, int64_t n, uint8_t *outside)
{
    int64_t n_outside = 0;
    memset(outside, 0, (size_t)n);
    for (int64_t k = 0; k < simlab_group_size(c, MASKS); k++) {
        const uint8_t *mask = simlab_bool_member(c, MASKS, k, n);
        for (int64_t i = 0; i < n; i++)
            outside[i] |= mask[i];
    }
    for (int64_t i = 0; i < n; i++)
        n_outside += outside[i];
    return n_outside;
}

static void fix_edge(simlab_context *c, const struct raster *r, uint8_t *fixed)
{
    int is_base_level = side_is(c, EDGE, "fixed_value");
    for (int32_t i = 0; i < r->n; i++)
        fixed[i] |= r->outside[i] || (is_base_level && raster_is_at_edge(r, i));
    for (int64_t k = 0; side_is(c, EDGE, "outlet") && k < simlab_group_size(c, OUTLETS); k++) {
        int64_t outlet = *simlab_i8_member(c, OUTLETS, k, 1);
        if (outlet >= 0 && outlet < r->n)
            fixed[outlet] = 1;
    }
}

static int boundary_initialize(simlab_context *c)
{
    int64_t nx = simlab_size(c, GRID_X), ny = simlab_size(c, GRID_Y);
    const double *y = simlab_f8(c, GRID_Y, ny);
    uint8_t *fixed = simlab_bool_2d(c, FIXED, ny, nx),
            *outside = simlab_bool_2d(c, OUTSIDE, ny, nx);
    int64_t n_outside = find_outside(c, ny * nx, outside);
    int looped_x = side_is(c, WEST, "looped"), looped_y = side_is(c, SOUTH, "looped");
    if (looped_x != side_is(c, EAST, "looped") || looped_y != side_is(c, NORTH, "looped"))
        return simlab_fail(c, "a side is looped where the side opposite is not: west and east, "
                              "south and north are looped together or not at all");
    int64_t north = ny > 1 && y[0] < y[1] ? ny - 1 : 0, south = ny - 1 - north;
    memset(fixed, 0, (size_t)(ny * nx));
    if (side_is(c, WEST, "fixed_value"))
        fix(fixed, 0, nx, ny);
    if (side_is(c, EAST, "fixed_value"))
        fix(fixed, nx - 1, nx, ny);
    if (side_is(c, NORTH, "fixed_value"))
        fix(fixed, north * nx, 1, nx);
    if (side_is(c, SOUTH, "fixed_value"))
        fix(fixed, south * nx, 1, nx);
    struct raster r = {.ny = (int32_t)ny,
                       .nx = (int32_t)nx,
                       .n = (int32_t)(ny * nx),
                       .looped_x = looped_x,
                       .looped_y = looped_y,
                       .outside = outside};
    if (n_outside > 0)
        fix_edge(c, &r, fixed);
    simlab_i8_put(c, N_OUTSIDE, n_outside);
    simlab_bool_put(c, LOOPED_X, (uint8_t)looped_x);
    simlab_bool_put(c, LOOPED_Y, (uint8_t)looped_y);
    return 0;
}

const struct simlab_process Boundary = {
    .name = "Boundary",
    .description = "what each side is: of fixed value (base level), looped, or closed (no flux); "
                   "and which nodes are not of the domain",
    SIMLAB_VARIABLES(boundary_variables),
    .initialize = boundary_initialize,
};

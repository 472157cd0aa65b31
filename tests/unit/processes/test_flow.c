/* SPDX-License-Identifier: Apache-2.0 */
/* Routing of water: on the real elevation model with its real depressions, on a flat, on a slope.
 */
#include "run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* One step without uplift or erosion: the surface is `elevation`, an input. */
static struct run *route(int ny, int nx, const char *sides, const char *elevation, double noise)
{
    return run_job(
        "{'model': {'processes': {'grid': 'landscape.RasterGrid', 'sides': 'landscape.Boundary',"
        "  'topo': 'landscape.Topography', 'init': 'landscape.InitialElevation',"
        "  'noise': 'landscape.InitialNoise', 'surface': 'landscape.SurfaceToErode',"
        "  'flow': 'landscape.FlowRouter'}},"
        " 'clocks': {'time': {'data': [0, 1]}}, 'main_clock': 'time', 'seed': 11,"
        " 'inputs': {'grid__ny': %d, 'grid__nx': %d, 'grid__dx': 74.6, 'grid__dy': 92.5, %s"
        "  'init__elevation': %s, 'noise__amplitude': %g},"
        " 'outputs': {'topo__elevation': null, 'sides__fixed': null, 'flow__receivers': null,"
        "  'flow__distances': null, 'flow__stack': null, 'flow__drainage_area': null,"
        "  'flow__lake_depth': null, 'flow__n_depressions': null}}",
        ny, nx, sides, elevation, noise);
}

struct grid {
    int ny, nx, n, looped_x, looped_y;
    const double *z, *fixed, *receivers, *distances, *stack, *area, *depth;
};

static struct grid grid_of(const struct run *r, int ny, int nx, int looped_x)
{
    int n = ny * nx;
    return (struct grid){ny,
                         nx,
                         n,
                         looped_x,
                         0,
                         run_values(r, "topo__elevation", -1, n),
                         run_values(r, "sides__fixed", -1, n),
                         run_values(r, "flow__receivers", -1, n),
                         run_values(r, "flow__distances", -1, n),
                         run_values(r, "flow__stack", -1, n),
                         run_values(r, "flow__drainage_area", -1, n),
                         run_values(r, "flow__lake_depth", -1, n)};
}

static int neighbour(const struct grid *g, int i, int dy, int dx)
{
    int y = i / g->nx + dy, x = i % g->nx + dx;
    if (g->looped_x)
        x = (x + g->nx) % g->nx;
    if (g->looped_y)
        y = (y + g->ny) % g->ny;
    return y < 0 || y >= g->ny || x < 0 || x >= g->nx ? -1 : y * g->nx + x;
}

/* The height to which water stands: the lowest over all ways out of the highest node on the way.
 * Found the slow way, by relaxing until nothing changes. The caller frees. */
static double *water_levels(const struct grid *g)
{
    double *level = malloc((size_t)g->n * sizeof *level);
    for (int i = 0; i < g->n; i++)
        level[i] = g->fixed[i] != 0 ? g->z[i] : INFINITY;
    for (int changed = 1, turn = 0; changed; turn++) {
        changed = 0;
        for (int k = 0; k < g->n; k++) {
            int i = turn % 2 ? k : g->n - 1 - k;
            for (int d = 0; d < 9 && g->fixed[i] == 0; d++) {
                int j = neighbour(g, i, d / 3 - 1, d % 3 - 1);
                double through = j < 0 ? INFINITY : fmax(level[j], g->z[i]);
                if (through < level[i]) {
                    level[i] = through;
                    changed = 1;
                }
            }
        }
    }
    return level;
}

static void expect_neighbours(const struct grid *g)
{
    int far = 0;
    for (int i = 0; i < g->n; i++) {
        int found = g->fixed[i] != 0 && g->receivers[i] == i && g->distances[i] == 0;
        for (int d = 0; d < 9 && g->fixed[i] == 0; d++) {
            double length = hypot((d / 3 - 1) * 92.5, (d % 3 - 1) * 74.6);
            found |= d != 4 && neighbour(g, i, d / 3 - 1, d % 3 - 1) == (int)g->receivers[i] &&
                     fabs(g->distances[i] - length) < 1e-9;
        }
        far += !found;
    }
    cr_expect_eq(far, 0, "%d nodes do not drain to a neighbour", far);
}

static void expect_order(const struct grid *g)
{
    int *place = calloc((size_t)g->n, sizeof *place), wrong = 0, missing = 0;
    for (int k = 0; k < g->n; k++)
        place[(int)g->stack[k]] = k + 1;
    for (int i = 0; i < g->n; i++) {
        missing += place[i] == 0;
        wrong += g->receivers[i] != i && place[(int)g->receivers[i]] >= place[i];
    }
    cr_expect_eq(missing, 0, "%d nodes are not in the stack", missing);
    cr_expect_eq(wrong, 0, "%d nodes stand before their receivers", wrong);
    free(place);
}

/* All that falls on the raster leaves it over nodes of fixed value. */
static void expect_drained(const struct grid *g)
{
    double out = 0, cell = 74.6 * 92.5;
    for (int i = 0; i < g->n; i++)
        if (g->receivers[i] == i) {
            cr_assert(g->fixed[i] != 0, "node %d keeps its water", i);
            out += g->area[i];
        }
    cr_expect_float_eq(out, g->n * cell, 1e-9 * out, "%.15g of %.15g", out, g->n * cell);
}

static void expect_lakes(const struct grid *g)
{
    double *level = water_levels(g);
    int wrong = 0, uphill = 0;
    for (int i = 0; i < g->n; i++) {
        int r = (int)g->receivers[i];
        wrong += !(fabs(level[i] - g->z[i] - g->depth[i]) < 1e-9);
        uphill += !(level[r] <= level[i]);
    }
    cr_expect_eq(wrong, 0, "%d nodes have the wrong depth of water", wrong);
    cr_expect_eq(uphill, 0, "%d nodes drain to a higher water level", uphill);
    free(level);
}

static void expect_routed(const struct grid *g)
{
    expect_neighbours(g);
    expect_order(g);
    expect_drained(g);
    expect_lakes(g);
}

#define DEM "{'dims': ['y', 'x'], 'data': {'file': 'daemon/processes/landscape/jacksboro_dem.npy'}}"

Test(flow, real_depressions_drain)
{
    struct run *r = route(344, 403, "", DEM, 0);
    struct grid g = grid_of(r, 344, 403, 0);
    expect_routed(&g);
    cr_expect_gt(run_value(r, "flow__n_depressions", -1), 1000);
    run_free(r);
}

Test(flow, noise_drains_through_one_side)
{
    struct run *r = route(60, 50,
                          "'sides__west': 'looped', 'sides__east': 'looped',"
                          " 'sides__north': 'closed',",
                          "0", 1);
    struct grid g = grid_of(r, 60, 50, 1);
    expect_routed(&g);
    for (int x = 0; x < 50; x++)
        cr_assert(g.fixed[59 * 50 + x] == 1 && g.fixed[x] == 0, "south is the last row");
    run_free(r);
}

/* So many rows that water goes from band to band, and on from the last to the first. */
Test(flow, noise_drains_through_looped_bands)
{
    struct run *r = route(500, 100,
                          "'sides__north': 'looped', 'sides__south': 'looped',"
                          " 'sides__east': 'closed',",
                          "0", 1);
    struct grid g = grid_of(r, 500, 100, 0);
    g.looped_y = 1;
    expect_routed(&g);
    run_free(r);
}

Test(flow, south_is_the_first_row_where_y_ascends)
{
    struct run *r = route(6, 5,
                          "'grid__y_descending': false, 'sides__west': 'closed',"
                          " 'sides__east': 'closed', 'sides__north': 'closed',",
                          "0", 1);
    struct grid g = grid_of(r, 6, 5, 0);
    expect_routed(&g);
    for (int i = 0; i < 30; i++)
        cr_expect_eq(g.fixed[i], i < 5, "node %d", i);
    const double *y = run_values(r, "y", -1, 6);
    cr_expect(y[0] == 0 && y[5] == 5 * 92.5, "y from %g to %g", y[0], y[5]);
    run_free(r);
}

Test(flow, sides_are_looped_in_pairs)
{
    struct run *r = route(6, 5, "'sides__west': 'looped',", "0", 1);
    cr_assert(run_failure(r));
    cr_expect(strstr(run_failure(r), "sides") && strstr(run_failure(r), "looped"), "%s",
              run_failure(r));
    run_free(r);
}

Test(flow, a_flat_of_many_bands_drains)
{
    struct run *r = route(310, 170, "", "5", 0);
    struct grid g = grid_of(r, 310, 170, 0);
    expect_routed(&g);
    cr_expect_eq(run_value(r, "flow__n_depressions", -1), 308 * 168);
    run_free(r);
}

Test(flow, flat_drains)
{
    struct run *r = route(23, 17, "", "5", 0);
    struct grid g = grid_of(r, 23, 17, 0);
    expect_routed(&g);
    cr_expect_eq(run_value(r, "flow__n_depressions", -1), 21 * 15);
    run_free(r);
}

Test(flow, one_row_is_a_raster_too)
{
    struct run *r = route(1, 9, "'sides__south': 'closed', 'sides__north': 'closed',",
                          "{'dims': ['y', 'x'], 'data': [[0, 3, 1, 2, 7, 2, 1, 3, 0]]}", 0);
    struct grid g = grid_of(r, 1, 9, 0);
    expect_routed(&g);
    run_free(r);
}

/* Straight down: a plane that falls to the west, so that each row is a river of its own. */
Test(flow, plane_drains_straight)
{
    struct run *r =
        route(3, 4,
              "'sides__east': 'closed', 'sides__south': 'closed',"
              " 'sides__north': 'closed',",
              "{'dims': ['y', 'x'], 'data': [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]}", 0);
    struct grid g = grid_of(r, 3, 4, 0);
    for (int i = 0; i < 12; i++) {
        cr_expect_eq((int)g.receivers[i], i % 4 ? i - 1 : i);
        cr_expect_float_eq(g.area[i], (4 - i % 4) * 74.6 * 92.5, 1e-6);
    }
    run_free(r);
}

Test(flow, without_an_outlet_is_refused)
{
    struct run *r = route(5, 5,
                          "'sides__west': 'closed', 'sides__east': 'closed',"
                          " 'sides__south': 'closed', 'sides__north': 'closed',",
                          "0", 1);
    cr_assert(run_failure(r));
    cr_expect(strstr(run_failure(r), "flow") && strstr(run_failure(r), "fixed_value"), "%s",
              run_failure(r));
    run_free(r);
}

Test(flow, a_surface_of_another_shape_is_refused)
{
    struct run *r = route(3, 4, "", "{'dims': ['y', 'x'], 'data': [[0, 1, 2], [0, 1, 2]]}", 0);
    cr_assert(run_failure(r));
    cr_expect(strstr(run_failure(r), "init") && strstr(run_failure(r), "elevation"), "%s",
              run_failure(r));
    run_free(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* StreamPower on one row of nodes, where each number can be worked out by hand. */
#include "run.h"

#include <criterion/criterion.h>
#include <math.h>

/* One step of 100 years; cells of 100 m x 100 m, the west node is base level. K A^m dt is 10 m for
 * one cell of drainage area. */
static struct run *incise(const char *elevation, double slope_exponent)
{
    return run_job(
        "{'model': {'processes': {'grid': 'landscape.RasterGrid', 'sides': 'landscape.Boundary',"
        "  'topo': 'landscape.Topography', 'init': 'landscape.InitialElevation',"
        "  'surface': 'landscape.SurfaceToErode', 'flow': 'landscape.FlowRouter',"
        "  'rivers': 'landscape.StreamPower'}},"
        " 'clocks': {'time': {'data': [0, 100]}}, 'main_clock': 'time',"
        " 'inputs': {'grid__ny': 1, 'grid__nx': 5, 'grid__dx': 100, 'grid__dy': 100,"
        "  'sides__east': 'closed', 'sides__south': 'closed', 'sides__north': 'closed',"
        "  'init__elevation': {'dims': ['y', 'x'], 'data': [%s]},"
        "  'rivers__erodibility': 1e-3, 'rivers__slope_exponent': %g},"
        " 'outputs': {'rivers__erosion': null, 'flow__lake_depth': null,"
        "  'topo__elevation': null}}",
        elevation, slope_exponent);
}

static void expect_values(const struct run *r, const char *output, const double want[5])
{
    const double *got = run_values(r, output, -1, 5);
    for (int i = 0; i < 5; i++)
        cr_expect_float_eq(got[i], want[i], 1e-12, "%s of node %d: %.15g, expected %.15g", output,
                           i, got[i], want[i]);
}

/* Each node falls to the new elevation of the one below: z' = (z + f z'_r) / (1 + f), f being
 * K A^m dt / distance, with 4, 3, 2, 1 cells upstream. */
Test(rivers, implicit_from_base_level_up)
{
    struct run *r = incise("[0, 10, 18, 30, 45]", 1);
    const double z[5] = {0, 10, 18, 30, 45};
    double erosion[5] = {0}, below = 0;
    for (int i = 1; i < 5; i++) {
        double f = 10 * sqrt(5 - i) / 100;
        below = (z[i] + f * below) / (1 + f);
        erosion[i] = z[i] - below;
    }
    expect_values(r, "rivers__erosion", erosion);
    run_free(r);
}

/* The same by bisection where slope counts by a power. */
Test(rivers, slope_exponents)
{
    const double z[5] = {0, 10, 18, 30, 45};
    for (double n = 0.4; n < 3.5; n += 0.3) {
        struct run *r = incise("[0, 10, 18, 30, 45]", n);
        double erosion[5] = {0}, below = 0;
        for (int i = 1; i < 5; i++) {
            double low = below, high = z[i];
            for (int k = 0; k < 200; k++) {
                double middle = (low + high) / 2;
                double incision = 10 * sqrt(5 - i) * pow((middle - below) / 100, n);
                *(middle + incision > z[i] ? &high : &low) = middle;
            }
            below = low;
            erosion[i] = z[i] - below;
        }
        expect_values(r, "rivers__erosion", erosion);
        run_free(r);
    }
}

/* A lake behind a sill of 5 m: its bed is not incised, what falls into it falls to its water level,
 * and its outlet carries the water of all. */
Test(rivers, lakes_have_beds_and_levels)
{
    struct run *r = incise("[0, 5, 2, 1, 8]", 1);
    const double depth[5] = {0, 0, 3, 4, 0};
    const double erosion[5] = {0, 5 - 5 / 1.2, 0, 0, 3 - 3 / 1.1};
    expect_values(r, "flow__lake_depth", depth);
    expect_values(r, "rivers__erosion", erosion);
    run_free(r);
}

/* Also where the outlet is cut below the bed within the step: the lake drains in the next. */
Test(rivers, shallow_lakes_are_lakes_for_the_step)
{
    struct run *r = incise("[0, 5, 4.5, 4.25, 8]", 1);
    const double depth[5] = {0, 0, 0.5, 0.75, 0};
    const double erosion[5] = {0, 5 - 5 / 1.2, 0, 0, 3 - 3 / 1.1};
    expect_values(r, "flow__lake_depth", depth);
    expect_values(r, "rivers__erosion", erosion);
    run_free(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* HillslopeDiffusion against solutions that are known. Surfaces come in as one line of numbers. */
#include "run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ny x nx numbers as nested lists. The caller frees. */
static char *rows_of(const double *z, int ny, int nx)
{
    char *text = malloc((size_t)ny * (size_t)(nx * 26 + 4) + 4), *at = text;
    for (int i = 0; i < ny * nx; i++)
        at += sprintf(at, "%s%.17g%s",
                      i == 0        ? "[["
                      : i % nx == 0 ? "["
                                    : "",
                      z[i],
                      i == ny * nx - 1   ? "]]"
                      : i % nx == nx - 1 ? "],"
                                         : ",");
    return text;
}

static struct run *diffuse(const double *z, int ny, int nx, const char *side, double diffusivity,
                           double duration, int steps)
{
    char *rows = rows_of(z, ny, nx);
    struct run *r = run_job(
        "{'model': {'processes': {'grid': 'landscape.RasterGrid', 'sides': 'landscape.Boundary',"
        "  'topo': 'landscape.Topography', 'init': 'landscape.InitialElevation',"
        "  'surface': 'landscape.SurfaceToErode', 'creep': 'landscape.HillslopeDiffusion'}},"
        " 'clocks': {'time': {'data': {'linspace': [0, %.17g, %d]}}}, 'main_clock': 'time',"
        " 'inputs': {'grid__ny': %d, 'grid__nx': %d, 'grid__dx': 10, 'grid__dy': 16,"
        "  'sides__west': '%s', 'sides__east': '%s', 'sides__south': '%s', 'sides__north': '%s',"
        "  'init__elevation': {'dims': ['y', 'x'], 'data': %s}, 'creep__diffusivity': %.17g},"
        " 'outputs': {'topo__elevation': null, 'creep__outflow_volume': null}}",
        duration, steps + 1, ny, nx, side, side, side, side, rows, diffusivity);
    free(rows);
    return r;
}

#define NY 12
#define NX 20

/* cos(a (x + 1/2)) cos(b (y + 1/2)) keeps its form between closed sides. It decays as exp(-D k² t),
 * where k² = 4/dx² sin²(a/2) + 4/dy² sin²(b/2), space being discrete; in steps of backward Euler,
 * as (1 + D k² dt)^-steps. */
static void expect_decay(const char *side, double a, double b, double shift, int steps,
                         double *ret_error)
{
    const double d = 0.4, t = 500;
    double z[NY * NX], worst = 0;
    for (int i = 0; i < NY * NX; i++)
        z[i] = 50 * cos(a * (i % NX + shift)) * cos(b * (i / NX + shift));
    double k2 = 4 / 100.0 * pow(sin(a / 2), 2) + 4 / 256.0 * pow(sin(b / 2), 2);
    double exact = exp(-d * k2 * t), euler = pow(1 + d * k2 * t / steps, -steps);
    struct run *r = diffuse(z, NY, NX, side, d, t, steps);
    const double *end = run_values(r, "topo__elevation", -1, NY * NX);
    for (int i = 0; i < NY * NX; i++) {
        cr_assert_float_eq(end[i], z[i] * euler, 1e-6, "%s, %d steps", side, steps);
        worst = fmax(worst, fabs(end[i] - z[i] * exact));
    }
    run_free(r);
    cr_assert(exact > 0.3 && exact < 0.9, "a decay of %g proves little", exact);
    *ret_error = worst;
}

static void expect_first_order(const char *side, double a, double b, double shift)
{
    double coarse, fine;
    expect_decay(side, a, b, shift, 10, &coarse);
    expect_decay(side, a, b, shift, 100, &fine);
    cr_expect(coarse < 1, "%s: an error of %g m of 50 m", side, coarse);
    cr_expect(fine < coarse / 9, "%s: %g with 10 steps, %g with 100", side, coarse, fine);
}

Test(diffusion, cosine_decays_between_closed_sides)
{
    expect_first_order("closed", 2 * M_PI / NX, M_PI / NY, 0.5);
}

Test(diffusion, cosine_decays_on_looped_sides)
{
    expect_first_order("looped", 2 * M_PI / NX, 2 * M_PI / NY, 0);
}

/* Whatever the step: a spike makes no new extremes, keeps its mass, and ends flat. */
Test(diffusion, any_step_is_stable)
{
    double z[NY * NX] = {0};
    z[5 * NX + 7] = 240;
    for (double d = 1e-3; d < 2e5; d *= 10) {
        struct run *r = diffuse(z, NY, NX, "closed", d, 3000, 3);
        const double *end = run_values(r, "topo__elevation", -1, NY * NX);
        double low = INFINITY, high = -INFINITY, sum = 0;
        for (int i = 0; i < NY * NX; i++) {
            low = fmin(low, end[i]);
            high = fmax(high, end[i]);
            sum += end[i];
        }
        cr_expect(low > -1e-6 && high < 240, "D = %g: from %g to %g", d, low, high);
        cr_expect_float_eq(sum, 240, 1e-9, "D = %g: %.15g", d, sum);
        cr_expect(d < 1000 || high - low < 1e-3, "D = %g: not flat, %g to %g", d, low, high);
        run_free(r);
    }
}

/* Through looped sides the same surface, moved, becomes the same result, moved: to the last bit. */
Test(diffusion, looped_sides_have_no_place)
{
    double z[NY * NX], moved[NY * NX];
    for (int i = 0; i < NY * NX; i++)
        z[i] = (i * 7919) % 1009;
    for (int i = 0; i < NY * NX; i++)
        moved[(i / NX + 5) % NY * NX + (i % NX + 13) % NX] = z[i];
    struct run *a = diffuse(z, NY, NX, "looped", 0.7, 3000, 3);
    struct run *b = diffuse(moved, NY, NX, "looped", 0.7, 3000, 3);
    const double *end = run_values(a, "topo__elevation", -1, NY * NX);
    const double *moved_end = run_values(b, "topo__elevation", -1, NY * NX);
    int differ = 0;
    for (int i = 0; i < NY * NX; i++)
        differ += moved_end[(i / NX + 5) % NY * NX + (i % NX + 13) % NX] != end[i];
    cr_expect_eq(differ, 0, "%d nodes differ", differ);
    run_free(a);
    run_free(b);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Steady states that are known. */
#include "run.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#define NY 31
#define NX 42
#define N  (NY * NX)

struct exponents {
    double m, n;
};

ParameterizedTestParameters(steady, slope_follows_area)
{
    static struct exponents rows[] = {{0.5, 1}, {0.4, 1}, {0.5, 1.4}, {0.6, 2}, {0.45, 0.8}};
    return cr_make_param_array(struct exponents, rows, sizeof rows / sizeof *rows);
}

static int is_inside(int i)
{
    return i / NX > 0 && i / NX < NY - 1 && i % NX > 0 && i % NX < NX - 1;
}

/* Where uplift equals incision, U = K A^m S^n at each node: S = (U/K)^(1/n) A^(-m/n). */
ParameterizedTest(struct exponents *e, steady, slope_follows_area)
{
    const double uplift = 1e-3, erodibility = 4e-5;
    struct run *r = run_job(
        "{'model': {'processes': {'grid': 'landscape.RasterGrid', 'sides': 'landscape.Boundary',"
        "  'topo': 'landscape.Topography', 'init': 'landscape.InitialElevation',"
        "  'noise': 'landscape.InitialNoise', 'uplift': 'landscape.Uplift',"
        "  'surface': 'landscape.SurfaceToErode', 'flow': 'landscape.FlowRouter',"
        "  'rivers': 'landscape.StreamPower'}},"
        " 'clocks': {'time': {'data': {'linspace': [0, 6e7, 601]}}}, 'main_clock': 'time',"
        " 'seed': 3, 'inputs': {'grid__ny': %d, 'grid__nx': %d, 'grid__dx': 74.6,"
        "  'grid__dy': 92.5, 'init__elevation': 0, 'uplift__rate': %g,"
        "  'rivers__erodibility': %g, 'rivers__area_exponent': %g,"
        "  'rivers__slope_exponent': %g},"
        " 'outputs': {'topo__elevation': null, 'flow__receivers': null, 'flow__distances': null,"
        "  'flow__drainage_area': null, 'flow__n_depressions': null}}",
        NY, NX, uplift, erodibility, e->m, e->n);
    const double *z = run_values(r, "topo__elevation", -1, N);
    const double *receivers = run_values(r, "flow__receivers", -1, N);
    const double *distances = run_values(r, "flow__distances", -1, N);
    const double *area = run_values(r, "flow__drainage_area", -1, N);
    double worst = 0, greatest = 0, least = INFINITY;
    for (int i = 0; i < N; i++) {
        if (!is_inside(i))
            continue;
        double slope = (z[i] - z[(int)receivers[i]]) / distances[i];
        double law = pow(uplift / erodibility, 1 / e->n) * pow(area[i], -e->m / e->n);
        worst = fmax(worst, fabs(slope / law - 1));
        greatest = fmax(greatest, area[i]);
        least = fmin(least, area[i]);
    }
    cr_expect_eq(run_value(r, "flow__n_depressions", -1), 0);
    cr_expect(greatest > 50 * least, "drainage areas from %g to %g prove little", least, greatest);
    cr_expect(worst < 1e-9, "m = %g, n = %g: slopes are off by %g", e->m, e->n, worst);
    run_free(r);
}

/* A ridge between two fixed sides: z = U/(2D) x (L - x), whatever the step. The walls north and
 * south change nothing. */
Test(steady, ridge_is_a_parabola)
{
    const double uplift = 1e-4, diffusivity = 0.02, dx = 5, dt = 1000;
    struct run *r = run_job(
        "{'model': {'processes': {'grid': 'landscape.RasterGrid', 'sides': 'landscape.Boundary',"
        "  'topo': 'landscape.Topography', 'init': 'landscape.InitialElevation',"
        "  'uplift': 'landscape.Uplift', 'surface': 'landscape.SurfaceToErode',"
        "  'creep': 'landscape.HillslopeDiffusion'}},"
        " 'clocks': {'time': {'data': {'linspace': [0, %.17g, 2001]}}}, 'main_clock': 'time',"
        " 'inputs': {'grid__ny': 4, 'grid__nx': 21, 'grid__dx': %g, 'grid__dy': 7,"
        "  'sides__south': 'closed', 'sides__north': 'closed', 'init__elevation': 0,"
        "  'uplift__rate': %g, 'creep__diffusivity': %g},"
        " 'outputs': {'topo__elevation': null}}",
        2000 * dt, dx, uplift, diffusivity);
    const double *z = run_values(r, "topo__elevation", -1, 84);
    for (int i = 0; i < 84; i++) {
        double x = dx * (i % 21), ridge = uplift / (2 * diffusivity) * x * (100 - x);
        cr_expect_float_eq(z[i], ridge, 1e-6, "node %d: %.12g, %.12g", i, z[i], ridge);
    }
    run_free(r);
}

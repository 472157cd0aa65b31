/* SPDX-License-Identifier: Apache-2.0 */
/* Mass: what is lifted up and not eroded is there; what is eroded has left by rivers or by creep
 * across the sides. Closed to rounding in every step, whatever the sides are. */
#include "run.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#define STEPS 40

struct sides {
    char west_east[16], south_north[16], fourth[16];
};

ParameterizedTestParameters(balance, is_closed)
{
    static struct sides rows[] = {
        {"fixed_value", "fixed_value", "fixed_value"}, {"looped", "fixed_value", "fixed_value"},
        {"fixed_value", "looped", "looped"},           {"closed", "fixed_value", "closed"},
        {"closed", "closed", "fixed_value"},
    };
    return cr_make_param_array(struct sides, rows, sizeof rows / sizeof *rows);
}

/* 37 rows x 29 columns; uplift and diffusivity by cell come from arange over the nodes. */
static struct run *run_with(const struct sides *s)
{
    return run_job(
        "{'model': {'processes': {'grid': 'landscape.RasterGrid', 'sides': 'landscape.Boundary',"
        "  'topo': 'landscape.Topography', 'init': 'landscape.InitialElevation',"
        "  'noise': 'landscape.InitialNoise', 'uplift': 'landscape.Uplift',"
        "  'base': 'landscape.BaseLevel', 'surface': 'landscape.SurfaceToErode',"
        "  'flow': 'landscape.FlowRouter', 'rivers': 'landscape.StreamPower',"
        "  'creep': 'landscape.HillslopeDiffusion'}},"
        " 'clocks': {'time': {'data': {'linspace': [0, 200000, %d]}}}, 'main_clock': 'time',"
        " 'seed': 7, 'inputs': {'grid__ny': 37, 'grid__nx': 29, 'grid__dx': 120, 'grid__dy': 70,"
        "  'sides__west': '%s', 'sides__east': '%s', 'sides__south': '%s', 'sides__north': '%s',"
        "  'init__elevation': 100, 'noise__amplitude': 30, 'uplift__rate': 0.0007,"
        "  'base__rate': -0.0002, 'rivers__erodibility': 2e-5, 'rivers__slope_exponent': 1.3,"
        "  'creep__diffusivity': 0.9},"
        " 'outputs': {'topo__volume': 'time', 'topo__uplifted_volume': 'time',"
        "  'topo__eroded_volume': 'time', 'rivers__incised_volume': 'time',"
        "  'creep__outflow_volume': 'time', 'topo__elevation': 'time'}}",
        STEPS + 1, s->west_east, s->west_east, s->south_north, s->fourth);
}

ParameterizedTest(struct sides *s, balance, is_closed)
{
    struct run *r = run_with(s);
    double start = run_value(r, "topo__volume", 0);
    for (int at = 0; at <= STEPS; at++) {
        double gained = run_value(r, "topo__volume", at) - start;
        double uplifted = run_value(r, "topo__uplifted_volume", at);
        double eroded = run_value(r, "topo__eroded_volume", at);
        double incised = run_value(r, "rivers__incised_volume", at);
        double outflow = run_value(r, "creep__outflow_volume", at);
        double scale = fabs(uplifted) + incised + fabs(outflow) + start;
        cr_expect_float_eq(gained, uplifted - eroded, 1e-13 * scale, "step %d: %g", at,
                           gained - (uplifted - eroded));
        cr_expect_float_eq(eroded, incised + outflow, 1e-12 * (incised + fabs(outflow)),
                           "step %d: %g", at, eroded - (incised + outflow));
        if (at == 0)
            continue;
        cr_expect(incised > 0 && outflow != 0 && uplifted > 0, "nothing happened in step %d", at);
    }
    run_free(r);
}

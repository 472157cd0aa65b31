/* SPDX-License-Identifier: Apache-2.0 */
/* Creep of soil on hillslopes, dz/dt = div(D grad z), by backward Euler in two dimensions at once:
 * stable for any step and diffusivity, makes no new extremes, and its steady states do not depend
 * on the step. The equations are solved by Chebyshev semi-iteration (Golub & Varga 1961, Numer.
 * Math. 3, 147-156), whose convergence is known beforehand from bounds on the spectrum: 4 to 12
 * passes over the raster at common steps, and as the root of diffusivity times step beyond.
 *
 * Fluxes through a face are the same number seen from both cells, so that what leaves one enters
 * the other, and what flows onto base level goes through the same recurrence as the surface: the
 * balance is closed to rounding, at whatever pass the iteration ends. */
#include "landscape.h"
#include "raster.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    DIFFUSIVITY = RASTER_ROWS,
    ELEVATION,
    INCISIONS,
    EROSION,
    OUTFLOW_VOLUME,
    SURFACE, /* before diffusion */
    CHANGE,  /* of the surface, so far */
    STEP,    /* of the iteration: the last change of CHANGE */
    STAGE_A, /* SURFACE + CHANGE, before and after a pass */
    STAGE_B
};

#define PRIVATE(name_)                                                                             \
    {                                                                                              \
        .name = name_, .intent = SIMLAB_OUT, .flags = SIMLAB_PRIVATE, .dims = "y,x", .units = "m"  \
    }

static const struct simlab_variable variables[] = {
    RASTER_VARIABLES,
    [DIFFUSIVITY] = {.name = "diffusivity",
                     .dims = "()|y,x",
                     .bounds = "[0, inf)",
                     .units = "m2/yr",
                     .description = "diffusivity of soil on hillslopes",
                     .reads = SIMLAB_AT_RUN_STEP},
    [ELEVATION] = {.name = "elevation",
                   .kind = SIMLAB_FOREIGN,
                   .type = "SurfaceToErode",
                   .reads = SIMLAB_AT_RUN_STEP},
    [INCISIONS] = {.name = "incisions",
                   .kind = SIMLAB_GROUP,
                   .group = "incision",
                   .reads = SIMLAB_AT_RUN_STEP},
    [EROSION] = {.name = "erosion",
                 .intent = SIMLAB_OUT,
                 .dims = "y,x",
                 .groups = "erosions",
                 .units = "m",
                 .description = "erosion in the step; negative: deposition"},
    [OUTFLOW_VOLUME] = {.name = "outflow_volume",
                        .intent = SIMLAB_OUT,
                        .units = "m3",
                        .description = "soil that crept onto base level since the start"},
    [SURFACE] = PRIVATE("incised_surface"),
    [CHANGE] = PRIVATE("change"),
    [STEP] = PRIVATE("step"),
    [STAGE_A] = PRIVATE("stage_a"),
    [STAGE_B] = PRIVATE("stage_b"),
};

struct diffusion {
    double outflow; /* of this step, as thickness on one cell */
};

/* div(D grad z), in metres a year, with D between two nodes the mean of theirs. */
struct divergence {
    const struct raster *raster;
    const double *diffusivity;
    int64_t stride; /* of diffusivity */
    double per_dx2, per_dy2;
};

static inline double through(const struct divergence *o, const double *z, int64_t i, int64_t j,
                             double per_d2)
{
    double mean = 0.5 * (o->diffusivity[i * o->stride] + o->diffusivity[j * o->stride]);
    return mean * per_d2 * (z[j] - z[i]);
}

/* The rates of a row's nodes but the first and the last, where the neighbours' rows begin at n, s.
 */
static void rate_uniform(const struct divergence *o, const double *restrict z,
                         const double *restrict n, const double *restrict s, double *restrict rate)
{
    double wx = o->diffusivity[0] * o->per_dx2, wy = o->diffusivity[0] * o->per_dy2;
    int64_t nx = o->raster->nx;
    for (int64_t x = 1; x < nx - 1; x++)
        rate[x] = wx * (z[x - 1] - z[x]) + wx * (z[x + 1] - z[x]) +
                  (wy * (n[x] - z[x]) + wy * (s[x] - z[x]));
}

/* The rate at node i, whose neighbours are n, s, w, e (itself beyond a closed side). */
static double rate_at(const struct divergence *o, const double *z, int64_t i, int64_t n, int64_t s,
                      int64_t w, int64_t e)
{
    return through(o, z, i, w, o->per_dx2) + through(o, z, i, e, o->per_dx2) +
           (through(o, z, i, n, o->per_dy2) + through(o, z, i, s, o->per_dy2));
}

/* Node j, or node i where j is not of the domain: no soil goes there. */
static int64_t within(const struct raster *r, int64_t i, int64_t j)
{
    return r->outside[j] ? i : j;
}

/* A row's rates where some nodes are not of the domain. */
static void rate_row_within(const struct divergence *o, const double *z, int32_t row, double *rate)
{
    const struct raster *r = o->raster;
    int64_t nx = r->nx, here = row * nx, last = nx - 1;
    int64_t n = raster_row_before(r, row) * nx, s = raster_row_after(r, row) * nx;
    for (int64_t x = 0; x < nx; x++) {
        int64_t i = here + x, w = x > 0 ? i - 1 : r->looped_x ? here + last : i;
        int64_t e = x < last ? i + 1 : r->looped_x ? here : i;
        rate[x] = r->fixed[i] ? 0
                              : rate_at(o, z, i, within(r, i, n + x), within(r, i, s + x),
                                        within(r, i, w), within(r, i, e));
    }
}

static void hold_fixed(const struct raster *r, int32_t row, double *rate)
{
    int32_t step = row == 0 || row == r->ny - 1 || r->nx == 1 ? 1 : r->nx - 1;
    for (int32_t column = 0; column < r->nx; column += step)
        if (r->fixed[row * r->nx + column])
            rate[column] = 0;
}

static void rate_row(const struct divergence *o, const double *z, int32_t row, double *rate)
{
    const struct raster *r = o->raster;
    int64_t nx = r->nx, last = nx - 1, here = row * nx;
    int64_t n = raster_row_before(r, row) * nx, s = raster_row_after(r, row) * nx;
    if (r->outside) {
        rate_row_within(o, z, row, rate);
        return;
    }
    if (o->stride == 0)
        rate_uniform(o, z + here, z + n, z + s, rate);
    else
        for (int64_t x = 1; x < last; x++)
            rate[x] = rate_at(o, z, here + x, n + x, s + x, here + x - 1, here + x + 1);
    int64_t before = r->looped_x ? last : 0, after = r->looped_x ? 0 : last;
    rate[0] = rate_at(o, z, here, n, s, here + before, here + (nx > 1 ? 1 : after));
    if (nx > 1)
        rate[last] = rate_at(o, z, here + last, n + last, s + last, here + last - 1, here + after);
    hold_fixed(r, row, rate);
}

/* What flows from node i's neighbours that are not fixed to node i, which is. */
static double inflow(const struct divergence *o, const double *z, int32_t row, int32_t column)
{
    static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const struct raster *r = o->raster;
    int32_t i = row * r->nx + column;
    double sum = 0;
    for (int k = 0; k < 4 && r->fixed[i] && raster_has(r, i); k++) {
        int32_t j = raster_neighbour(r, row, column, steps[k][0], steps[k][1]);
        if (j >= 0 && !r->fixed[j])
            sum += through(o, z, i, j, k < 2 ? o->per_dy2 : o->per_dx2);
    }
    return sum;
}

/* The rate at which soil creeps onto base level, which is on the sides only, unless some nodes are
 * not of the domain. */
static double outflow_rate(const struct divergence *o, const double *z)
{
    const struct raster *r = o->raster;
    double sum = 0;
    for (int32_t row = 0; row < r->ny; row++) {
        bool is_whole = row == 0 || row == r->ny - 1 || r->nx == 1 || r->outside;
        int32_t step = is_whole ? 1 : r->nx - 1;
        for (int32_t column = 0; column < r->nx; column += step)
            sum += inflow(o, z, row, column);
    }
    return sum;
}

/* A bound on the eigenvalues of -div(D grad): twice the greatest sum of a node's exchange rates
 * (Gershgorin). */
static double greatest_eigenvalue(const struct divergence *o)
{
    double greatest = 0;
    for (int64_t i = 0; i < (o->stride ? o->raster->n : 1); i++)
        greatest = fmax(greatest, o->diffusivity[i]);
    return 4 * greatest * (o->per_dx2 + o->per_dy2);
}

/* Passes until the error is TOLERANCE of the first one. All eigenvalues of I - dt div(D grad) are
 * from 1 to `greatest`. */
#define TOLERANCE 1e-9
static int64_t passes_for(double greatest)
{
    double root = sqrt(greatest), rate = (root - 1) / (root + 1);
    return 1 + (int64_t)ceil(log(TOLERANCE / 2) / log(rate));
}

struct fields {
    double *surface, *change, *step;
    double *stage, *next;
};

/* One pass: step = momentum · step + gain · residual; change += step. */
static void advance_row(int64_t nx, double dt, double momentum, double gain,
                        const double *restrict rate, const double *restrict surface,
                        double *restrict change, double *restrict step, double *restrict next)
{
    for (int64_t x = 0; x < nx; x++) {
        step[x] = momentum * step[x] + gain * (dt * rate[x] - change[x]);
        change[x] += step[x];
        next[x] = surface[x] + change[x];
    }
}

struct pass {
    const struct divergence *divergence;
    const struct fields *fields;
    double dt, momentum, gain;
    double *rates; /* a raster, of which each block uses its first row */
};

static int advance_rows(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    const struct pass *p = userdata;
    const struct fields *f = p->fields;
    int64_t nx = p->divergence->raster->nx;
    double *rate = p->rates + begin * nx;
    (void)c;
    for (int64_t row = begin; row < end; row++) {
        int64_t here = row * nx;
        rate_row(p->divergence, f->stage, (int32_t)row, rate);
        advance_row(nx, p->dt, p->momentum, p->gain, rate, f->surface + here, f->change + here,
                    f->step + here, f->next + here);
    }
    return 0;
}

static void iterate(simlab_context *c, struct pass *p, struct fields *f)
{
    const struct raster *r = p->divergence->raster;
    simlab_parallel_for(c, r->ny, raster_rows_of_block(r), advance_rows, p);
    double *kept = f->stage;
    f->stage = f->next;
    f->next = kept;
}

struct beginning {
    const struct raster *raster;
    const double *elevation;
    const struct fields *fields;
};

/* surface = elevation less what rivers take (a number also where there is none); no change of it
 * yet. */
static int begin_block(simlab_context *c, int64_t begin, int64_t end, void *beginning)
{
    const struct beginning *b = beginning;
    const struct fields f = *b->fields;
    simlab_f8_sum_range(c, INCISIONS, b->raster->n, begin, end, f.surface);
    for (int64_t i = begin; i < end; i++) {
        f.surface[i] = raster_has(b->raster, i) ? b->elevation[i] - f.surface[i] : 0;
        f.stage[i] = f.surface[i];
        f.change[i] = 0;
        f.step[i] = 0;
    }
    return 0;
}

struct ending {
    const double *change;
    double *erosion;
};

static int end_block(simlab_context *c, int64_t begin, int64_t end, void *ending)
{
    const struct ending e = *(const struct ending *)ending;
    (void)c;
    for (int64_t i = begin; i < end; i++)
        e.erosion[i] = -e.change[i];
    return 0;
}

/* Solves (I - dt div(D grad)) (surface + change) = surface for the change, from 0. Returns what
 * crept onto base level. `rates` is a raster to work in. */
static double diffuse(simlab_context *c, const struct divergence *o, double dt, double greatest,
                      struct fields *f, double *rates)
{
    double middle = (greatest + 1) / 2, radius = (greatest - 1) / 2;
    double rho = radius / middle, out = 0, out_step = 0;
    struct pass p = {.divergence = o, .fields = f, .dt = dt, .gain = 1 / middle, .rates = rates};
    for (int64_t k = passes_for(greatest); k > 0; k--) {
        out_step = p.momentum * out_step + p.gain * (dt * outflow_rate(o, f->stage) - out);
        out += out_step;
        iterate(c, &p, f);
        double next_rho = 1 / (2 * middle / radius - rho);
        p.momentum = next_rho * rho;
        p.gain = 2 * next_rho / radius;
        rho = next_rho;
    }
    return out;
}

static int initialize(simlab_context *c)
{
    simlab_f8_put(c, OUTFLOW_VOLUME, 0);
    return 0;
}

static int run_step(simlab_context *c)
{
    struct raster r = raster_read(c);
    struct diffusion *self = simlab_self(c);
    const double *elevation = simlab_f8(c, ELEVATION, r.n);
    struct divergence o = {
        .raster = &r, .per_dx2 = 1 / (r.dx * r.dx), .per_dy2 = 1 / (r.dy * r.dy)};
    o.diffusivity = simlab_f8_broadcast(c, DIFFUSIVITY, r.n, &o.stride);
    double *erosion = simlab_f8_2d(c, EROSION, r.ny, r.nx), dt = simlab_now(c)->step_delta;
    double greatest = 1 + dt * greatest_eigenvalue(&o);
    self->outflow = 0;
    if (greatest == 1) {
        memset(erosion, 0, (size_t)r.n * sizeof *erosion);
        return 0;
    }
    if (!(greatest > 1 && greatest < 1e9))
        return simlab_fail(c,
                           "variable 'diffusivity': a step of %g years is %g times the longest "
                           "explicit one, beyond what can be solved: use shorter steps",
                           dt, (greatest - 1) / 2);
    struct fields f = {.surface = simlab_f8_2d(c, SURFACE, r.ny, r.nx),
                       .change = simlab_f8_2d(c, CHANGE, r.ny, r.nx),
                       .step = simlab_f8_2d(c, STEP, r.ny, r.nx),
                       .stage = simlab_f8_2d(c, STAGE_A, r.ny, r.nx),
                       .next = simlab_f8_2d(c, STAGE_B, r.ny, r.nx)};
    struct beginning b = {.raster = &r, .elevation = elevation, .fields = &f};
    struct ending e = {.change = f.change, .erosion = erosion};
    simlab_parallel_for(c, r.n, RASTER_BLOCK, begin_block, &b);
    self->outflow = diffuse(c, &o, dt, greatest, &f, erosion);
    return simlab_parallel_for(c, r.n, RASTER_BLOCK, end_block, &e);
}

static int finalize_step(simlab_context *c)
{
    struct diffusion *self = simlab_self(c);
    double dx = simlab_f8_get(c, RASTER_DX), dy = simlab_f8_get(c, RASTER_DY);
    *simlab_f8_mut(c, OUTFLOW_VOLUME, 1) += self->outflow * dx * dy;
    return 0;
}

const struct simlab_process HillslopeDiffusion = {
    .name = "HillslopeDiffusion",
    .description = "creep of soil, proportional to slope; implicit",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
    .finalize_step = finalize_step,
    .instance_size = sizeof(struct diffusion),
};

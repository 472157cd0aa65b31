/* SPDX-License-Identifier: Apache-2.0 */
/* Creep of soil on hillslopes, dz/dt = div(D grad z), by super time steps: the second-order
 * Runge-Kutta-Legendre method RKL2 of Meyer, Balsara & Aslam (2014), J. Comput. Phys. 257, 594-626.
 * Its s stages are stable for a step (s² + s - 2)/4 times the longest explicit one, so any
 * diffusivity and step can be had at the cost of the root of their product; it needs no system of
 * equations, has no error of splitting in x and y, and makes no new extremes.
 *
 * Fluxes through a face are the same number seen from both cells, so that what leaves one enters
 * the other. The stages are written for the change since the start of the step, which keeps the
 * balance closed to the rounding of the change, not of the elevation. */
#include "landscape.h"
#include "raster.h"

#include <math.h>
#include <string.h>

enum {
    DIFFUSIVITY = RASTER_ROWS,
    ELEVATION,
    INCISIONS,
    EROSION,
    OUTFLOW_VOLUME,
    SURFACE, /* before diffusion */
    STAGE_A, /* the surface in the last stage, and in the next */
    STAGE_B,
    CHANGE_A, /* the change in the last stage but one (then the next), and in the last */
    CHANGE_B,
    RATE /* of the surface before diffusion */
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
    [STAGE_A] = PRIVATE("stage_a"),
    [STAGE_B] = PRIVATE("stage_b"),
    [CHANGE_A] = PRIVATE("change_a"),
    [CHANGE_B] = PRIVATE("change_b"),
    [RATE] = PRIVATE("rate"),
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
                             double per_d2, int64_t stride)
{
    return 0.5 * (o->diffusivity[i * stride] + o->diffusivity[j * stride]) * per_d2 * (z[j] - z[i]);
}

/* The rate at node i, whose neighbours are n, s, w, e (itself beyond a closed side). */
static inline double rate_at(const struct divergence *o, const double *z, int64_t i, int64_t n,
                             int64_t s, int64_t w, int64_t e, int64_t stride)
{
    if (o->raster->fixed[i])
        return 0;
    return through(o, z, i, w, o->per_dx2, stride) + through(o, z, i, e, o->per_dx2, stride) +
           (through(o, z, i, n, o->per_dy2, stride) + through(o, z, i, s, o->per_dy2, stride));
}

static inline void rate_row(const struct divergence *o, const double *z, int32_t row, double *rate,
                            int64_t stride)
{
    const struct raster *r = o->raster;
    int64_t nx = r->nx, here = row * nx;
    int64_t n = raster_row_before(r, row) * nx, s = raster_row_after(r, row) * nx;
    for (int64_t x = 1; x < nx - 1; x++)
        rate[x] = rate_at(o, z, here + x, n + x, s + x, here + x - 1, here + x + 1, stride);
    int64_t last = nx - 1, before = r->looped_x ? last : 0, after = r->looped_x ? 0 : last;
    rate[0] = rate_at(o, z, here, n, s, here + before, here + (nx > 1 ? 1 : after), stride);
    if (nx > 1)
        rate[last] =
            rate_at(o, z, here + last, n + last, s + last, here + last - 1, here + after, stride);
}

static void rates(const struct divergence *o, const double *z, int32_t row, double *rate)
{
    if (o->stride == 0)
        rate_row(o, z, row, rate, 0);
    else
        rate_row(o, z, row, rate, 1);
}

/* What flows from node i's neighbours that are not fixed to node i, which is. */
static double inflow(const struct divergence *o, const double *z, int32_t row, int32_t column)
{
    static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const struct raster *r = o->raster;
    int32_t i = row * r->nx + column;
    double sum = 0;
    for (int k = 0; k < 4 && r->fixed[i]; k++) {
        int32_t j = raster_neighbour(r, row, column, steps[k][0], steps[k][1]);
        if (j >= 0 && !r->fixed[j])
            sum += through(o, z, i, j, k < 2 ? o->per_dy2 : o->per_dx2, o->stride);
    }
    return sum;
}

/* The rate at which soil creeps onto base level, which is on the sides only. */
static double outflow_rate(const struct divergence *o, const double *z)
{
    const struct raster *r = o->raster;
    double sum = 0;
    for (int32_t row = 0; row < r->ny; row++) {
        int32_t step = row == 0 || row == r->ny - 1 || r->nx == 1 ? 1 : r->nx - 1;
        for (int32_t column = 0; column < r->nx; column += step)
            sum += inflow(o, z, row, column);
    }
    return sum;
}

/* The greatest sum of a node's exchange rates: its inverse is the longest explicit step. */
static double greatest_rate(const struct divergence *o)
{
    double greatest = 0;
    for (int64_t i = 0; i < (o->stride ? o->raster->n : 1); i++)
        greatest = fmax(greatest, o->diffusivity[i]);
    return 2 * greatest * (o->per_dx2 + o->per_dy2);
}

/* Stages for a step that is `ratio` times the longest explicit one: odd, which damps best. */
static int64_t stages_for(double ratio)
{
    int64_t s = (int64_t)ceil((sqrt(9 + 16 * ratio) - 1) / 2);
    return s < 3 ? 3 : s | 1;
}

/* RKL2's coefficients of stage j, Meyer et al. (2014) equations 16 to 18. */
struct coefficients {
    double mu, nu, mu_dt, gamma_dt;
};

static double legendre_b(int64_t j)
{
    double k = (double)j;
    return j < 2 ? 1.0 / 3 : (k * k + k - 2) / (2 * k * (k + 1));
}

static struct coefficients coefficients(int64_t j, int64_t s, double dt)
{
    double k = (double)j, w1 = 4 / ((double)s * (double)s + (double)s - 2);
    if (j == 1)
        return (struct coefficients){.mu_dt = legendre_b(1) * w1 * dt};
    double mu = (2 * k - 1) / k * legendre_b(j) / legendre_b(j - 1);
    double nu = -(k - 1) / k * legendre_b(j) / legendre_b(j - 2);
    return (struct coefficients){mu, nu, mu * w1 * dt, (legendre_b(j - 1) - 1) * mu * w1 * dt};
}

struct fields {
    double *surface, *rate; /* at the start, and its rate */
    double *stage, *next;   /* surface + last, and what becomes of it */
    double *last, *last_but_one;
};

static void swap(double **a, double **b)
{
    double *kept = *a;
    *a = *b;
    *b = kept;
}

/* One stage: last_but_one becomes the new change; the roles then move on. */
static void stage(const struct divergence *o, struct coefficients k, struct fields *f,
                  double *row_rate)
{
    int64_t nx = o->raster->nx;
    for (int32_t row = 0; row < o->raster->ny; row++) {
        int64_t here = row * nx;
        rates(o, f->stage, row, row_rate);
        for (int64_t x = 0; x < nx; x++) {
            int64_t i = here + x;
            double change = k.mu * f->last[i] + k.nu * f->last_but_one[i] + k.mu_dt * row_rate[x] +
                            k.gamma_dt * f->rate[i];
            f->last_but_one[i] = change;
            f->next[i] = f->surface[i] + change;
        }
    }
    swap(&f->last, &f->last_but_one);
    swap(&f->stage, &f->next);
}

/* After it f->last is the change in the step. Returns what crept onto base level. The outflow is
 * integrated by the same stages as the surface. */
static double diffuse(const struct divergence *o, double dt, int64_t s, struct fields *f,
                      double *row_rate)
{
    for (int32_t row = 0; row < o->raster->ny; row++)
        rates(o, f->surface, row, f->rate + (int64_t)row * o->raster->nx);
    double first = coefficients(1, s, dt).mu_dt, out_rate = outflow_rate(o, f->surface);
    for (int64_t i = 0; i < o->raster->n; i++) {
        f->last_but_one[i] = 0;
        f->last[i] = first * f->rate[i];
        f->stage[i] = f->surface[i] + f->last[i];
    }
    double out = first * out_rate, out_before = 0;
    for (int64_t j = 2; j <= s; j++) {
        struct coefficients k = coefficients(j, s, dt);
        double next = k.mu * out + k.nu * out_before + k.mu_dt * outflow_rate(o, f->stage) +
                      k.gamma_dt * out_rate;
        out_before = out;
        out = next;
        stage(o, k, f, row_rate);
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
    double *erosion = simlab_f8_2d(c, EROSION, r.ny, r.nx), dt = simlab_runtime(c)->step_delta;
    double ratio = dt * greatest_rate(&o);
    self->outflow = 0;
    memset(erosion, 0, (size_t)r.n * sizeof *erosion);
    if (ratio == 0)
        return 0;
    if (!(ratio > 0 && ratio < 1e8))
        return simlab_fail(c,
                           "variable 'diffusivity': a step of %g years is %g times the longest "
                           "explicit one; up to 1e8 are taken: use shorter steps",
                           dt, ratio);
    struct fields f = {.surface = simlab_f8_2d(c, SURFACE, r.ny, r.nx),
                       .rate = simlab_f8_2d(c, RATE, r.ny, r.nx),
                       .stage = simlab_f8_2d(c, STAGE_A, r.ny, r.nx),
                       .next = simlab_f8_2d(c, STAGE_B, r.ny, r.nx),
                       .last = simlab_f8_2d(c, CHANGE_A, r.ny, r.nx),
                       .last_but_one = simlab_f8_2d(c, CHANGE_B, r.ny, r.nx)};
    simlab_f8_sum(c, INCISIONS, r.n, f.surface);
    for (int64_t i = 0; i < r.n; i++)
        f.surface[i] = elevation[i] - f.surface[i];
    self->outflow = diffuse(&o, dt, stages_for(ratio), &f, erosion);
    for (int64_t i = 0; i < r.n; i++)
        erosion[i] = -f.last[i];
    return 0;
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
    .description = "creep of soil, proportional to slope (RKL2; Meyer et al. 2014)",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
    .finalize_step = finalize_step,
    .instance_size = sizeof(struct diffusion),
};

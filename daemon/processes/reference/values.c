/* SPDX-License-Identifier: Apache-2.0 */
/* Values of every size and dtype, and what the runtime tells. */
#include "reference.h"

#include <math.h>

enum { POSITION };

static const struct simlab_variable particles_variables[] = {
    [POSITION] = {.name = "position", .intent = SIMLAB_OUT, .dims = "pt"},
};

static int particles_initialize(simlab_context *c)
{
    *simlab_f8_1d(c, POSITION, 1) = 0;
    return 0;
}

static int particles_run_step(simlab_context *c)
{
    int64_t step = simlab_now(c)->step, n = 1 + step % 4;
    double *position = simlab_f8_1d(c, POSITION, n);
    for (int64_t i = 0; i < n; i++)
        position[i] = (double)(10 * step + i);
    return 0;
}

const struct simlab_process Particles = {
    .name = "Particles",
    .description = "a set of particles whose number changes",
    SIMLAB_VARIABLES(particles_variables),
    .initialize = particles_initialize,
    .run_step = particles_run_step,
};

enum { B, I1, I2, I4, I8, U1, U2, U4, U8, F4, F8, VEC_F4, MAT_I4 };

static const struct simlab_variable dtypes_variables[] = {
    [B] = {.name = "b", .intent = SIMLAB_OUT, .dtype = SIMLAB_BOOL},
    [I1] = {.name = "i1", .intent = SIMLAB_OUT, .dtype = SIMLAB_I1},
    [I2] = {.name = "i2", .intent = SIMLAB_OUT, .dtype = SIMLAB_I2},
    [I4] = {.name = "i4", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4},
    [I8] = {.name = "i8", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
    [U1] = {.name = "u1", .intent = SIMLAB_OUT, .dtype = SIMLAB_U1},
    [U2] = {.name = "u2", .intent = SIMLAB_OUT, .dtype = SIMLAB_U2},
    [U4] = {.name = "u4", .intent = SIMLAB_OUT, .dtype = SIMLAB_U4},
    [U8] = {.name = "u8", .intent = SIMLAB_OUT, .dtype = SIMLAB_U8},
    [F4] = {.name = "f4", .intent = SIMLAB_OUT, .dtype = SIMLAB_F4},
    [F8] = {.name = "f8", .intent = SIMLAB_OUT, .dtype = SIMLAB_F8},
    [VEC_F4] = {.name = "vec_f4", .intent = SIMLAB_OUT, .dtype = SIMLAB_F4, .dims = "k"},
    [MAT_I4] = {.name = "mat_i4", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4, .dims = "j,k"},
};

static int dtypes_set(simlab_context *c, int64_t s)
{
    simlab_bool_put(c, B, s % 2 != 0);
    simlab_i1_put(c, I1, (int8_t)s);
    simlab_i2_put(c, I2, (int16_t)s);
    simlab_i4_put(c, I4, (int32_t)s);
    simlab_i8_put(c, I8, s);
    simlab_u1_put(c, U1, (uint8_t)s);
    simlab_u2_put(c, U2, (uint16_t)s);
    simlab_u4_put(c, U4, (uint32_t)s);
    simlab_u8_put(c, U8, (uint64_t)s);
    simlab_f4_put(c, F4, (float)s);
    simlab_f8_put(c, F8, (double)s);
    float *vec = simlab_f4_1d(c, VEC_F4, 3);
    int32_t *mat = simlab_i4_2d(c, MAT_I4, 2, 3);
    for (int i = 0; i < 3; i++)
        vec[i] = (float)(s + i);
    for (int i = 0; i < 6; i++)
        mat[i] = (int32_t)(s + i);
    return 0;
}

static int dtypes_initialize(simlab_context *c)
{
    return dtypes_set(c, 0);
}

static int dtypes_run_step(simlab_context *c)
{
    return dtypes_set(c, simlab_now(c)->step + 1);
}

const struct simlab_process Dtypes = {
    .name = "Dtypes",
    .description = "an output of each dtype",
    SIMLAB_VARIABLES(dtypes_variables),
    .initialize = dtypes_initialize,
    .run_step = dtypes_run_step,
};

enum { SIM_START, SIM_END, NSTEPS, STEP, STEP_START, STEP_DELTA, ELAPSED };

static const struct simlab_variable runtime_variables[] = {
    [SIM_START] = {.name = "sim_start", .intent = SIMLAB_OUT},
    [SIM_END] = {.name = "sim_end", .intent = SIMLAB_OUT},
    [NSTEPS] = {.name = "nsteps", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
    [STEP] = {.name = "step", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
    [STEP_START] = {.name = "step_start", .intent = SIMLAB_OUT},
    [STEP_DELTA] = {.name = "step_delta", .intent = SIMLAB_OUT},
    [ELAPSED] = {.name = "elapsed",
                 .intent = SIMLAB_OUT,
                 .dims = SIMLAB_MAIN_CLOCK,
                 .description = "a value per main clock label"},
};

static int runtime_initialize(simlab_context *c)
{
    const struct simlab_runtime *t = simlab_now(c);
    simlab_f8_put(c, SIM_START, t->sim_start);
    simlab_f8_put(c, SIM_END, t->sim_end);
    simlab_i8_put(c, NSTEPS, t->nsteps);
    simlab_i8_put(c, STEP, -1);
    simlab_f8_put(c, STEP_START, NAN);
    simlab_f8_put(c, STEP_DELTA, NAN);
    double *elapsed = simlab_f8_1d(c, ELAPSED, t->main_clock_size);
    for (int64_t i = 0; i < t->main_clock_size; i++)
        elapsed[i] = t->main_clock[i] - t->sim_start;
    return 0;
}

static int runtime_run_step(simlab_context *c)
{
    const struct simlab_runtime *t = simlab_now(c);
    simlab_i8_put(c, STEP, t->step);
    simlab_f8_put(c, STEP_START, t->step_start);
    simlab_f8_put(c, STEP_DELTA, t->step_delta);
    return 0;
}

const struct simlab_process RuntimeInfo = {
    .name = "RuntimeInfo",
    .description = "what the runtime tells a process",
    SIMLAB_VARIABLES(runtime_variables),
    .initialize = runtime_initialize,
    .run_step = runtime_run_step,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: every kind of variable, every dtype, every stage. What it
 * computes is computed again in tests/scenario/kinds.py. */
#include <simlab/process.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- references: what they read is told as an output of their own ------------------------ */

static const struct simlab_variable source_variables[] = {
    {.name = "v", .default_value = "3", .global_name = "source_v", .attrs = "{\"origin\": 1}"},
};
static const struct simlab_process Source = {.name = "Source", SIMLAB_VARIABLES(source_variables)};

static const struct simlab_variable sub_source_variables[] = {
    {.name = "v", .default_value = "7", .global_name = "source_v"},
};
static const struct simlab_process SubSource = {
    .name = "SubSource", .extends = "Source", SIMLAB_VARIABLES(sub_source_variables)};

enum { REFERENCE, GOT };

static int refer(simlab_context *c)
{
    simlab_f8_put(c, GOT, 2 * simlab_f8_get(c, REFERENCE));
    return 0;
}

#define REFERRING(Name_, ...)                                                                      \
    static const struct simlab_variable Name_##_variables[] = {                                    \
        [REFERENCE] = {__VA_ARGS__},                                                               \
        [GOT] = {.name = "got", .intent = SIMLAB_OUT},                                             \
    };                                                                                             \
    static const struct simlab_process Name_ = {                                                   \
        .name = #Name_, SIMLAB_VARIABLES(Name_##_variables), .run_step = refer}

REFERRING(Near, .name = "w", .kind = SIMLAB_FOREIGN, .type = "Source", .var = "v");
REFERRING(Far, .name = "z", .kind = SIMLAB_FOREIGN, .type = "Near", .var = "w");
REFERRING(Global, .name = "g", .kind = SIMLAB_GLOBAL, .global_name = "source_v");
REFERRING(OfGlobal, .name = "q", .kind = SIMLAB_FOREIGN, .type = "Global", .var = "g");

/* A global reference that sets what it leads to. */
static const struct simlab_variable set_global_variables[] = {
    {.name = "target", .kind = SIMLAB_GLOBAL, .intent = SIMLAB_OUT, .global_name = "source_v"},
};
static int set_global(simlab_context *c)
{
    simlab_f8_put(c, 0, 100.0 + (double)simlab_now(c)->step);
    return 0;
}
static const struct simlab_process SetsGlobal = {.name = "SetsGlobal",
                                                 SIMLAB_VARIABLES(set_global_variables),
                                                 .initialize = set_global,
                                                 .run_step = set_global};

/* ---- groups ------------------------------------------------------------------------------ */

enum { BASE, LAZY, VECTOR, SCALAR };

static int lazy_compute(simlab_context *c, int32_t var)
{
    simlab_f8_put(c, var, simlab_f8_get(c, BASE) + 0.5);
    return 0;
}
static int member_initialize(simlab_context *c)
{
    double base = simlab_f8_get(c, BASE), *vector = simlab_f8_1d(c, VECTOR, 2);
    vector[0] = base + 0.1;
    vector[1] = base + 0.2;
    simlab_f8_put(c, SCALAR, base + 0.3);
    return 0;
}
static const struct simlab_variable member_variables[] = {
    [BASE] = {.name = "base", .groups = "all, bases"},
    [LAZY] = {.name = "lazy", .kind = SIMLAB_ON_DEMAND, .compute = lazy_compute, .groups = "all"},
    [VECTOR] = {.name = "vector", .intent = SIMLAB_OUT, .dims = "two", .groups = "all"},
    [SCALAR] = {.name = "scalar", .intent = SIMLAB_OUT, .groups = "all"},
};
static const struct simlab_process Member = {
    .name = "Member", SIMLAB_VARIABLES(member_variables), .initialize = member_initialize};
static const struct simlab_process Member2 = {.name = "Member2", .extends = "Member"};

enum { ALL, BASES, LABEL, FIRST, SUM };

static int collect(simlab_context *c)
{
    int64_t n = simlab_group_size(c, ALL);
    char *label = simlab_str_1d(c, LABEL, n);
    double *first = simlab_f8_1d(c, FIRST, n), sum;
    memset(label, 0, (size_t)n * 24);
    for (int64_t k = 0; k < n; k++) {
        const char *process = simlab_group_process(c, ALL, k);
        const char *variable = simlab_group_variable(c, ALL, k);
        size_t size = strlen(process) < 12 ? strlen(process) : 12;
        memcpy(label + k * 24, process, size);
        label[k * 24 + (int64_t)size] = '.';
        memcpy(label + k * 24 + size + 1, variable, strlen(variable) < 11 ? strlen(variable) : 11);
        first[k] = *(const double *)simlab_group_view(c, ALL, k)->data;
    }
    simlab_f8_sum(c, BASES, 1, &sum);
    simlab_f8_put(c, SUM, sum);
    return 0;
}
static const struct simlab_variable collector_variables[] = {
    [ALL] = {.name = "all", .kind = SIMLAB_GROUP_DICT, .group = "all"},
    [BASES] = {.name = "bases", .kind = SIMLAB_GROUP, .group = "bases"},
    [LABEL] = {.name = "member",
               .kind = SIMLAB_INDEX,
               .dtype = SIMLAB_STR,
               .length = 24,
               .dims = "member"},
    [FIRST] = {.name = "first", .intent = SIMLAB_OUT, .dims = "member"},
    [SUM] = {.name = "sum", .intent = SIMLAB_OUT},
};
static const struct simlab_process Collector = {.name = "Collector",
                                                SIMLAB_VARIABLES(collector_variables),
                                                .initialize = collect,
                                                .run_step = collect};

/* ---- on demand: a value is the number of calls so far --------------------------------------- */

struct calls {
    int64_t plain, cached;
};
enum { PLAIN, CACHED };

static int plain_compute(simlab_context *c, int32_t var)
{
    simlab_i8_put(c, var, ++((struct calls *)simlab_self(c))->plain);
    return 0;
}
static int cached_compute(simlab_context *c, int32_t var)
{
    simlab_i8_put(c, var, ++((struct calls *)simlab_self(c))->cached);
    return 0;
}
static const struct simlab_variable counter_variables[] = {
    [PLAIN] = {.name = "plain",
               .kind = SIMLAB_ON_DEMAND,
               .dtype = SIMLAB_I8,
               .compute = plain_compute},
    [CACHED] = {.name = "cached",
                .kind = SIMLAB_ON_DEMAND,
                .dtype = SIMLAB_I8,
                .flags = SIMLAB_CACHED,
                .compute = cached_compute},
};
static const struct simlab_process Counter = {
    .name = "Counter", SIMLAB_VARIABLES(counter_variables), .instance_size = sizeof(struct calls)};

enum { READ_PLAIN, READ_CACHED, TOLD };

/* Reads both twice in run_step and once in finalize_step. */
static int read_twice(simlab_context *c)
{
    int64_t *told = simlab_i8_1d(c, TOLD, 6);
    for (int i = 0; i < 2; i++) {
        told[2 * i] = simlab_i8_get(c, READ_PLAIN);
        told[2 * i + 1] = simlab_i8_get(c, READ_CACHED);
    }
    return 0;
}
static int read_once(simlab_context *c)
{
    int64_t *told = simlab_i8_mut(c, TOLD, 6);
    told[4] = simlab_i8_get(c, READ_PLAIN);
    told[5] = simlab_i8_get(c, READ_CACHED);
    return 0;
}
static const struct simlab_variable reader_variables[] = {
    [READ_PLAIN] = {.name = "plain", .kind = SIMLAB_FOREIGN, .type = "Counter"},
    [READ_CACHED] = {.name = "cached", .kind = SIMLAB_FOREIGN, .type = "Counter"},
    [TOLD] = {.name = "told", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8, .dims = "told"},
};
static const struct simlab_process Reader = {.name = "Reader",
                                             SIMLAB_VARIABLES(reader_variables),
                                             .initialize = read_twice,
                                             .run_step = read_twice,
                                             .finalize_step = read_once};

/* ---- objects --------------------------------------------------------------------------------- */

static int destroyed; /* in this worker */

static void destroy(void *object)
{
    destroyed++;
    free(object);
}

enum { THING, DESTROYED };

static int holder_initialize(simlab_context *c)
{
    double *thing = malloc(sizeof *thing);
    if (!thing)
        return simlab_fail(c, "no memory");
    *thing = 40;
    simlab_set_object(c, THING, thing, destroy);
    simlab_i8_put(c, DESTROYED, destroyed);
    return 0;
}
static const struct simlab_variable holder_variables[] = {
    [THING] = {.name = "thing", .kind = SIMLAB_OBJECT, .intent = SIMLAB_OUT},
    [DESTROYED] = {.name = "destroyed", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
};
static const struct simlab_process Holder = {
    .name = "Holder", SIMLAB_VARIABLES(holder_variables), .initialize = holder_initialize};

enum { BORROWED, SEEN };

static int borrow(simlab_context *c)
{
    double *thing = simlab_object(c, BORROWED);
    simlab_f8_put(c, SEEN, thing ? (*thing)++ : 0.0);
    return 0;
}
static const struct simlab_variable borrower_variables[] = {
    [BORROWED] = {.name = "borrowed", .kind = SIMLAB_FOREIGN, .type = "Holder", .var = "thing"},
    [SEEN] = {.name = "seen", .intent = SIMLAB_OUT},
};
static const struct simlab_process Borrower = {
    .name = "Borrower", SIMLAB_VARIABLES(borrower_variables), .run_step = borrow};

/* ---- dtypes: each step, the inputs as outputs; and an index of each -------------------------- */

#define DTYPES(X)                                                                                  \
    X(bool, BOOL, 0, "true")                                                                       \
    X(i1, I1, 0, "[-1, 2]")                                                                        \
    X(i2, I2, 0, "-300")                                                                           \
    X(i4, I4, 0, "[[1, 2], [3, 4]]")                                                               \
    X(i8, I8, 0, "9007199254740993")                                                               \
    X(u1, U1, 0, "255")                                                                            \
    X(u2, U2, 0, "65534")                                                                          \
    X(u4, U4, 0, "4294967294")                                                                     \
    X(u8, U8, 0, "9223372036854775807")                                                            \
    X(f4, F4, 0, "\"-Infinity\"")                                                                  \
    X(f8, F8, 0, "[\"NaN\", \"Infinity\"]")                                                        \
    X(c8, C8, 0, NULL)                                                                             \
    X(c16, C16, 0, NULL)                                                                           \
    X(str, STR, 5, "\"ab\"")

enum {
#define X(name_, DTYPE_, length_, default_) GIVEN_##name_, SHOWN_##name_,
    DTYPES(X)
#undef X
};

static const struct simlab_variable echo_variables[] = {
#define X(name_, DTYPE_, length_, default_)                                                        \
    [GIVEN_##name_] = {.name = "in_" #name_,                                                       \
                       .dtype = SIMLAB_##DTYPE_,                                                   \
                       .length = length_,                                                          \
                       .reads = SIMLAB_AT_RUN_STEP,                                                \
                       .dims = "()|k|j,k",                                                         \
                       .default_value = default_},                                                 \
    [SHOWN_##name_] = {.name = "out_" #name_,                                                      \
                       .intent = SIMLAB_OUT,                                                       \
                       .dtype = SIMLAB_##DTYPE_,                                                   \
                       .length = length_,                                                          \
                       .dims = "()|k|j,k"},
    DTYPES(X)
#undef X
};

static int echo(simlab_context *c)
{
    const struct simlab_view *v;
#define X(name_, DTYPE_, length_, default_)                                                        \
    v = simlab_value(c, GIVEN_##name_);                                                            \
    memcpy(simlab_##name_##_nd(c, SHOWN_##name_, v->ndim, v->shape), v->data,                      \
           (size_t)v->size *(size_t)v->itemsize);
    DTYPES(X)
#undef X
    return 0;
}
static const struct simlab_process Echo = {
    .name = "Echo", SIMLAB_VARIABLES(echo_variables), .run_step = echo};

#define INDEX(name_, DTYPE_, length_)                                                              \
    {                                                                                              \
        .name = "ix_" #name_, .kind = SIMLAB_INDEX, .dtype = SIMLAB_##DTYPE_, .length = length_,   \
        .dims = "ix_" #name_                                                                       \
    }
static const struct simlab_variable label_variables[] = {
    INDEX(bool, BOOL, 0), INDEX(i1, I1, 0),   INDEX(i2, I2, 0), INDEX(i4, I4, 0),
    INDEX(i8, I8, 0),     INDEX(u1, U1, 0),   INDEX(u2, U2, 0), INDEX(u4, U4, 0),
    INDEX(u8, U8, 0),     INDEX(f4, F4, 0),   INDEX(f8, F8, 0), INDEX(c8, C8, 0),
    INDEX(c16, C16, 0),   INDEX(str, STR, 5),
};
static int labels_initialize(simlab_context *c)
{
    static const uint8_t flags[2] = {0, 1};
    memcpy(simlab_bool_1d(c, 0, 2), flags, 2);
    for (int i = 0; i < 3; i++) {
        simlab_i1_1d(c, 1, 3)[i] = (int8_t)(i - 1);
        simlab_i2_1d(c, 2, 3)[i] = (int16_t)(i - 1);
        simlab_i4_1d(c, 3, 3)[i] = i - 1;
        simlab_i8_1d(c, 4, 3)[i] = i - 1;
        simlab_u1_1d(c, 5, 3)[i] = (uint8_t)(i + 250);
        simlab_u2_1d(c, 6, 3)[i] = (uint16_t)i;
        simlab_u4_1d(c, 7, 3)[i] = (uint32_t)i;
        simlab_u8_1d(c, 8, 3)[i] = (uint64_t)i;
        simlab_f4_1d(c, 9, 3)[i] = 0.5F * (float)i;
        simlab_f8_1d(c, 10, 3)[i] = 0.25 * i;
        simlab_c8_1d(c, 11, 3)[2 * i] = (float)i;
        simlab_c8_1d(c, 11, 3)[2 * i + 1] = -1;
        simlab_c16_1d(c, 12, 3)[2 * i] = i;
        simlab_c16_1d(c, 12, 3)[2 * i + 1] = -2;
    }
    memcpy(simlab_str_1d(c, 13, 3), "a\0\0\0\0bcd\0\0efghi", 15);
    return 0;
}
static const struct simlab_process Labels = {
    .name = "Labels", SIMLAB_VARIABLES(label_variables), .initialize = labels_initialize};

/* ---- the main clock as a dimension --------------------------------------------------------------
 */

enum { ELAPSED, TABLE };

static int clocked_initialize(simlab_context *c)
{
    const struct simlab_runtime *t = simlab_now(c);
    double *elapsed = simlab_f8_1d(c, ELAPSED, t->main_clock_size);
    double *table = simlab_f8_2d(c, TABLE, 2, t->main_clock_size);
    for (int64_t i = 0; i < t->main_clock_size; i++) {
        elapsed[i] = t->main_clock[i] - t->sim_start;
        table[i] = t->main_clock[i];
        table[t->main_clock_size + i] = -t->main_clock[i];
    }
    return 0;
}
static const struct simlab_variable clocked_variables[] = {
    [ELAPSED] = {.name = "elapsed", .intent = SIMLAB_OUT, .dims = SIMLAB_MAIN_CLOCK},
    [TABLE] = {.name = "table", .intent = SIMLAB_OUT, .dims = "k," SIMLAB_MAIN_CLOCK},
};
static const struct simlab_process Clocked = {
    .name = "Clocked", SIMLAB_VARIABLES(clocked_variables), .initialize = clocked_initialize};

/* ---- inout without a setter ---------------------------------------------------------------------
 */

enum { FIELD, GAIN };

static int field_run_step(simlab_context *c)
{
    int64_t ny = simlab_shape(c, FIELD, 0), nx = simlab_shape(c, FIELD, 1);
    double *u = simlab_f8_mut(c, FIELD, ny * nx);
    for (int64_t j = 0; j < ny; j++)
        for (int64_t i = 0; i < nx; i++)
            u[j * nx + i] += simlab_f8_get(c, GAIN) * (double)(10 * j + i);
    return 0;
}
static const struct simlab_variable field_variables[] = {
    [FIELD] = {.name = "u",
               .intent = SIMLAB_INOUT,
               .dims = "y,x",
               .units = "m",
               .encoding = "{\"chunks\": [2, 2]}"},
    [GAIN] = {.name = "gain", .flags = SIMLAB_STATIC, .default_value = "1"},
};
static const struct simlab_process Field = {
    .name = "Field", SIMLAB_VARIABLES(field_variables), .run_step = field_run_step};

/* ---- validators and converters ------------------------------------------------------------------
 */

enum { LOW, HIGH, SIZE, MODE, LEVEL, DRIVEN, USED };

static int low_validate(simlab_context *c, int32_t var)
{
    double low = simlab_f8_get(c, var), high = simlab_f8_get(c, HIGH);
    return low < high ? 0 : simlab_fail(c, "%g is not below %g", low, high);
}
static int size_convert(simlab_context *c, int32_t var)
{
    simlab_f8_put(c, var, fabs(simlab_f8_get(c, var)));
    return 0;
}
static int size_validate(simlab_context *c, int32_t var)
{
    return simlab_f8_get(c, var) < 0 ? simlab_fail(c, "not converted before") : 0;
}
static int use(simlab_context *c)
{
    simlab_f8_put(c, USED, simlab_f8_get(c, SIZE));
    return 0;
}
static const struct simlab_variable checked_variables[] = {
    [LOW] = {.name = "low", .default_value = "0", .validate = low_validate},
    [HIGH] = {.name = "high", .default_value = "1"},
    [SIZE] = {.name = "size",
              .default_value = "-1",
              .bounds = "[0, 10]",
              .reads = SIMLAB_AT_RUN_STEP,
              .validate = size_validate,
              .convert = size_convert},
    [MODE] = {.name = "mode",
              .dtype = SIMLAB_STR,
              .length = 4,
              .default_value = "\"fast\"",
              .choices = "[\"fast\", \"slow\"]"},
    [LEVEL] = {.name = "level", .dtype = SIMLAB_I4, .default_value = "1", .choices = "[1, 2, 4]"},
    [DRIVEN] = {.name = "driven", .default_value = "0.5", .bounds = "[0, 1)"},
    [USED] = {.name = "used", .intent = SIMLAB_OUT},
};
static const struct simlab_process Checked = {
    .name = "Checked", SIMLAB_VARIABLES(checked_variables), .run_step = use};

static int drive(simlab_context *c)
{
    simlab_f8_put(c, 0, 0.5 + 0.25 * (double)(simlab_now(c)->step + 1));
    return 0;
}
static const struct simlab_variable driver_variables[] = {
    {.name = "driven", .kind = SIMLAB_FOREIGN, .intent = SIMLAB_OUT, .type = "Checked"},
};
static const struct simlab_process Driver = {
    .name = "Driver", SIMLAB_VARIABLES(driver_variables), .initialize = drive, .run_step = drive};

/* ---- sizes that change --------------------------------------------------------------------------
 */

enum { LENGTH, VALUES, GRID, FLAGS, COUNTS, GROWN_LABEL };

static int grow(simlab_context *c)
{
    const struct simlab_runtime *t = simlab_now(c);
    int64_t n = simlab_i8_get(c, LENGTH);
    double *values = simlab_f8_1d(c, VALUES, n), *grid = simlab_f8_2d(c, GRID, 2, n);
    uint8_t *flags = simlab_bool_1d(c, FLAGS, n);
    int32_t *counts = simlab_i4_1d(c, COUNTS, n), *label = simlab_i4_1d(c, GROWN_LABEL, n);
    for (int64_t i = 0; i < n; i++) {
        values[i] = (double)(100 * t->batch + 10 * t->step + i);
        grid[i] = values[i];
        grid[n + i] = -values[i];
        flags[i] = 1;
        counts[i] = (int32_t)i;
        label[i] = (int32_t)(10 * i);
    }
    return 0;
}
static const struct simlab_variable grower_variables[] = {
    [LENGTH] = {.name = "length", .dtype = SIMLAB_I8, .reads = SIMLAB_AT_RUN_STEP},
    [VALUES] = {.name = "values", .intent = SIMLAB_OUT, .dims = "pt"},
    [GRID] = {.name = "grid", .intent = SIMLAB_OUT, .dims = "k,pt"},
    [FLAGS] = {.name = "flags", .intent = SIMLAB_OUT, .dtype = SIMLAB_BOOL, .dims = "pt"},
    [COUNTS] = {.name = "counts", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4, .dims = "pt"},
    [GROWN_LABEL] = {.name = "pt", .kind = SIMLAB_INDEX, .dtype = SIMLAB_I4, .dims = "pt"},
};
static const struct simlab_process Grower = {
    .name = "Grower", SIMLAB_VARIABLES(grower_variables), .run_step = grow};

/* ---- the runtime context, in every stage
 * --------------------------------------------------------- */

static void tell(simlab_context *c, const char *stage)
{
    const struct simlab_runtime *t = simlab_now(c);
    simlab_log(c, "%s %lld %lld %g %g %g %g %g %lld %lld %lld %g", stage, (long long)t->step,
               (long long)t->nsteps, t->step_start, t->step_end, t->step_delta, t->sim_start,
               t->sim_end, (long long)t->batch, (long long)t->batch_size,
               (long long)t->main_clock_size, t->main_clock[t->main_clock_size - 1]);
}

enum { FAILS_AT, STAGES_DONE };

/* fails_at: the number of the stage that fails; in steps, of step 1. */
static int told_stage(simlab_context *c, enum simlab_stage stage, const char *name)
{
    tell(c, name);
    if (stage != SIMLAB_FINALIZE)
        simlab_i8_put(c, STAGES_DONE, stage + 10 * (simlab_now(c)->step + 1));
    int in_step = stage == SIMLAB_RUN_STEP || stage == SIMLAB_FINALIZE_STEP;
    if (simlab_i8_get(c, FAILS_AT) == (int64_t)stage && (!in_step || simlab_now(c)->step == 1))
        return simlab_fail(c, "asked to fail");
    return 0;
}
#define TOLD_STAGE(name_, STAGE_)                                                                  \
    static int told_##name_(simlab_context *c)                                                     \
    {                                                                                              \
        return told_stage(c, STAGE_, #name_);                                                      \
    }
TOLD_STAGE(initialize, SIMLAB_INITIALIZE)
TOLD_STAGE(run_step, SIMLAB_RUN_STEP)
TOLD_STAGE(finalize_step, SIMLAB_FINALIZE_STEP)
TOLD_STAGE(finalize, SIMLAB_FINALIZE)

static const struct simlab_variable teller_variables[] = {
    [FAILS_AT] = {.name = "fails_at", .dtype = SIMLAB_I8, .default_value = "-1"},
    [STAGES_DONE] = {.name = "done", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
};
static const struct simlab_process Teller = {.name = "Teller",
                                             SIMLAB_VARIABLES(teller_variables),
                                             .initialize = told_initialize,
                                             .run_step = told_run_step,
                                             .finalize_step = told_finalize_step,
                                             .finalize = told_finalize};
static const struct simlab_process Teller2 = {.name = "Teller2", .extends = "Teller"};

/* ---- signals
 * -------------------------------------------------------------------------------------- */

enum { SIGNAL, RAN };

static int signal_step(simlab_context *c)
{
    simlab_i8_put(c, RAN, simlab_now(c)->step + 1);
    int64_t number = simlab_now(c)->stage == SIMLAB_INITIALIZE ? 0 : simlab_i8_get(c, SIGNAL);
    return number == 0 ? SIMLAB_NONE : SIMLAB_SKIP + (int)number - 1;
}
static const struct simlab_variable signaller_variables[] = {
    [SIGNAL] = {.name = "signal", .dtype = SIMLAB_I8, .reads = SIMLAB_AT_RUN_STEP},
    [RAN] = {.name = "ran", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
};
static const struct simlab_process Signaller = {.name = "Signaller",
                                                SIMLAB_VARIABLES(signaller_variables),
                                                .initialize = signal_step,
                                                .run_step = signal_step};

enum { BEFORE, STEPS, ENDS };

static int follower_initialize(simlab_context *c)
{
    simlab_i8_put(c, STEPS, 0);
    simlab_i8_put(c, ENDS, 0);
    return 0;
}
static int follower_run_step(simlab_context *c)
{
    ++*simlab_i8_mut(c, STEPS, 1);
    return 0;
}
static int follower_finalize_step(simlab_context *c)
{
    ++*simlab_i8_mut(c, ENDS, 1);
    return 0;
}
static const struct simlab_variable follower_variables[] = {
    [BEFORE] = {.name = "before", .kind = SIMLAB_FOREIGN, .type = "Signaller", .var = "ran"},
    [STEPS] = {.name = "steps", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
    [ENDS] = {.name = "ends", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
};
static const struct simlab_process Follower = {.name = "Follower",
                                               SIMLAB_VARIABLES(follower_variables),
                                               .initialize = follower_initialize,
                                               .run_step = follower_run_step,
                                               .finalize_step = follower_finalize_step};

/* ---- random numbers
 * ------------------------------------------------------------------------------- */

enum { AMPLITUDE, DRAWN };

static int draw(simlab_context *c)
{
    double *drawn = simlab_f8_1d(c, DRAWN, 3), amplitude = simlab_f8_get(c, AMPLITUDE);
    simlab_random_fill(c, drawn, 3);
    for (int i = 0; i < 3; i++)
        drawn[i] *= amplitude;
    return 0;
}
static const struct simlab_variable noise_variables[] = {
    [AMPLITUDE] = {.name = "amplitude", .default_value = "1"},
    [DRAWN] = {.name = "drawn", .intent = SIMLAB_OUT, .dims = "draw"},
};
static const struct simlab_process Noise = {.name = "Noise",
                                            SIMLAB_VARIABLES(noise_variables),
                                            .initialize = draw,
                                            .run_step = draw,
                                            .finalize_step = draw};

/* ---- what encodings are tried on
 * ------------------------------------------------------------------- */

enum { REAL, WHOLE, START };

static int fill_in(simlab_context *c)
{
    double *real = simlab_f8_2d(c, REAL, 6, 4);
    int32_t *whole = simlab_i4_2d(c, WHOLE, 6, 4);
    int64_t start = simlab_i8_get(c, START) + simlab_now(c)->step;
    for (int i = 0; i < 24; i++) {
        real[i] = (double)(start + i) / 4;
        whole[i] = (int32_t)(start + i);
    }
    return 0;
}
static const struct simlab_variable encoded_variables[] = {
    [REAL] = {.name = "real", .intent = SIMLAB_OUT, .dims = "y,x"},
    [WHOLE] = {.name = "whole", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4, .dims = "y,x"},
    [START] = {.name = "start", .dtype = SIMLAB_I8, .default_value = "0"},
};
static const struct simlab_process Encoded = {.name = "Encoded",
                                              SIMLAB_VARIABLES(encoded_variables),
                                              .initialize = fill_in,
                                              .run_step = fill_in};

/* ---- a coordinate system of a process's own ---- */

enum { PLACED_Y, PLACED_X, PLACED_HEIGHT };

#define PLACED_LABELS(name_, crs_)                                                                 \
    {                                                                                              \
        .name = name_, .kind = SIMLAB_INDEX, .dims = name_, .attrs = "{\"crs\": " crs_ "}"         \
    }

static int placed_initialize(simlab_context *c)
{
    double *y = simlab_f8_1d(c, PLACED_Y, 2), *x = simlab_f8_1d(c, PLACED_X, 3);
    double *height = simlab_f8_2d(c, PLACED_HEIGHT, 2, 3);
    for (int i = 0; i < 3; i++)
        x[i] = 400000 + 1000 * i;
    for (int i = 0; i < 2; i++)
        y[i] = 5201000 - 1000 * i;
    for (int i = 0; i < 6; i++)
        height[i] = i;
    return 0;
}

static const struct simlab_variable placed_variables[] = {
    [PLACED_Y] = {.name = "y", .kind = SIMLAB_INDEX, .dims = "y"},
    [PLACED_X] = PLACED_LABELS("x", "\"EPSG:25832\""),
    [PLACED_HEIGHT] = {.name = "height", .intent = SIMLAB_OUT, .dims = "y,x"},
};
static const struct simlab_process Placed = {
    .name = "Placed", SIMLAB_VARIABLES(placed_variables), .initialize = placed_initialize};

static const struct simlab_variable nowhere_variables[] = {
    [PLACED_Y] = {.name = "y", .kind = SIMLAB_INDEX, .dims = "y"},
    [PLACED_X] = PLACED_LABELS("x", "\"nowhere\""),
    [PLACED_HEIGHT] = {.name = "height", .intent = SIMLAB_OUT, .dims = "y,x"},
};
static const struct simlab_process Nowhere = {
    .name = "Nowhere", SIMLAB_VARIABLES(nowhere_variables), .initialize = placed_initialize};

SIMLAB_LIBRARY("1.0", "every kind of variable", &Source, &SubSource, &Near, &Far, &Global,
               &OfGlobal, &SetsGlobal, &Member, &Member2, &Collector, &Counter, &Reader, &Holder,
               &Borrower, &Echo, &Labels, &Clocked, &Field, &Checked, &Driver, &Grower, &Teller,
               &Teller2, &Signaller, &Follower, &Noise, &Encoded, &Placed, &Nowhere)

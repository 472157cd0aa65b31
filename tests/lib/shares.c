/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: processes of one model that run side by side. */
#include <simlab/process.h>

#include <stdatomic.h>

/* ---- a field, made by parallel loops ---- */

enum { SIZE, VALUE, SUM };

static const struct simlab_variable field_variables[] = {
    [SIZE] = {.name = "size", .dtype = SIMLAB_I8, .flags = SIMLAB_STATIC, .default_value = "1000"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT, .dims = "x", .groups = "fields"},
    [SUM] = {.name = "sum", .intent = SIMLAB_OUT},
};

static int draw(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    double *value = userdata;
    for (int64_t i = begin; i < end; i++)
        value[i] = value[i] / 3 + simlab_normal(c, i, 0, 1);
    return 0;
}

static int add(simlab_context *c, int64_t begin, int64_t end, void *userdata, void *ret_part)
{
    const double *value = userdata;
    double sum = 0;
    (void)c;
    for (int64_t i = begin; i < end; i++)
        sum += value[i];
    *(double *)ret_part = sum;
    return 0;
}

static int field_run_step(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, SIZE);
    double *value = simlab_f8_1d(c, VALUE, n);
    int r = simlab_parallel_for(c, n, 16, draw, value);
    double sum = simlab_parallel_sum(c, n, 16, add, value);
    simlab_f8_put(c, SUM, sum * simlab_random_f8(c));
    simlab_log(c, "the sum is %.17g", sum);
    return r;
}

static const struct simlab_process Field = {
    .name = "Field", SIMLAB_VARIABLES(field_variables), .run_step = field_run_step};

/* ---- what they are together ---- */

enum { FIELDS, TOTAL };

static const struct simlab_variable total_variables[] = {
    [FIELDS] = {.name = "fields", .kind = SIMLAB_GROUP, .group = "fields"},
    [TOTAL] = {.name = "total", .intent = SIMLAB_OUT, .dims = "x"},
};

static int total_run_step(simlab_context *c)
{
    int64_t n = simlab_group_view(c, FIELDS, 0)->size;
    simlab_f8_sum(c, FIELDS, n, simlab_f8_1d(c, TOTAL, n));
    simlab_log(c, "step %d: %d fields", (int)simlab_now(c)->step,
               (int)simlab_group_size(c, FIELDS));
    return 0;
}

static const struct simlab_process Total = {
    .name = "Total", SIMLAB_VARIABLES(total_variables), .run_step = total_run_step};

/* ---- two that wait for each other: in order, neither would end ---- */

static const struct simlab_variable meets_variables[] = {
    {.name = "met", .intent = SIMLAB_OUT},
};

static int meets_run_step(simlab_context *c)
{
    static atomic_int came;
    int both = (atomic_fetch_add(&came, 1) / 2 + 1) * 2;
    while (atomic_load(&came) < both)
        continue;
    simlab_f8_put(c, 0, (double)simlab_now(c)->step);
    return 0;
}

static const struct simlab_process Meets = {
    .name = "Meets", SIMLAB_VARIABLES(meets_variables), .run_step = meets_run_step};

/* ---- one that fails ---- */

static int fails_run_step(simlab_context *c)
{
    simlab_log(c, "about to fail");
    return simlab_now(c)->step == 1 ? simlab_fail(c, "asked to fail") : 0;
}

static const struct simlab_process Fails = {.name = "Fails", .run_step = fails_run_step};

SIMLAB_LIBRARY("1.0", "side by side", &Field, &Total, &Meets, &Fails)

/* SPDX-License-Identifier: Apache-2.0 */
/* The time loop, with a library made here: Source sets `value`, has the on-demand variables
 * `drawn` and `kept` (cached), and may fail; Reader runs after it and reads them. */
#include "stage/stage.h"

#include "base/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { FAIL, VALUE, DRAWN, KEPT };
enum { READ_VALUE, READ_DRAWN, READ_KEPT, SUM };
enum fault { NONE, AT_INITIALIZE, AT_STEP, AT_FINALIZE, BREAKS };

static char text[4096];  /* what happened, in order */
static double drawn[64]; /* what Reader saw of `drawn` */
static int n_drawn, n_computed;

#ifndef __SANITIZE_ADDRESS__
#define COUNTS_ALLOCATIONS 1
static long n_allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n)
{
    n_allocations++;
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    n_allocations++;
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    n_allocations++;
    return __libc_realloc(p, n);
}
#endif

static void happened(const char *what)
{
    strcat(strcat(text, *text ? " " : ""), what);
}

static enum fault fault_of(simlab_context *c)
{
    return (enum fault)simlab_i8_get(c, FAIL);
}

static int source_initialize(simlab_context *c)
{
    happened("S.i");
    if (fault_of(c) == AT_INITIALIZE)
        return simlab_fail(c, "asked to");
    simlab_f8_put(c, VALUE, 0);
    return 0;
}

static int source_run_step(simlab_context *c)
{
    happened("S.r");
    if (fault_of(c) == AT_STEP && simlab_now(c)->step == 1)
        return simlab_fail(c, "asked to");
    simlab_f8_put(c, VALUE, simlab_now(c)->step + 1.0);
    return fault_of(c) == BREAKS ? SIMLAB_BREAK : 0;
}

static int source_finalize(simlab_context *c)
{
    happened("S.f");
    return fault_of(c) == AT_FINALIZE ? simlab_fail(c, "asked to") : 0;
}

static int compute(simlab_context *c, int32_t var)
{
    n_computed++;
    simlab_f8_put(c, var, simlab_random_f8(c));
    return 0;
}

static int reader_initialize(simlab_context *c)
{
    happened("R.i");
    simlab_f8_put(c, SUM, 0);
    return 0;
}

static int reader_run_step(simlab_context *c)
{
    happened("R.r");
    double first = simlab_f8_get(c, READ_DRAWN), again = simlab_f8_get(c, READ_DRAWN);
    cr_assert_eq(first, again, "what is drawn does not depend on how often it is asked for");
    drawn[n_drawn++ % 64] = first;
    int before = n_computed;
    cr_assert_eq(simlab_f8_get(c, READ_KEPT), simlab_f8_get(c, READ_KEPT));
    cr_assert_leq(n_computed - before, 1, "cached: once in a stage");
    simlab_f8_put(c, SUM, simlab_f8_get(c, READ_VALUE) + first);
    return 0;
}

static int reader_finalize_step(simlab_context *c)
{
    (void)c;
    happened("R.s");
    return 0;
}

static int reader_finalize(simlab_context *c)
{
    (void)c;
    happened("R.f");
    return 0;
}

static const struct simlab_variable source_variables[] = {
    [FAIL] = {.name = "fail", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
    [DRAWN] = {.name = "drawn", .kind = SIMLAB_ON_DEMAND, .compute = compute},
    [KEPT] = {.name = "kept", .kind = SIMLAB_ON_DEMAND, .flags = SIMLAB_CACHED, .compute = compute},
};
static const struct simlab_variable reader_variables[] = {
    [READ_VALUE] = {.name = "value", .kind = SIMLAB_FOREIGN, .type = "Source"},
    [READ_DRAWN] = {.name = "drawn", .kind = SIMLAB_FOREIGN, .type = "Source"},
    [READ_KEPT] = {.name = "kept", .kind = SIMLAB_FOREIGN, .type = "Source"},
    [SUM] = {.name = "sum", .intent = SIMLAB_OUT},
};
static const struct simlab_process source = {.name = "Source",
                                             SIMLAB_VARIABLES(source_variables),
                                             .initialize = source_initialize,
                                             .run_step = source_run_step,
                                             .finalize = source_finalize,
                                             .instance_size = 100};
static const struct simlab_process reader = {.name = "Reader",
                                             SIMLAB_VARIABLES(reader_variables),
                                             .initialize = reader_initialize,
                                             .run_step = reader_run_step,
                                             .finalize_step = reader_finalize_step,
                                             .finalize = reader_finalize};
static const struct stage_code source_code = {.process = &source},
                               reader_code = {.process = &reader};

/* The same as the tables above say. */
static const char library[] =
    "{'abi': 1, 'library': 't', 'path': 't.so', 'hash': '0', 'types': ["
    "{'name': 'Source', 'stages': ['initialize', 'run_step', 'finalize'], 'variables': ["
    "{'name': 'fail', 'dtype': 'i8', 'default': '0'}, {'name': 'value', 'intent': 'out'},"
    "{'name': 'drawn', 'kind': 'on_demand', 'has_compute': true},"
    "{'name': 'kept', 'kind': 'on_demand', 'cached': true, 'has_compute': true}]},"
    "{'name': 'Reader', 'stages': ['initialize', 'run_step', 'finalize_step', 'finalize'],"
    " 'variables': [{'name': 'value', 'kind': 'foreign', 'type': 'Source'},"
    "{'name': 'drawn', 'kind': 'foreign', 'type': 'Source'},"
    "{'name': 'kept', 'kind': 'foreign', 'type': 'Source'}, {'name': 'sum', 'intent': 'out'}]}]}";

static json_t *parse(const char *format, ...)
{
    char quoted[8192];
    struct error e = {.message = ""};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(quoted, sizeof quoted, format, arguments);
    va_end(arguments);
    for (char *c = quoted; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_read(quoted, strlen(quoted), &e);
    cr_assert(value, "%s", e.message);
    return value;
}

struct setting {
    struct registry *registry;
    struct job *job;
    struct simulation *simulation;
};

/* `labels` is JSON, of the main clock; `outputs` and `more` are parts of a job. */
static void open_setting(struct setting *s, const char *labels, const char *fail,
                         const char *outputs, const char *more)
{
    struct error e = {.message = ""};
    json_t *document = parse(library);
    s->registry = registry_new();
    cr_assert_eq(registry_add(s->registry, document, &e), 0, "%s", e.message);
    registry_finish(s->registry);
    json_decref(document);
    document = parse("{'model': {'processes': {'r': 't.Reader', 's': 't.Source'}},"
                     " 'clocks': {'time': {'data': %s}}, 'main_clock': 'time',"
                     " 'inputs': {'s__fail': %s}, 'outputs': {%s}%s}",
                     labels, fail, outputs, more);
    int r = job_new(s->registry, document, NULL, &s->job, &e);
    cr_assert_eq(r, 0, "%s: %s", e.pointer, e.message);
    json_decref(document);
    const struct stage_code *codes[2];
    for (int i = 0; i < 2; i++)
        codes[i] = s->job->model->processes[i].type->name[2] == 'S' ? &source_code : &reader_code;
    r = simulation_new(s->job, codes, NULL, NULL, &s->simulation, &e);
    cr_assert_eq(r, 0, "%s", e.message);
}

static void close_setting(struct setting *s)
{
    simulation_free(s->simulation);
    job_free(s->job);
    registry_unref(s->registry);
}

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    (void)member;
    char what[64];
    const struct setting *s = userdata;
    snprintf(what, sizeof what, "%s[%d]=%g", s->job->outputs[output].name, (int)at,
             *(double *)view->data);
    happened(what);
    return 0;
}

static int run(struct setting *s, int64_t member, struct error *e)
{
    const struct stage_events events = {.output = on_output, .userdata = s};
    text[0] = '\0';
    n_drawn = 0;
    return simulation_run(s->simulation, member, &events, e);
}

static void check_run(const char *labels, const char *fail, int result, const char *events)
{
    struct setting s;
    struct error e = {.message = ""};
    open_setting(&s, labels, fail, "'s__value': 'time'", "");
    cr_assert_eq(run(&s, 0, &e), result, "%s", e.message);
    cr_assert_str_eq(text, events);
    if (result)
        cr_assert(strstr(e.message, "process 's' (t.Source)") && strstr(e.message, "asked to"),
                  "%s", e.message);
    close_setting(&s);
}

Test(simulation, stages_and_saves_in_order)
{
    check_run("[0, 1, 2]", "0", 0,
              "S.i R.i S.r R.r s__value[0]=1 R.s S.r R.r s__value[1]=2 R.s s__value[2]=2 S.f R.f");
    check_run("[0]", "0", 0, "S.i R.i s__value[0]=0 S.f R.f");
}

Test(simulation, finalizes_what_was_begun_after_an_error)
{
    check_run("[0, 1]", "1", STAGE_FAILED, "S.i S.f");
    check_run("[0, 1, 2]", "2", STAGE_FAILED, "S.i R.i S.r R.r s__value[0]=1 R.s S.r S.f R.f");
    check_run("[0, 1]", "3", STAGE_FAILED,
              "S.i R.i S.r R.r s__value[0]=1 R.s s__value[1]=1 S.f R.f");
}

Test(simulation, a_break_skips_descendants_in_its_stage)
{
    check_run("[0, 1]", "4", 0, "S.i R.i S.r s__value[0]=1 R.s s__value[1]=1 S.f R.f");
}

/* By member, seed, stage and step; not by what else is asked for, or was run before. */
Test(simulation, random_numbers_depend_on_nothing_else)
{
    struct setting few, many;
    struct error e = {.message = ""};
    double alone[4];
    const char *batch = ", 'batch_dim': 'b'";
    open_setting(&few, "[0, 1, 2]", "{'dims': ['b'], 'data': [0, 2, 0]}", "'r__sum': null", batch);
    cr_assert_eq(run(&few, 2, &e), 0, "%s", e.message);
    memcpy(alone, drawn, sizeof alone);
    cr_assert_neq(alone[0], alone[1]);
    open_setting(&many, "[0, 1, 2]", "{'dims': ['b'], 'data': [0, 2, 0]}",
                 "'s__drawn': 'time', 's__kept': 'time'", batch);
    for (int64_t member = 0; member < 3; member++)
        cr_assert_eq(run(&many, member, &e), member == 1 ? STAGE_FAILED : 0);
    cr_assert_eq(drawn[0], alone[0]);
    cr_assert_eq(drawn[1], alone[1]);
    cr_assert_eq(run(&many, 0, &e), 0);
    cr_assert_neq(drawn[0], alone[0]);
    close_setting(&few);
    close_setting(&many);
}

Test(simulation, a_steady_state_allocates_nothing)
{
#ifdef COUNTS_ALLOCATIONS
    struct setting s;
    struct error e = {.message = ""};
    open_setting(&s, "[0, 1, 2, 3]", "{'dims': ['b'], 'data': [0, 4, 0, 4]}",
                 "'r__sum': 'time', 's__kept': 'time'", ", 'batch_dim': 'b'");
    cr_assert_eq(run(&s, 0, &e), 0, "%s", e.message);
    long before = n_allocations;
    for (int64_t member = 1; member < 4; member++)
        cr_assert_eq(run(&s, member, &e), 0);
    cr_assert_eq(n_allocations, before, "%ld allocations", n_allocations - before);
    close_setting(&s);
#endif
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: processes that go wrong as their input says. */
#include <simlab/process.h>

#include <stdlib.h>

enum { FAULT, VALUE };

/* What goes wrong in step 1. */
enum fault {
    NONE,
    FAILS,
    ABORTS,
    WRITES_NOWHERE,
    NEVER_ENDS,
    EXITS,
    EXITS_WITH_3, /* as a worker does that has lost its daemon */
    EXITS_AT_ONCE,
    EXITS_QUICKLY
};

static const struct simlab_variable faulty_variables[] = {
    [FAULT] = {.name = "fault", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

static int faulty_initialize(simlab_context *c)
{
    simlab_f8_put(c, VALUE, 0);
    return 0;
}

static int faulty_run_step(simlab_context *c)
{
    enum fault fault = simlab_now(c)->step == 1 ? (enum fault)simlab_i8_get(c, FAULT) : NONE;
    volatile int *volatile nowhere = NULL;
    switch (fault) {
    case NONE:
        break;
    case FAILS:
        return simlab_fail(c, "asked to fail");
    case ABORTS:
        abort();
    case WRITES_NOWHERE:
        *nowhere = 1;
        break;
    case NEVER_ENDS:
        for (volatile int forever = 1; forever;)
            continue;
        break;
    case EXITS:
        exit(0);
    case EXITS_WITH_3:
        exit(3);
    case EXITS_AT_ONCE:
        _Exit(0);
    case EXITS_QUICKLY:
        quick_exit(0);
    }
    simlab_f8_put(c, VALUE, simlab_now(c)->step + 1.0);
    return 0;
}

static const struct simlab_process Faulty = {
    .name = "Faulty",
    .description = "goes wrong as its input says",
    .variables = faulty_variables,
    .n_variables = SIMLAB_COUNT(faulty_variables),
    .initialize = faulty_initialize,
    .run_step = faulty_run_step,
};

/* Mistakes of a scientist, each in its own stage: the host must tell them, and not crash. */
enum { MISTAKE, GIVEN, VECTOR, SCALAR, NEVER_SET, COUNTED, LATE, MEMBERS, THING, LAZY, ITSELF };

enum mistake {
    M_NONE,
    M_READS_AS_FLOAT,
    M_WRITES_INPUT,
    M_WRONG_NDIM,
    M_READS_UNSET,
    M_UNKNOWN_INDEX,
    M_UNDECLARED_STAGE,
    M_NEGATIVE_SIZE,
    M_HUGE_SIZE,
    M_NO_MEMBER,
    M_GROUP_AS_VALUE,
    M_UNSET_OBJECT,
    M_WRITES_ON_DEMAND,
    M_READS_ITSELF,
    M_NO_SIGNAL,
    M_SILENT_ERROR,
    M_CREATES_AS_FLOAT
};

static int lazy_compute(simlab_context *c, int32_t var)
{
    (void)c;
    (void)var;
    return 0; /* and does not set it */
}

static int itself_compute(simlab_context *c, int32_t var)
{
    simlab_f8_put(c, var, 1.0);
    simlab_f8_get(c, LAZY);
    return 0;
}

static const struct simlab_variable mistaken_variables[] = {
    [MISTAKE] = {.name = "mistake", .dtype = SIMLAB_I8, .default_value = "0"},
    [GIVEN] = {.name = "given", .dims = "x", .default_value = "[1, 2, 3]"},
    [VECTOR] = {.name = "vector", .intent = SIMLAB_OUT, .dims = "x"},
    [SCALAR] = {.name = "scalar", .intent = SIMLAB_OUT},
    [NEVER_SET] = {.name = "never_set", .intent = SIMLAB_OUT, .dims = "x"},
    [COUNTED] = {.name = "counted", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4},
    [LATE] = {.name = "late", .intent = SIMLAB_OUT, .writes = SIMLAB_AT_FINALIZE_STEP},
    [MEMBERS] = {.name = "members", .kind = SIMLAB_GROUP, .group = "nobodys"},
    [THING] = {.name = "thing", .kind = SIMLAB_OBJECT, .intent = SIMLAB_OUT},
    [LAZY] = {.name = "lazy", .kind = SIMLAB_ON_DEMAND, .compute = lazy_compute},
    [ITSELF] = {.name = "itself", .kind = SIMLAB_ON_DEMAND, .compute = itself_compute},
};

static int make_mistake(simlab_context *c, enum mistake mistake)
{
    switch (mistake) {
    case M_NONE:
        break;
    case M_READS_AS_FLOAT:
        return simlab_f4(c, GIVEN, 3)[2] > 0 ? 0 : 0;
    case M_WRITES_INPUT:
        simlab_f8_mut(c, GIVEN, 3)[2] = 1;
        break;
    case M_WRONG_NDIM:
        simlab_f8_2d(c, VECTOR, 100, 100)[9999] = 1;
        break;
    case M_READS_UNSET:
        return simlab_f8(c, NEVER_SET, 4)[0] > 0 ? 0 : 0;
    case M_UNKNOWN_INDEX:
        simlab_f8_1d(c, 77, 1000)[999] = 1;
        break;
    case M_UNDECLARED_STAGE:
        simlab_f8_put(c, LATE, 1);
        break;
    case M_NEGATIVE_SIZE:
        simlab_f8_1d(c, VECTOR, -5)[0] = 1;
        break;
    case M_HUGE_SIZE:
        simlab_f8_2d(c, VECTOR, INT64_MAX / 4, INT64_MAX / 4)[0] = 1;
        break;
    case M_NO_MEMBER:
        return simlab_f8_member(c, MEMBERS, 3, 1)[0] > 0 ? 0 : 0;
    case M_GROUP_AS_VALUE:
        return simlab_f8(c, MEMBERS, 1)[0] > 0 ? 0 : 0;
    case M_UNSET_OBJECT:
        return simlab_object(c, THING) ? 0 : 0;
    case M_WRITES_ON_DEMAND:
        simlab_f8_put(c, LAZY, 1);
        break;
    case M_READS_ITSELF:
        return simlab_f8_get(c, ITSELF) > 0 ? 0 : 0;
    case M_NO_SIGNAL:
        return 17;
    case M_SILENT_ERROR:
        return SIMLAB_ERROR;
    case M_CREATES_AS_FLOAT:
        simlab_f4_put(c, COUNTED, 1);
        break;
    }
    return 0;
}

static int mistaken_run_step(simlab_context *c)
{
    return make_mistake(c, (enum mistake)simlab_i8_get(c, MISTAKE));
}

static int mistaken_initialize(simlab_context *c)
{
    simlab_f8_put(c, SCALAR, 0);
    return 0;
}

static const struct simlab_process Mistaken = {
    .name = "Mistaken",
    .description = "makes the mistake that its input names",
    .variables = mistaken_variables,
    .n_variables = SIMLAB_COUNT(mistaken_variables),
    .initialize = mistaken_initialize,
    .run_step = mistaken_run_step,
};

/* What xarray-simlab's own test of signals counts: a step adds one, its end adds another. */
enum { V, VV };

static const struct simlab_variable counting_variables[] = {
    [V] = {.name = "v", .intent = SIMLAB_OUT},
    [VV] = {.name = "vv", .intent = SIMLAB_OUT},
};

static int counting_initialize(simlab_context *c)
{
    simlab_f8_put(c, V, 0);
    simlab_f8_put(c, VV, 10);
    return 0;
}

static int counting_add(simlab_context *c)
{
    simlab_f8_put(c, V, simlab_f8_get(c, V) + 1);
    return 0;
}

static const struct simlab_process Counting = {
    .name = "Counting",
    .variables = counting_variables,
    .n_variables = SIMLAB_COUNT(counting_variables),
    .initialize = counting_initialize,
    .run_step = counting_add,
    .finalize_step = counting_add,
};

/* Hooks that signal in step 1. */
#define SIGNALS(name_, signal_)                                                                    \
    static int hook_##name_(simlab_hook_context *h)                                                \
    {                                                                                              \
        return h->runtime->step == 1 ? signal_ : SIMLAB_NONE;                                      \
    }
SIGNALS(skip, SIMLAB_SKIP)
SIGNALS(continue, SIMLAB_CONTINUE)
SIGNALS(break, SIMLAB_BREAK)

static int hook_looks(simlab_hook_context *h)
{
    const struct simlab_view *v = simlab_hook_view(h, "foo__v");
    simlab_hook_log(h, "%s saw v = %g", h->process, v ? *(const double *)v->data : -1.0);
    return 0;
}

static int hook_asks_for_nothing(simlab_hook_context *h)
{
    return simlab_hook_view(h, "foo__nothing") != NULL;
}

static int hook_fails(simlab_hook_context *h)
{
    return simlab_hook_fail(h, "asked to fail");
}

#define HOOK(name_, level_, when_, call_)                                                          \
    {                                                                                              \
        .name = name_, .stage = SIMLAB_RUN_STEP, .level = level_, .when = when_, .call = call_     \
    }

static const struct simlab_hook hooks[] = {
    HOOK("skip_before", SIMLAB_MODEL_LEVEL, SIMLAB_BEFORE, hook_skip),
    HOOK("skip_after", SIMLAB_MODEL_LEVEL, SIMLAB_AFTER, hook_skip),
    HOOK("continue_before", SIMLAB_MODEL_LEVEL, SIMLAB_BEFORE, hook_continue),
    HOOK("continue_after", SIMLAB_MODEL_LEVEL, SIMLAB_AFTER, hook_continue),
    HOOK("break_before", SIMLAB_MODEL_LEVEL, SIMLAB_BEFORE, hook_break),
    HOOK("break_after", SIMLAB_MODEL_LEVEL, SIMLAB_AFTER, hook_break),
    HOOK("skip_process", SIMLAB_PROCESS_LEVEL, SIMLAB_BEFORE, hook_skip),
    HOOK("break_process", SIMLAB_PROCESS_LEVEL, SIMLAB_AFTER, hook_break),
    HOOK("looks", SIMLAB_PROCESS_LEVEL, SIMLAB_AFTER, hook_looks),
    HOOK("asks_for_nothing", SIMLAB_MODEL_LEVEL, SIMLAB_AFTER, hook_asks_for_nothing),
    HOOK("fails", SIMLAB_MODEL_LEVEL, SIMLAB_BEFORE, hook_fails),
};

SIMLAB_LIBRARY_WITH_HOOKS("1.0", "processes that go wrong", hooks, &Faulty, &Mistaken, &Counting)

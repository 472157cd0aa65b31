/* SPDX-License-Identifier: Apache-2.0 */
/* On-demand variables under serial and threads: once a stage where they are cached, each time where
 * they are not; circles and failures are told by the same words whoever finds them. */
#include "support.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { KIND, ONCE, LAZY, RING_A, RING_B, RING_C };
enum { READ_ONCE, READ_LAZY, READ_RING, READS, SEEN };
enum kind { WELL, FAILS, RING };

static _Atomic int n_once, n_lazy;

static int compute(simlab_context *c, int32_t var)
{
    int64_t kind = simlab_i8_get(c, KIND);
    switch (var) {
    case ONCE:
        atomic_fetch_add(&n_once, 1);
        simlab_log(c, "computes once");
        break;
    case LAZY:
        atomic_fetch_add(&n_lazy, 1);
        break;
    default: /* each needs the next, and the last the first */
        simlab_f8_get(c, var == RING_C ? RING_A : var + 1);
    }
    simlab_f8_put(c, var, simlab_random_f8(c));
    return kind == FAILS && var == ONCE ? simlab_fail(c, "it cannot") : 0;
}

static int read_all(simlab_context *c)
{
    double sum = 0;
    int64_t kind = simlab_i8_get(c, READS);
    for (int i = 0; i < 3; i++)
        sum += simlab_f8_get(c, READ_ONCE) + simlab_f8_get(c, READ_LAZY);
    if (kind == RING)
        sum += simlab_f8_get(c, READ_RING);
    simlab_log(c, "has read");
    simlab_f8_put(c, SEEN, sum);
    return 0;
}

static int nothing(simlab_context *c)
{
    (void)c;
    return 0;
}

#define OWN(row, word, flags_)                                                                     \
    [row] = {.name = word, .kind = SIMLAB_ON_DEMAND, .flags = flags_, .compute = compute}
static const struct simlab_variable owner_variables[] = {
    [KIND] = {.name = "kind", .dtype = SIMLAB_I8},
    OWN(ONCE, "once", SIMLAB_CACHED),
    OWN(LAZY, "lazy", 0),
    OWN(RING_A, "ring_a", SIMLAB_CACHED),
    OWN(RING_B, "ring_b", 0),
    OWN(RING_C, "ring_c", SIMLAB_CACHED),
};
#define READER(name_, ring_)                                                                       \
    static const struct simlab_variable name_##_variables[] = {                                    \
        [READ_ONCE] = {.name = "once", .kind = SIMLAB_FOREIGN, .type = "Owner"},                   \
        [READ_LAZY] = {.name = "lazy", .kind = SIMLAB_FOREIGN, .type = "Owner"},                   \
        [READ_RING] = {.name = "ring", .kind = SIMLAB_FOREIGN, .type = "Owner", .var = ring_},     \
        [READS] = {.name = "reads", .dtype = SIMLAB_I8},                                           \
        [SEEN] = {.name = "seen", .intent = SIMLAB_OUT},                                           \
    };                                                                                             \
    static const struct simlab_process name_ = {                                                   \
        .name = #name_, SIMLAB_VARIABLES(name_##_variables), .run_step = read_all}
READER(FromA, "ring_a");
READER(FromC, "ring_c");
static const struct simlab_process Owner = {
    .name = "Owner", SIMLAB_VARIABLES(owner_variables), .run_step = nothing};

#define DESCRIBED(word, cached)                                                                    \
    "{'name': '" word "', 'kind': 'on_demand', 'cached': " cached ", 'has_compute': true}"
#define READS_OF(ring)                                                                             \
    "[{'name': 'once', 'kind': 'foreign', 'type': 't.Owner'},"                                     \
    " {'name': 'lazy', 'kind': 'foreign', 'type': 't.Owner'},"                                     \
    " {'name': 'ring', 'kind': 'foreign', 'type': 't.Owner', 'var': '" ring "'},"                  \
    " {'name': 'reads', 'dtype': 'i8'}, {'name': 'seen', 'intent': 'out'}]"
static const struct support_type types[] = {
    {&Owner,
     "[{'name': 'kind', 'dtype': 'i8'}," DESCRIBED("once", "true") "," DESCRIBED(
         "lazy", "false") "," DESCRIBED("ring_a",
                                        "true") "," DESCRIBED("ring_b",
                                                              "false") "," DESCRIBED("ring_c",
                                                                                     "true") "]"},
    {&FromA, READS_OF("ring_a")},
    {&FromC, READS_OF("ring_c")}};

static void open_setting(struct support *s, enum kind kind, int threads)
{
    char job[800];
    snprintf(job, sizeof job,
             "{'model': {'processes': {'a': 't.FromA', 'c': 't.FromC', 'o': 't.Owner'}}, 'inputs':"
             " {'o__kind': %d, 'a__reads': %d, 'c__reads': %d}, 'outputs': {'a__seen': 'time',"
             " 'c__seen': 'time'}}",
             (int)kind, (int)kind, (int)kind);
    support_open(s, types, 3, 4, job, threads > 1 ? "threads" : "serial", threads);
}

Test(demand, cached_values_are_computed_once_a_stage)
{
    char seen[2][4096];
    for (int threads = 1; threads <= 2; threads++) {
        struct support s;
        open_setting(&s, WELL, threads);
        for (int round = 0; round < 30; round++) {
            n_once = n_lazy = 0;
            cr_assert_str_eq(support_run(&s), "");
            cr_assert_eq(n_once, 3, "by two readers, in three steps");
            cr_assert_eq(n_lazy, 18);
            cr_assert_lt(s.told.size, sizeof seen[0]);
            memcpy(seen[threads - 1], s.told.data, s.told.size + 1);
            cr_assert_str_eq(seen[0], seen[threads - 1]);
        }
        support_close(&s);
    }
    cr_assert_eq(strncmp(seen[0], "o: computes once\na: has read\nc: has read\n", 41), 0, "%s",
                 seen[0]);
}

static void check_words(enum kind kind, const char *words)
{
    for (int threads = 1; threads <= 2; threads++)
        for (int round = 0; round < 30; round++) {
            struct support s;
            open_setting(&s, kind, threads);
            cr_assert_str_eq(support_run(&s), words);
            support_close(&s);
        }
}

Test(demand, failures_are_told_to_the_first_reader)
{
    check_words(FAILS, "process 'a' (t.FromA), run_step of step 0: reading o__once: it cannot");
}

Test(demand, circles_are_told_by_one_name)
{
    check_words(RING, "process 'a' (t.FromA), run_step of step 0: reading o__ring_a: on_demand "
                      "variable o__ring_a depends on itself");
}

/* ---- after a mistake ---- */

enum { VECTOR };
enum { FAILS_FIRST, READ_VECTOR };

static int make_vector(simlab_context *c, int32_t var)
{
    simlab_f8_1d(c, var, 5);
    return 0;
}

static int log_size(simlab_context *c)
{
    if (simlab_i8_get(c, FAILS_FIRST))
        simlab_fail(c, "before it reads");
    simlab_log(c, "sees %d", (int)simlab_size(c, READ_VECTOR));
    return 0;
}

static const struct simlab_variable vector_variables[] = {
    [VECTOR] = {.name = "v", .kind = SIMLAB_ON_DEMAND, .dims = "k", .compute = make_vector}};
static const struct simlab_process Vector = {.name = "Vector", SIMLAB_VARIABLES(vector_variables)};
static const struct simlab_variable sees_variables[] = {
    [FAILS_FIRST] = {.name = "fails", .dtype = SIMLAB_I8},
    [READ_VECTOR] = {.name = "v", .kind = SIMLAB_FOREIGN, .type = "Vector"}};
static const struct simlab_process Sees = {
    .name = "Sees", SIMLAB_VARIABLES(sees_variables), .run_step = log_size};
static const struct support_type vector_types[] = {
    {&Vector, "[{'name': 'v', 'kind': 'on_demand', 'dims': 'k', 'has_compute': true}]"},
    {&Sees, "[{'name': 'fails', 'dtype': 'i8'},"
            " {'name': 'v', 'kind': 'foreign', 'type': 't.Vector'}]"}};

/* Which lane has computed the value before, and with which shape, depends on time. */
Test(demand, after_a_mistake_nothing_of_an_earlier_value_is_seen)
{
    struct support s;
    support_open(&s, vector_types, 2, 4,
                 "{'model': {'processes': {'a': 't.Sees', 'b': 't.Sees', 'v': 't.Vector'}},"
                 " 'inputs': {'a__fails': 0, 'b__fails': 1}}",
                 "serial", 1);
    cr_assert_str_eq(support_run(&s), "process 'b' (t.Sees), run_step of step 0: before it reads");
    cr_assert_str_eq(s.told.data, "a: sees 5\nb: sees 1\n");
    support_close(&s);
}

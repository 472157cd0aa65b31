/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/choice.h"

#include <sys/resource.h>

enum {
    MEASURED_RUNS = 3,   /* of each way; the shortest counts */
    ENOUGH_NS = 5000000, /* of such a long one, or two that are half as long, no more is needed */
    SETTLED_FIRST = 16,
    SETTLED_MOST =
        1024, /* runs, or a second of them; but so many that measuring is a few per cent */
    SETTLED_LONG = 128,
    SETTLED_NS = 1000000000,
    LONG_NS = 5000, /* beside such a run its timing is nothing */
    SHORT_EVERY = 16,
    OFF_RUNS = 2,
    OFF_NS = 2000,
    REGRET_TIMES = 10, /* so many times as long as usual, and */
    REGRET_NS = 100000,
    REGRETS_MOST = 10
};

static void measure(struct choice *k, int way)
{
    k->doing = CHOICE_MEASURES;
    k->way = way;
    k->runs = MEASURED_RUNS;
    k->ns[way] = INT64_MAX;
}

static void begin_round(struct choice *k)
{
    for (int i = 0; i < CHOICE_WAYS; i++)
        k->ns[i] = INT64_MAX;
    k->wanted = 0;
    measure(k, k->first);
}

void choice_init(struct choice *k, int first)
{
    *k = (struct choice){.first = first, .way = first, .runs = 1, .every = 1};
}

void choice_again(struct choice *k)
{
    k->settled_runs = 0;
    begin_round(k);
}

/* Another way than the first is to be faster by something that can be seen. */
static int fastest(const struct choice *k)
{
    int best = k->first;
    for (int i = 0; i < CHOICE_WAYS; i++)
        if (i != k->first && k->ns[i] < k->ns[best] - (best == k->first ? k->ns[best] / 20 : 0))
            best = i;
    return best;
}

/* How often others took the processor from this thread. */
static int64_t interruptions(void)
{
    struct rusage used = {0};
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_nivcsw;
}

static int most_runs(int64_t ns)
{
    int64_t within = SETTLED_NS / (ns + 1);
    return within > SETTLED_MOST   ? SETTLED_MOST
           : within < SETTLED_LONG ? SETTLED_LONG
                                   : (int)within;
}

static void settle(struct choice *k)
{
    int runs = k->settled_runs ? 2 * k->settled_runs : SETTLED_FIRST;
    k->doing = CHOICE_IS_SETTLED;
    k->way = fastest(k);
    int most = most_runs(k->ns[k->way]);
    k->settled_runs = k->runs = runs < most ? runs : most;
    k->every = k->ns[k->way] < LONG_NS ? SHORT_EVERY : 1;
    k->n_off = 0;
    k->n_interruptions = interruptions();
}

static bool is_off(const struct choice *k, int64_t ns)
{
    int64_t usual = k->ns[k->way];
    return ns > 2 * usual + OFF_NS || 2 * ns + OFF_NS < usual;
}

/* A long run may have been the way's fault, where nobody interrupted it; and what happens once may
 * happen again. */
static bool is_regretted(struct choice *k, int64_t ns)
{
    if (!k->is_wary || k->way == k->first || ns <= REGRET_TIMES * k->ns[k->way] + REGRET_NS)
        return false;
    int64_t known = k->n_interruptions;
    k->n_interruptions = interruptions();
    return k->n_interruptions == known;
}

static void regret(struct choice *k)
{
    k->way = k->first;
    k->runs = k->every = SETTLED_MOST << k->n_regrets;
    k->n_regrets += k->n_regrets < REGRETS_MOST;
}

static void check(struct choice *k, int64_t ns)
{
    if (is_regretted(k, ns)) {
        regret(k);
        return;
    }
    k->n_off = is_off(k, ns) ? k->n_off + 1 : 0;
    if (k->n_off == OFF_RUNS)
        choice_again(k);
    else if (k->runs-- <= 1)
        begin_round(k);
}

/* The next way that is wanted, or the end of the round. */
static void go_on(struct choice *k)
{
    if (k->wanted == 0) {
        settle(k);
        return;
    }
    int way = __builtin_ctz(k->wanted);
    k->wanted &= k->wanted - 1;
    measure(k, way);
}

bool choice_learn(struct choice *k, int64_t ns)
{
    if (k->doing == CHOICE_IS_SETTLED) {
        check(k, ns);
        return false;
    }
    if (k->doing == CHOICE_MEASURES && ns < k->ns[k->way])
        k->ns[k->way] = ns;
    if (k->doing == CHOICE_MEASURES && (ns >= ENOUGH_NS || (k->runs < 3 && 2 * ns >= ENOUGH_NS)))
        k->runs = 1;
    if (--k->runs > 0)
        return false;
    if (k->doing == CHOICE_WARMS_UP) {
        begin_round(k);
        return false;
    }
    if (k->way == k->first)
        return true;
    go_on(k);
    return false;
}

void choice_try(struct choice *k, unsigned ways)
{
    k->wanted = ways & ~(1u << k->first);
    go_on(k);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rates and times left, by a clock that the test turns. The client is no archive: its file is
 * compiled here. */
#include "client/pace.c"

#include <criterion/criterion.h>
#include <math.h>

static double rate, seconds;

static void expect(const struct pace *p, double t, int64_t left, double want_rate, double want)
{
    cr_assert(pace_tell(p, t, left, &rate, &seconds));
    cr_assert(fabs(rate - want_rate) < 1e-6 * want_rate, "rate %g", rate);
    cr_assert(fabs(seconds - want) < 1e-6, "%g seconds left", seconds);
}

Test(pace, nothing_is_told_before_a_second)
{
    struct pace p = {0};
    cr_assert(!pace_tell(&p, 100, 1, &rate, &seconds));
    pace_count(&p, 100, 1);
    cr_assert(!pace_tell(&p, 102, 1, &rate, &seconds), "one count is no rate");
    pace_count(&p, 102, 2);
    expect(&p, 102, 5, 0.5, 10);
    struct pace q = {0};
    pace_count(&q, 0, 1);
    pace_count(&q, 0.9, 1000);
    cr_assert(!pace_tell(&q, 0.95, 1, &rate, &seconds));
    expect(&q, 1, 1110, 1110, 0.9);
}

/* What was done before we came, or while we waited for the first count, is no rate of ours. */
Test(pace, counts_from_the_first)
{
    struct pace p = {0};
    pace_count(&p, 50, 1000000);
    pace_count(&p, 52, 1000010);
    expect(&p, 52, 10, 5, 2);
}

/* A slow first member and small leases, then full speed: the plain average, not the first sample.
 */
Test(pace, slow_beginning)
{
    struct pace p = {0};
    pace_count(&p, 0, 1);
    pace_count(&p, 0.5, 2);
    pace_count(&p, 1, 1001);
    expect(&p, 1, 1000, 1000, 1);
    pace_count(&p, 2, 4001);
    expect(&p, 2, 4000, 2000, 2);
}

Test(pace, time_goes_on_between_counts)
{
    struct pace p = {0};
    pace_count(&p, 0, 0);
    pace_count(&p, 2, 20);
    expect(&p, 5, 100, 10, 7);
    expect(&p, 50, 100, 10, 0);
    pace_count(&p, 5, 20);
    expect(&p, 5, 100, 10, 7);
}

Test(pace, forgets)
{
    struct pace p = {0};
    for (int t = 0; t <= 100; t++)
        pace_count(&p, t, 100 * t);
    for (int t = 101; t <= 200; t++)
        pace_count(&p, t, 10000 + t - 100);
    cr_assert(pace_tell(&p, 200, 1, &rate, &seconds));
    cr_assert(rate > 1 && rate < 1.1, "rate %g", rate);
}

/* A daemon started again may count less: members whose report was lost are run again. */
Test(pace, counts_that_go_back)
{
    struct pace p = {0};
    pace_count(&p, 0, 0);
    pace_count(&p, 2, 100);
    pace_count(&p, 3, 60);
    pace_count(&p, 4, 110);
    cr_assert(pace_tell(&p, 4, 10, &rate, &seconds));
    cr_assert(rate > 0 && isfinite(rate) && isfinite(seconds));
}

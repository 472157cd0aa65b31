/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/job_progress.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(plan);

Test(job_progress, want_follows_time_rows_and_what_is_left)
{
    static const struct {
        double seconds; /* a member's; 0: not measured */
        int64_t free, align;
        int workers;
        int64_t want;
    } cases[] = {
        {0, 1000000, 1, 2, 1},
        {0.1, 1000000, 1, 2, 10},
        {0.1, 20, 1, 2, 5},
        {0.1, 3, 1, 2, 1},
        {5, 1000, 1, 2, 1},
        {0.01, 1000000, 64, 2, 64},
        {0.01, 1000000, 150, 2, 150},  /* a row, where that is near */
        {0.01, 1000000, 1000, 2, 100}, /* rows span leases */
        {0.001, 1000000, 64, 2, 960},
        {0, 0, 1, 0, 1},
        {0.00005, 1000, 1, 2, 250}, /* less than this share … */
        {0.00005, 700, 1, 2, 200},  /* … but no less than 10 ms … */
        {0.00005, 399, 1, 2, 399},  /* … nor is less left … */
        {0.00005, 399, 64, 2, 399},
        {0.00005, 7, 1, 2, 7},
        {0.009, 10, 1, 2, 2},
        {0.0001, 500, 290, 2, 290}, /* a row of 29 ms is not shared out … */
        {0.0003, 500, 290, 2, 125}, /* … one of 87 ms is */
        {1e-12, 1000000000000, 1, 1, 100000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job_progress p = {.align = cases[i].align};
        if (cases[i].seconds > 0)
            job_progress_measured(&p, cases[i].seconds * 10, 10);
        cr_expect_eq(job_progress_want(&p, cases[i].free, 1.0, cases[i].workers), cases[i].want,
                     "%zu: %d", i,
                     (int)job_progress_want(&p, cases[i].free, 1.0, cases[i].workers));
    }
}

Test(job_progress, later_measures_count_more)
{
    struct job_progress p = {.align = 1};
    cr_assert_eq(job_progress_expected(&p, 10), 0);
    job_progress_measured(&p, 1, 1);
    cr_assert_float_eq(job_progress_expected(&p, 2), 2, 1e-9);
    job_progress_measured(&p, 0.1, 100); /* the first one made the store */
    cr_assert_lt(job_progress_expected(&p, 1), 0.01);
    double before = job_progress_expected(&p, 1);
    job_progress_measured(&p, NAN, 100);
    job_progress_measured(&p, -1, 100);
    job_progress_measured(&p, 1, 0);
    cr_assert_eq(job_progress_expected(&p, 1), before, "nonsense changes nothing");
}

Test(job_progress, chunk_rows_from_a_layout)
{
    struct job_progress p = {.members = 100, .align = 1};
    job_progress_set_layout(&p, "{\"a\": {\"shape\": [100, 3], \"chunks\": [20, 3]},"
                                " \"b\": {\"shape\": [100], \"chunks\": [50]},"
                                " \"x\": {\"shape\": [3], \"chunks\": [3]}}");
    cr_assert_eq(p.align, 50);
    static const char *const odd[] = {"",
                                      "[]",
                                      "{\"a\": 3}",
                                      "{\"a\": {\"shape\": \"x\"}}",
                                      "{\"a\": {\"shape\": [100], \"chunks\": [-5]}}",
                                      "{\"a\": {\"shape\": [100], \"chunks\": [1000]}}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        p.align = 1;
        job_progress_set_layout(&p, odd[i]);
        cr_expect_eq(p.align, 1, "%s", odd[i]);
    }
}

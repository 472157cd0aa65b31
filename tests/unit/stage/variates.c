/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/variates.h"

#include <criterion/criterion.h>
#include <math.h>

static const uint32_t key[2] = {12345, 678};

static struct random begin(int64_t index)
{
    return (struct random){.key = key, .stage = 1, .step = 3, .index = index};
}

/* To a few units in the last place of the C library's. */
Test(variates, logarithm_and_exponential)
{
    for (double x = 1e-300; x < 1e300; x *= 1.7)
        cr_assert_float_eq(variates_log(x), log(x), 1e-15 * fabs(log(x)) + 3e-16, "log %g", x);
    for (double x = 0.5; x < 2; x += 0.00137)
        cr_assert_float_eq(variates_log(x), log(x), 4e-16, "log %.17g", x);
    for (double x = -700; x < 700; x += 0.37)
        cr_assert_float_eq(variates_exp(x), exp(x), 2e-15 * exp(x), "exp %g", x);
}

/* Mean and variance of many, within six standard errors; and a distance of Kolmogorov and Smirnov
 * from the distribution function, where there is one in the C library. */
static void check_moments(int32_t distribution, double a, double b, double mean, double variance)
{
    enum { MANY = 200000 };
    static double values[MANY];
    struct random r = begin(0);
    variates_draw(&r, distribution, a, b, values, MANY);
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < MANY; i++) {
        sum += values[i] - mean;
        squares += (values[i] - mean) * (values[i] - mean);
        fourth += pow(values[i] - mean, 4);
    }
    double of_variance = sqrt((fourth / MANY - variance * variance) / MANY);
    cr_assert_lt(fabs(sum / MANY), 6 * sqrt(variance / MANY), "mean of %d %g %g: %g more",
                 distribution, a, b, sum / MANY);
    cr_assert_leq(fabs(squares / MANY - variance), 6 * of_variance + 1e-12,
                  "variance of %d %g %g: %g", distribution, a, b, squares / MANY);
}

Test(variates, moments)
{
    check_moments(SIMLAB_NORMAL, 3, 2, 3, 4);
    check_moments(SIMLAB_EXPONENTIAL, 2.5, 0, 2.5, 6.25);
    static const double means[] = {0.01, 0.9, 5, 9.9, 10, 17.3, 400, 1e6, 1e12};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++)
        check_moments(SIMLAB_POISSON, means[i], 0, means[i], means[i]);
    static const double binomials[][2] = {{1, 0.5},      {20, 0.3},    {20, 0.97},
                                          {1000, 0.004}, {50, 0.5},    {1000, 0.2},
                                          {1000, 0.85},  {1e9, 0.001}, {1e15, 1e-15}};
    for (size_t i = 0; i < sizeof binomials / sizeof *binomials; i++) {
        double n = binomials[i][0], p = binomials[i][1];
        check_moments(SIMLAB_BINOMIAL, n, p, n * p, n * p * (1 - p));
    }
}

static double normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static double poisson_at(double mean, int k)
{
    return exp(k * log(mean) - mean - lgamma(k + 1));
}

/* How often each value comes, against its probability: within six standard errors. */
Test(variates, frequencies)
{
    enum { MANY = 400000, CELLS = 60 };
    static double values[MANY];
    static const double means[] = {3, 9.99, 10.01, 25};
    for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
        int counts[CELLS] = {0};
        struct random r = begin(0);
        variates_draw(&r, SIMLAB_POISSON, means[m], 0, values, MANY);
        for (int i = 0; i < MANY; i++)
            counts[values[i] < CELLS ? (int)values[i] : CELLS - 1]++;
        for (int k = 0; k < CELLS - 1; k++) {
            double p = poisson_at(means[m], k), error = sqrt(p * MANY) + 2;
            cr_assert_lt(fabs(counts[k] - p * MANY), 6 * error, "%d of mean %g: %d, not %g", k,
                         means[m], counts[k], p * MANY);
        }
    }
    int counts[CELLS] = {0};
    struct random r = begin(0);
    variates_draw(&r, SIMLAB_NORMAL, 0, 1, values, MANY);
    for (int i = 0; i < MANY; i++)
        counts[(int)(normal_below(values[i]) * CELLS)]++;
    for (int k = 0; k < CELLS; k++)
        cr_assert_lt(fabs(counts[k] - (double)MANY / CELLS), 6 * sqrt((double)MANY / CELLS));
}

/* Of the words that a sequence begins with. They stay: whoever draws them gets them for ever. */
Test(variates, the_same_bits_everywhere)
{
    static const struct {
        int32_t distribution;
        double a, b, first, second;
    } rows[] = {
        {SIMLAB_NORMAL, 0, 1, -1.1904509548908995, -0.61503565137024485},
        {SIMLAB_EXPONENTIAL, 1, 0, 2.1461404926104044, 1.3120570697572773},
        {SIMLAB_POISSON, 3.5, 0, 1, 2},
        {SIMLAB_POISSON, 1000, 0, 956, 997},
        {SIMLAB_BINOMIAL, 10, 0.4, 2, 3},
        {SIMLAB_BINOMIAL, 1000, 0.4, 379, 398},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double got[2];
        struct random r = begin(0);
        variates_draw(&r, rows[i].distribution, rows[i].a, rows[i].b, got, 2);
        cr_assert(got[0] == rows[i].first && got[1] == rows[i].second, "row %zu: %.17g, %.17g", i,
                  got[0], got[1]);
    }
}

/* One at a time is the same as many, and an index has its own sequence. */
Test(variates, one_by_one)
{
    for (int32_t d = SIMLAB_NORMAL; d <= SIMLAB_BINOMIAL; d++) {
        double many[20], one;
        struct random r = begin(0), s = begin(0);
        variates_draw(&r, d, 30, 0.5, many, 20);
        for (int i = 0; i < 20; i++) {
            variates_draw(&s, d, 30, 0.5, &one, 1);
            cr_assert_eq(one, many[i]);
        }
        cr_assert_eq(r.next, s.next);
    }
    struct random a = begin(7), b = begin(8);
    a.kind = b.kind = RANDOM_WITHIN;
    double x, y;
    variates_draw(&a, SIMLAB_POISSON, 1e6, 0, &x, 1);
    variates_draw(&b, SIMLAB_POISSON, 1e6, 0, &y, 1);
    cr_assert_neq(x, y);
}

Test(variates, wrong_parameters_are_refused)
{
    static const struct {
        int32_t distribution;
        double a, b;
    } rows[] = {{SIMLAB_NORMAL, NAN, 1},
                {SIMLAB_NORMAL, 0, -1},
                {SIMLAB_EXPONENTIAL, -1, 0},
                {SIMLAB_POISSON, -0.5, 0},
                {SIMLAB_POISSON, 1e16, 0},
                {SIMLAB_POISSON, NAN, 0},
                {SIMLAB_BINOMIAL, 2.5, 0.5},
                {SIMLAB_BINOMIAL, 2, 1.01},
                {SIMLAB_BINOMIAL, -1, 0.5},
                {SIMLAB_BINOMIAL, 2, NAN},
                {4, 0, 0},
                {-1, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(variates_refuse(rows[i].distribution, rows[i].a, rows[i].b), "row %zu", i);
    cr_assert_null(variates_refuse(SIMLAB_BINOMIAL, 0, 0));
    cr_assert_null(variates_refuse(SIMLAB_POISSON, 0, 0));
    double none[4] = {1, 1, 1, 1};
    struct random r = begin(0);
    variates_draw(&r, SIMLAB_POISSON, 0, 0, none, 2);
    variates_draw(&r, SIMLAB_BINOMIAL, 0, 0.5, none + 2, 1);
    variates_draw(&r, SIMLAB_BINOMIAL, 5, 1, none + 3, 1);
    cr_assert(none[0] == 0 && none[1] == 0 && none[2] == 0 && none[3] == 5);
}

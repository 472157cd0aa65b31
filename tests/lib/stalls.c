/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the bench: how long the time loop stands between two steps, beside a plain
 * copy of as much as its state. It logs, of `n` values: milliseconds of the first stall and of the
 * median of the later ones, and of such a copy. A stall: half a copy, or longer. */
#define _POSIX_C_SOURCE 200809L
#include <simlab/process.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N, X };
enum { MOST = 10000, COPIES = 9 };

static const struct simlab_variable variables[] = {
    [N] = {.name = "n", .dtype = SIMLAB_I8, .default_value = "1000"},
    [X] = {.name = "x", .intent = SIMLAB_OUT, .dims = "x"},
};

static double left, gaps[MOST]; /* milliseconds */
static int n_gaps;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return n ? values[n / 2] : 0;
}

static int initialize(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, N);
    double *x = simlab_f8_1d(c, X, n);
    for (int64_t i = 0; i < n; i++)
        x[i] = (double)i;
    return 0;
}

/* Two milliseconds of work. */
static int run_step(simlab_context *c)
{
    double began = now();
    double *x = simlab_f8_mut(c, X, simlab_i8_get(c, N));
    if (left > 0 && n_gaps < MOST)
        gaps[n_gaps++] = began - left;
    while (now() < began + 2)
        x[0] += 1;
    left = now();
    return 0;
}

/* Into memory whose pages are there. */
static double copy_of(const double *x, size_t bytes)
{
    double took[COPIES];
    volatile char seen; /* or there would be no copy */
    char *to = malloc(bytes);
    if (!to)
        return 0;
    memset(to, 1, bytes);
    for (int i = 0; i < COPIES; i++) {
        double began = now();
        memcpy(to, x, bytes);
        seen = to[(size_t)i * bytes / COPIES];
        took[i] = now() - began;
    }
    (void)seen;
    free(to);
    return median(took, COPIES);
}

static int finalize(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, N);
    double copy = copy_of(simlab_f8(c, X, n), (size_t)n * sizeof(double)), first = 0;
    int stalls = 0;
    for (int i = 0; i < n_gaps; i++) {
        if (gaps[i] < copy / 2)
            continue;
        if (first > 0)
            gaps[stalls++] = gaps[i];
        else
            first = gaps[i];
    }
    simlab_log(c, "first %g later %g copy %g stalls %d", first, median(gaps, stalls), copy,
               stalls + 1);
    return 0;
}

static const struct simlab_process Stalls = {
    .name = "Stalls",
    .description = "tells how long the time loop stands",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
    .finalize = finalize,
};

SIMLAB_LIBRARY("1.0", "stalls", &Stalls)

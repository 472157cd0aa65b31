/* SPDX-License-Identifier: Apache-2.0 */
/* The bare loop of the golden case `advect`. */
#ifndef BENCH_ADVECT_LOOP_H
#define BENCH_ADVECT_LOOP_H

#include <math.h>
#include <string.h>

#define N     150
#define STEPS 100
#define SAVES 3

static double advected_at(double left, double centre, double right, double c)
{
    return 0.5 * (right + left) - c * (right - left) - centre;
}

static void step(double *u, double *advected, double v, double dt, double spacing)
{
    double c = v * dt / (2 * spacing);
    advected[0] = advected_at(u[N - 1], u[0], u[1], c);
    for (int i = 1; i < N - 1; i++)
        advected[i] = advected_at(u[i - 1], u[i], u[i + 1], c);
    advected[N - 1] = advected_at(u[N - 2], u[N - 1], u[0], c);
    for (int i = 0; i < N; i++)
        u[i] += advected[i];
}

static void simulate(double v, double saved[SAVES][N])
{
    double u[N], advected[N];
    for (int i = 0; i < N; i++) {
        double d = i * 0.01 - 0.3;
        u[i] = exp(-(d * d) / (0.1 * 0.1));
    }
    memcpy(saved[0], u, sizeof(u));
    for (int s = 0; s < STEPS; s++) {
        if (s == STEPS / 2)
            memcpy(saved[1], u, sizeof(u));
        step(u, advected, v, 0.01, 0.01);
    }
    memcpy(saved[2], u, sizeof(u));
}

static inline double velocity(long member, long members)
{
    return 0.1 + 0.8 * (double)member / (double)members;
}

#endif

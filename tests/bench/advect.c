/* SPDX-License-Identifier: Apache-2.0 */
/* The bare loop of the golden case `advect`: what the numbers of `make bench` are divided by.
 * usage: advect MEMBERS. Prints the seconds that the loops took, and a sum of the results. */
#include "advect_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    long members = argc > 1 ? atol(argv[1]) : 1;
    double(*saved)[SAVES][N] = malloc((size_t)members * sizeof(*saved));
    if (members < 1 || !saved)
        return 2;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long m = 0; m < members; m++)
        simulate(velocity(m, members), saved[m]);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double sum = 0;
    for (long m = 0; m < members; m++)
        sum += saved[m][SAVES - 1][N / 3];
    printf("%.9f %.17g\n", (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec),
           sum);
    free(saved);
    return 0;
}

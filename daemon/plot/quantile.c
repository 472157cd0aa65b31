/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/quantile.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void quantiles(double *values, int64_t n, const double *at, int n_at, double *ret)
{
    int64_t finite = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            values[finite++] = values[i];
    qsort(values, (size_t)finite, sizeof *values, compare);
    for (int k = 0; k < n_at; k++) {
        double place = at[k] * (double)(finite - 1);
        int64_t below = (int64_t)floor(place);
        if (finite == 0)
            ret[k] = (double)NAN;
        else if (below + 1 >= finite)
            ret[k] = values[finite - 1];
        else
            ret[k] = values[below] + (place - (double)below) * (values[below + 1] - values[below]);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLOT_QUANTILE_H
#define PLOT_QUANTILE_H

#include <stdint.h>

/* The quantiles at `at` (0 … 1) of the finite ones of n values, which are sorted in place: between
 * two of them by their distance, as NumPy's are by default. NaN where none is finite. */
void quantiles(double *values, int64_t n, const double *at, int n_at, double *ret);

#endif

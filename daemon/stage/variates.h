/* SPDX-License-Identifier: Apache-2.0 */
/* Variates from random words. Logarithms and exponentials are computed here, by additions,
 * multiplications and divisions alone, so that the same words give the same bits everywhere,
 * whatever the C library.
 *
 *  normal       inversion: Wichura (1988), algorithm AS 241 (PPND16), Applied Statistics 37, 477;
 *               one word each, exact to some 1e-16, from -8.2 to 8.2 standard deviations
 *  exponential  inversion; one word each
 *  Poisson      mean below 10: inversion by search from 0, one word each; above: transformed
 *               rejection (PTRS), Hörmann (1993), Insurance: Mathematics and Economics 12, 39; 2.2
 *               to 2.6 words each
 *  binomial     n · min(p, 1 - p) below 10: inversion by search from 0; above: transformed
 * rejection (BTRS), Hörmann (1993), Journal of Statistical Computation and Simulation 46, 101 */
#ifndef STAGE_VARIATES_H
#define STAGE_VARIATES_H

#include "simlab/process.h"
#include "stage/random.h"

#include <stddef.h>

/* Why there are no variates with these parameters; NULL where there are. */
const char *variates_refuse(int32_t distribution, double a, double b);

/* n of them from r, one after the other. */
void variates_draw(struct random *r, int32_t distribution, double a, double b, double *ret,
                   int64_t n);

/* Natural logarithm of a positive number, and e^x for -700 < x < 700; to 2e-16 or so. */
double variates_log(double x);
double variates_exp(double x);

#endif

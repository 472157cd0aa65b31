/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of NaN, and of values that nobody computed, under an encoding: the fill value stands
 * for both, as in xarray's CFMaskCoder, so that no reader takes them for numbers.
 *
 * Invariant: under an encoding that is accepted, NaN reads as NaN where there is a fill value. Who
 * asks for none ("fill_value": null) of integers gets 0 for it. */
#ifndef STORE_MISSING_H
#define STORE_MISSING_H

#include "store/store.h"

/* For values of dtype `values` that are stored as `m` says: sets m->nan_is_fill. STORE_INVALID,
 * with a pointer, where a filter has no place for NaN: differences of floats lose what comes after
 * one, and a filter to integers keeps only fill values that are multiples of its scale. */
int missing_encode(struct store_meta *m, int values, struct error *e);

#endif

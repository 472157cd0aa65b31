/* SPDX-License-Identifier: Apache-2.0 */
/* Colours of values. All can be told apart by readers who do not see red and green apart: those of
 * ordered values differ in lightness too. */
#ifndef PLOT_PALETTE_H
#define PLOT_PALETTE_H

#include "plot/canvas.h"

/* `t` in [0, 1]; what lies outside is taken for its end. */
typedef struct colour palette(double t);

palette palette_viridis;     /* perceptual, from dark to light */
palette palette_diverging;   /* blue, white at 0.5, brown: equally light on both sides */
palette palette_hypsometric; /* heights: green, sand, white */
palette palette_grey;        /* from black to white */
palette palette_ordered;     /* of lines on white: viridis without what is too light */

/* Colours of things that have no order, by number. */
struct colour palette_distinct(int i);

struct colour palette_mix(struct colour a, struct colour b, double t);

/* Where no value is: hatched grey, by the pixel's place, as no palette has it. */
struct colour palette_missing(int x, int y);

#endif

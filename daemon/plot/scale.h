/* SPDX-License-Identifier: Apache-2.0 */
/* A scale of values with its ticks: of an axis or a colour bar. */
#ifndef PLOT_SCALE_H
#define PLOT_SCALE_H

#include <stdbool.h>
#include <stdint.h>

enum { SCALE_MAX_TICKS = 24, SCALE_TEXT = 40 };

struct scale_tick {
    double value;
    char text[SCALE_TEXT];
};

struct scale {
    double low, high; /* low < high */
    bool logarithmic; /* then both are above 0 */
    int n_ticks;
    struct scale_tick
        ticks[SCALE_MAX_TICKS]; /* within [low, high], ascending, texts all different */
};

/* The same values as they are: for colour bars and coordinates. Equal or unordered ends are parted,
 * an end next to 0 is 0. About `wanted` ticks. */
void scale_init(struct scale *s, double low, double high, int wanted);

/* With room at both ends; from 0 where the values begin near it. */
void scale_init_roomy(struct scale *s, double low, double high, int wanted);

/* 0 < low. With room at both ends. */
void scale_init_logarithmic(struct scale *s, double low, double high, int wanted);

/* Of n things 0 … n - 1, which have texts: as many ticks as there is room for. */
void scale_init_texts(struct scale *s, char *const *texts, int n, int wanted);

/* Where the value lies: 0 at low, 1 at high. NaN where a logarithmic scale has no place for it. */
double scale_place(const struct scale *s, double value);

/* Whether all values are positive, spread over orders of magnitude, and most of them are at the low
 * end. */
bool scale_suits_logarithm(const double *values, int64_t n);

/* From the least to the greatest finite value, logarithmic where that suits them: of a colour bar.
 * 0 … 1 where there is none. */
void scale_init_values(struct scale *s, const double *values, int64_t n, int wanted);

/* A number in `digits` significant digits, as short as it goes: "1e-5", "0.25", "100000". */
void scale_number(char *ret, unsigned size, double value, int digits);

#endif

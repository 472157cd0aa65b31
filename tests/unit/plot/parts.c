/* SPDX-License-Identifier: Apache-2.0 */
/* Scales, palettes, quantiles and lines: what holds of all of them. */
#include "../store/store_fixture.h"

#include "plot/coordinate.h"
#include "plot/palette.h"
#include "plot/quantile.h"
#include "plot/raster.h"
#include "plot/scale.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double random_number(uint64_t *state)
{
    int exponent = (int)fixture_below(state, 61) - 30;
    double mantissa = (double)(int64_t)(fixture_random(state) >> 12) / 4503599627370496.0 - 0.5;
    return mantissa * pow(10, exponent);
}

/* Ticks lie within the scale, ascend, are no more than can be told apart, and read back as the
 * values they stand for. */
static void check_scale(const struct scale *s, double low, double high)
{
    double room = (s->high - s->low) * 1e-6;
    cr_assert(s->low < s->high && s->low <= low + room && s->high >= high - room,
              "%g ... %g by %g ... %g", low, high, s->low, s->high);
    cr_assert(s->n_ticks >= 1 && s->n_ticks <= SCALE_MAX_TICKS, "%d ticks of %g ... %g", s->n_ticks,
              s->low, s->high);
    for (int i = 0; i < s->n_ticks; i++) {
        const struct scale_tick *t = &s->ticks[i];
        cr_assert(scale_place(s, t->value) > -1e-6 && scale_place(s, t->value) < 1 + 1e-6);
        cr_assert(fabs(strtod(t->text, NULL) - t->value) <= (s->high - s->low) * 1e-3,
                  "%.17g is written %s", t->value, t->text);
        cr_assert(i == 0 || t->value > t[-1].value);
        cr_assert(i == 0 || strcmp(t->text, t[-1].text) != 0, "%s twice: %.17g ... %.17g", t->text,
                  s->low, s->high);
    }
}

Test(scale, has_ticks_for_any_range)
{
    uint64_t state = 7;
    for (int i = 0; i < 20000; i++) {
        double low = random_number(&state), high = random_number(&state);
        if (i % 3 == 0) /* near to one another */
            high = low * (1 + 1e-7 * (double)fixture_below(&state, 100));
        if (low > high) {
            double swapped = low;
            low = high;
            high = swapped;
        }
        int wanted = 1 + (int)fixture_below(&state, 12);
        struct scale s;
        scale_init(&s, low, high, wanted);
        check_scale(&s, low, high);
        scale_init_roomy(&s, low, high, wanted);
        check_scale(&s, low, high);
        if (low > 0 && high / low > 1.01) {
            scale_init_logarithmic(&s, low, high, wanted);
            cr_assert(s.low < low && s.high > high);
            cr_assert(scale_place(&s, low) > 0 && scale_place(&s, high) < 1);
        }
    }
}

Test(scale, takes_the_extremes)
{
    const double rows[][2] = {{0, 0},           {-DBL_MAX, DBL_MAX}, {DBL_MAX, DBL_MAX},
                              {5e-324, 5e-324}, {-1e-310, 1e-310},   {1e300, 1.0000001e300},
                              {-7, -7},         {1e15, 1e15 + 1},    {0, 1e-320}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scale s;
        scale_init(&s, rows[i][0], rows[i][1], 6);
        cr_expect(s.low < s.high && isfinite(s.low) && isfinite(s.high), "row %zu", i);
        cr_expect(s.n_ticks >= 0 && s.n_ticks <= SCALE_MAX_TICKS);
        scale_init_roomy(&s, rows[i][0], rows[i][1], 6);
        cr_expect(s.low < s.high && isfinite(s.low) && isfinite(s.high), "row %zu", i);
    }
    const double positive[][2] = {
        {5e-324, DBL_MAX}, {5e-324, 5e-324}, {DBL_MAX, DBL_MAX}, {1e-310, 2e-310}, {3, 3}};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        for (int wanted = 0; wanted < 12; wanted++) {
            struct scale s;
            scale_init_logarithmic(&s, positive[i][0], positive[i][1], wanted);
            cr_expect(0 < s.low && s.low < s.high && isfinite(s.high), "row %zu", i);
            cr_expect(isfinite(scale_place(&s, positive[i][0])), "row %zu", i);
            cr_expect(s.n_ticks >= 0 && s.n_ticks <= SCALE_MAX_TICKS);
        }
}

Test(scale, counts_decades_where_values_do)
{
    double decades[] = {1e-6, 1e-5, 1e-4, 1e-3}, even[] = {1, 25, 50, 75, 100},
           negative[] = {-1, 9};
    cr_expect(scale_suits_logarithm(decades, 4));
    cr_expect_not(scale_suits_logarithm(even, 5));
    cr_expect_not(scale_suits_logarithm(negative, 2));
    struct scale s;
    scale_init_logarithmic(&s, 1e-6, 1e-3, 5);
    cr_assert_eq(s.n_ticks, 4);
    cr_expect_str_eq(s.ticks[0].text, "1e-6");
    cr_expect_float_eq(scale_place(&s, sqrt(s.low * s.high)), 0.5, 1e-12);
    cr_expect(isnan(scale_place(&s, 0)));
    scale_init_values(&s, decades, 4, 5);
    cr_expect(s.logarithmic && s.n_ticks == 4 && decades[0] == 1e-6);
    scale_init_values(&s, even, 5, 5);
    cr_expect(!s.logarithmic && s.low == 1 && s.high == 100);
    scale_init_values(&s, (double[]){NAN, -INFINITY}, 2, 5);
    cr_expect(s.low == 0 && s.high == 1);
    scale_init_values(&s, (double[]){1e-6, NAN, 1e-6, 1, 1e-6}, 5, 5);
    cr_expect(s.low < s.high && s.low <= 1e-6 && s.high >= 1);
}

Test(scale, has_ticks_at_whole_indices)
{
    double indices[] = {0, 1, 2, 3};
    struct coordinate c = {.n = 4, .values = indices, .is_index = true};
    struct scale s;
    coordinate_scale(&c, 8, &s);
    cr_expect(s.n_ticks == 4 && !strcmp(s.ticks[1].text, "1"), "%d, %s", s.n_ticks,
              s.ticks[1].text);
    coordinate_scale_cells(&c, 8, &s);
    cr_expect(s.n_ticks == 4 && s.low == -0.5 && !strcmp(s.ticks[3].text, "3"), "%d", s.n_ticks);
    c.is_index = false;
    coordinate_scale(&c, 8, &s);
    cr_expect(s.n_ticks > 4, "%d", s.n_ticks);
}

/* ---- palettes ---------------------------------------------------------------------------- */

static double linear(uint8_t c)
{
    double v = c / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* L* of CIE. */
static double lightness(struct colour c)
{
    double y = 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
}

/* Of ordered colours whoever sees no hue at all sees the order. */
Test(palette, grows_lighter_all_the_way)
{
    palette *const ordered[] = {palette_viridis, palette_ordered, palette_hypsometric,
                                palette_grey};
    for (int k = 0; k < 4; k++)
        for (int i = 1; i <= 50; i++)
            cr_expect(lightness(ordered[k](i / 50.0)) > lightness(ordered[k]((i - 1) / 50.0)),
                      "palette %d at %d", k, i);
    cr_expect(lightness(palette_ordered(1)) < 85, "lines on white must be seen: %g",
              lightness(palette_ordered(1)));
}

Test(palette, diverges_from_white_to_equally_dark_ends)
{
    for (int i = 1; i <= 50; i++) {
        double near = 0.5 * (i - 1) / 50, far = 0.5 * i / 50;
        cr_expect(lightness(palette_diverging(0.5 + far)) <
                  lightness(palette_diverging(0.5 + near)));
        cr_expect(lightness(palette_diverging(0.5 - far)) <
                  lightness(palette_diverging(0.5 - near)));
        cr_expect_float_eq(lightness(palette_diverging(0.5 + far)),
                           lightness(palette_diverging(0.5 - far)), 6, "at %g", far);
    }
    struct colour middle = palette_diverging(0.5), low = palette_diverging(0),
                  high = palette_diverging(1);
    cr_expect(lightness(middle) > 95 && lightness(low) < 50);
    cr_expect(low.b > low.r && high.r > high.b, "blue below, brown above");
}

/* A colour as it is seen without the pigment for red, or for green (G. Machado, M. Oliveira, L.
 * Fernandes: A physiologically-based model for simulation of color vision deficiency, 2009), in
 * Oklab, where distances are those that people see. */
static void seen(struct colour c, const double by[3][3], double ret[3])
{
    const double rgb[3] = {linear(c.r), linear(c.g), linear(c.b)};
    double v[3], lms[3];
    for (int i = 0; i < 3; i++)
        v[i] = fmax(0, by[i][0] * rgb[0] + by[i][1] * rgb[1] + by[i][2] * rgb[2]);
    lms[0] = cbrt(0.4122214708 * v[0] + 0.5363325363 * v[1] + 0.0514459929 * v[2]);
    lms[1] = cbrt(0.2119034982 * v[0] + 0.6806995451 * v[1] + 0.1073969566 * v[2]);
    lms[2] = cbrt(0.0883024619 * v[0] + 0.2817188376 * v[1] + 0.6299787005 * v[2]);
    ret[0] = 0.2104542553 * lms[0] + 0.7936177850 * lms[1] - 0.0040720468 * lms[2];
    ret[1] = 1.9779984951 * lms[0] - 2.4285922050 * lms[1] + 0.4505937099 * lms[2];
    ret[2] = 0.0259040371 * lms[0] + 0.7827717662 * lms[1] - 0.8086757660 * lms[2];
}

static double apart(struct colour a, struct colour b, const double by[3][3])
{
    double p[3], q[3];
    seen(a, by, p);
    seen(b, by, q);
    return hypot(hypot(p[0] - q[0], p[1] - q[1]), p[2] - q[2]);
}

static const double no_red[3][3] = {{0.152286, 1.052583, -0.204868},
                                    {0.114503, 0.786281, 0.099216},
                                    {-0.003882, -0.048116, 1.051998}},
                    no_green[3][3] = {{0.367322, 0.860646, -0.227968},
                                      {0.280085, 0.672501, 0.047413},
                                      {-0.011820, 0.042940, 0.968881}};

/* Colours of values that are a fifth of the scale apart; of things, of any two. */
Test(palette, is_read_without_red_or_green)
{
    palette *const all[] = {palette_viridis, palette_ordered, palette_hypsometric,
                            palette_diverging};
    for (int k = 0; k < 4; k++)
        for (int i = 0; i <= 50; i++)
            for (int j = i + 10; j <= 50; j++) {
                struct colour a = all[k](i / 50.0), b = all[k](j / 50.0);
                cr_expect(apart(a, b, no_red) > 0.06 && apart(a, b, no_green) > 0.06,
                          "palette %d: %d and %d are %g and %g apart", k, i, j, apart(a, b, no_red),
                          apart(a, b, no_green));
            }
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < i; j++) {
            struct colour a = palette_distinct(i), b = palette_distinct(j);
            cr_expect(apart(a, b, no_red) > 0.06 && apart(a, b, no_green) > 0.06,
                      "things %d and %d are %g and %g apart", i, j, apart(a, b, no_red),
                      apart(a, b, no_green));
        }
}

/* ---- quantiles --------------------------------------------------------------------------- */

Test(quantiles, are_those_of_numpy)
{
    const double at[] = {0, 0.05, 0.25, 0.5, 0.95, 1};
    const double wanted[] = {1, 1.25, 2.25, 3.5, 9.25, 10}; /* np.quantile([10, 1, 3, 2, 4, 7]) */
    double values[] = {10, NAN, 1, 3, INFINITY, 2, 4, 7}, one[] = {5}, none[] = {NAN, NAN}, ret[6];
    quantiles(values, 8, at, 6, ret);
    for (int i = 0; i < 6; i++)
        cr_expect_float_eq(ret[i], wanted[i], 1e-12, "%g: %g", at[i], ret[i]);
    quantiles(one, 1, at, 6, ret);
    cr_expect(ret[0] == 5 && ret[3] == 5 && ret[5] == 5);
    quantiles(none, 2, at, 6, ret);
    cr_expect(isnan(ret[0]) && isnan(ret[5]));
}

Test(raster, keeps_means_and_gaps)
{
    const double values[] = {1, 2, 3, 4, NAN, NAN, 5, 7};
    float *half = raster_grid(values, 4, 2, 2, 1); /* each cell covers 2 x 2 */
    cr_assert(half);
    cr_expect_float_eq(half[0], 1.5, 1e-6);
    cr_expect_float_eq(half[1], (3.5 + 6) / 2, 1e-6);
    free(half);
    float *more = raster_grid(values, 4, 2, 8, 4);
    cr_assert(more);
    cr_expect(more[0] == 1 && more[1] == 1 && more[2] == 2 && isnan(more[2 * 8]));
    free(more);
}

Test(canvas, cuts_texts_before_their_units)
{
    static const struct {
        const char *text, *expected;
        double width;
    } rows[] = {{"depth [m]", "depth [m]", 200},
                {"depth of the lakes [m]", "depth of t... [m]", 110},
                {"depth of the lakes", "depth of the l...", 110},
                {"of a unit [m^(1-2m)/yr]", "of a unit [...", 80},
                {"[a bracket] alone", "[a brack...", 70},
                {"x", "...", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *cut = canvas_text_fitted(10, rows[i].text, rows[i].width);
        cr_expect_str_eq(cut, rows[i].expected);
        free(cut);
    }
}

/* ---- lines ------------------------------------------------------------------------------- */

static int dark_pixels(const struct canvas *c)
{
    int n = 0;
    for (size_t i = 0; i < (size_t)c->width * (size_t)c->height; i++)
        n += c->rgb[i * 3] < 128;
    return n;
}

Test(canvas, breaks_lines_where_values_are_missing)
{
    const struct canvas_pen pen = {.colour = {0, 0, 0}, .width = 2};
    const struct canvas_pen dashed = {.colour = {0, 0, 0}, .width = 2, .dash = 5};
    const struct canvas_point whole[] = {{5, 10}, {50, 10}, {95, 10}};
    const struct canvas_point gap[] = {{5, 10}, {35, 10}, {NAN, 10}, {65, 10}, {95, 10}};
    const struct canvas_point far[] = {{-1e300, 10}, {1e300, 10}};
    const struct canvas_point dot[] = {{NAN, NAN}, {50, 10}, {NAN, 3}};
    const struct {
        const struct canvas_point *points;
        int n;
        const struct canvas_pen *pen;
        int low, high;
    } rows[] = {{whole, 3, &pen, 170, 200},
                {gap, 5, &pen, 110, 140},
                {whole, 3, &dashed, 80, 160},
                {far, 2, &pen, 200, 200},
                {dot, 3, &pen, 4, 24}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct canvas c;
        cr_assert_eq(canvas_init(&c, 100, 20), 0);
        cr_assert_eq(canvas_polyline(&c, rows[i].points, rows[i].n, rows[i].pen), 0);
        int n = dark_pixels(&c);
        cr_expect(n >= rows[i].low && n <= rows[i].high, "row %zu: %d pixels", i, n);
        canvas_clear(&c);
    }
}

Test(canvas, draws_within_the_clip)
{
    struct canvas c;
    const struct colour black = {0, 0, 0};
    const struct canvas_pen pen = {.colour = black, .width = 30};
    const struct canvas_point across[] = {{0, 0}, {100, 100}};
    cr_assert_eq(canvas_init(&c, 100, 100), 0);
    canvas_clip(&c, 40, 40, 20, 20);
    canvas_polyline(&c, across, 2, &pen);
    canvas_disc(&c, 50, 50, 400, black, 1);
    canvas_disc(&c, NAN, INFINITY, 4, black, 1);
    canvas_column(&c, 50, -1e9, 1e9, black, 1);
    canvas_column(&c, 51, INFINITY, INFINITY, black, 1);
    canvas_column(&c, 52, NAN, -INFINITY, black, 1);
    canvas_rectangle(&c, 0, 0, 100, 100, black);
    cr_expect_eq(dark_pixels(&c), 400);
    canvas_clear(&c);
}

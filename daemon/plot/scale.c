/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/scale.h"

#include "base/c_locale.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double nearly_0 = 0.002; /* of the range: less than a pixel, mostly */

/* "1.5e-06" becomes "1.5e-6", "2e+06" "2e6". */
static void shorten_exponent(char *text)
{
    char *e = strchr(text, 'e');
    if (!e)
        return;
    char *digits = e + 2 + strspn(e + 2, "0");
    char *to = e + (e[1] == '-' ? 2 : 1);
    memmove(to, digits, strlen(digits) + 1);
}

void scale_number(char *ret, unsigned size, double value, int digits)
{
    double magnitude = fabs(value);
    if (magnitude >= 1e5 && magnitude < 1e6 && value == floor(value))
        c_locale_print(ret, size, "%.0f", value);
    else
        c_locale_print(ret, size, "%.*g", digits, value);
    shorten_exponent(ret);
}

/* ---- ticks ------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, so that about `wanted` lie in the range. */
static double step_of(double range, int wanted)
{
    double power = pow(10, floor(log10(range / wanted)));
    double times = range / wanted / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

/* All ticks of a scale in one form, with as many digits as tell them apart. */
static void write_number(struct scale_tick *t, double step, double most)
{
    int of_step = (int)floor(log10(step) + 1e-9), of_most = (int)floor(log10(most) + 1e-9);
    if (of_most >= 6 || of_most < -3) {
        int digits = of_most - of_step;
        c_locale_print(t->text, sizeof t->text, "%.*e", digits < 12 ? digits : 12, t->value);
        shorten_exponent(t->text);
        if (t->value == 0)
            strcpy(t->text, "0");
        return;
    }
    c_locale_print(t->text, sizeof t->text, "%.*f", of_step < 0 ? of_step > -12 ? -of_step : 12 : 0,
                   t->value);
}

static void put_ticks(struct scale *s, double step)
{
    double most = fmax(fabs(s->low), fabs(s->high));
    double first = ceil(s->low / step - 1e-9);
    s->n_ticks = 0;
    for (int i = 0; s->n_ticks < SCALE_MAX_TICKS; i++) {
        double value = (first + i) * step;
        if (!(value <= s->high + step * 1e-9))
            return;
        struct scale_tick *t = &s->ticks[s->n_ticks++];
        t->value = fabs(value) < step * 1e-6 ? 0 : value;
        write_number(t, step, most);
    }
}

/* One tick tells no scale. */
static void make_ticks(struct scale *s, int wanted)
{
    int n = wanted > 1 ? wanted : 1;
    do
        put_ticks(s, step_of(s->high - s->low, n));
    while (s->n_ticks < 2 && n++ < wanted + 4);
}

/* Ends that can be divided by a step: apart by more than what doubles of their size can tell. */
static void part(double *low, double *high)
{
    if (*low > *high) {
        double swapped = *low;
        *low = *high;
        *high = swapped;
    }
    double most = fmax(fabs(*low), fabs(*high));
    if (*high - *low > most * 1e-10 && *high - *low > 1e-290)
        return;
    double half = most > 1e-280 ? most * 0.1 : 1;
    *low -= half;
    *high += half;
}

void scale_init(struct scale *s, double low, double high, int wanted)
{
    const double most = 8e307; /* beyond it a range is no double */
    low = fmin(fmax(low, -most), most);
    high = fmin(fmax(high, -most), most);
    part(&low, &high);
    if (low > 0 && low < nearly_0 * high)
        low = 0;
    if (high < 0 && high > nearly_0 * low)
        high = 0;
    *s = (struct scale){.low = low, .high = high};
    make_ticks(s, wanted);
}

void scale_init_roomy(struct scale *s, double low, double high, int wanted)
{
    struct scale bare;
    scale_init(&bare, low, high, wanted);
    low = bare.low;
    high = bare.high;
    bool from_zero = low >= 0 && low < 0.3 * high, to_zero = high <= 0 && high > 0.3 * low;
    double room = 0.04 * (high - low);
    scale_init(s, from_zero ? 0 : low - room, to_zero ? 0 : high + room, wanted);
}

/* ---- logarithmic ------------------------------------------------------------------------- */

static void add_logarithmic_tick(struct scale *s, double value)
{
    if (value < s->low * (1 - 1e-9) || value > s->high * (1 + 1e-9) ||
        s->n_ticks == SCALE_MAX_TICKS)
        return;
    struct scale_tick *t = &s->ticks[s->n_ticks++];
    t->value = value;
    c_locale_print(t->text, sizeof t->text, "%.3g", value);
    shorten_exponent(t->text);
}

void scale_init_logarithmic(struct scale *s, double low, double high, int wanted)
{
    const double least = 1e-300, most = 1e300; /* beyond them there is no room */
    low = fmin(fmax(low, least), most);
    high = fmin(fmax(high, low), most);
    double room = fmax(pow(10, 0.04 * (log10(high) - log10(low))), 1.0001);
    if (high / low < 1.01)
        room = 1.1;
    *s = (struct scale){
        .low = fmax(low / room, 1e-306), .high = fmin(high * room, 1e306), .logarithmic = true};
    double span = log10(s->high) - log10(s->low);
    int every = (int)ceil(span / (wanted > 1 ? wanted : 1));
    int first = every > 1 ? (int)ceil(log10(s->low)) : (int)floor(log10(s->low));
    for (int i = first; i <= (int)ceil(log10(s->high)); i += every) {
        double power = pow(10, i);
        add_logarithmic_tick(s, power);
        if (every == 1 && span * 3 <= wanted + 1)
            add_logarithmic_tick(s, 2 * power);
        if (every == 1 && span * 2 <= wanted + 1)
            add_logarithmic_tick(s, 5 * power);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool scale_suits_logarithm(const double *values, int64_t n)
{
    double *sorted = n > 1 ? mem_try_array((size_t)n, sizeof *sorted) : NULL;
    if (!sorted)
        return false;
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_doubles);
    double low = sorted[0], high = sorted[n - 1], median = sorted[(n - 1) / 2];
    free(sorted);
    return low > 0 && isfinite(high) && high / low >= 50 && median <= 0.25 * high;
}

void scale_init_values(struct scale *s, const double *values, int64_t n, int wanted)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(values[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    if (low > high)
        scale_init(s, 0, 1, wanted);
    else if (scale_suits_logarithm(values, n))
        scale_init_logarithmic(s, low, high, wanted);
    else
        scale_init(s, low, high, wanted);
}

/* ---- use --------------------------------------------------------------------------------- */

void scale_init_texts(struct scale *s, char *const *texts, int n, int wanted)
{
    *s = (struct scale){.low = -0.5, .high = n - 0.5};
    wanted = wanted < 1 ? 1 : wanted > SCALE_MAX_TICKS ? SCALE_MAX_TICKS : wanted;
    int every = (n + wanted - 1) / wanted;
    for (int i = 0; i < n && s->n_ticks < SCALE_MAX_TICKS; i += every) {
        struct scale_tick *t = &s->ticks[s->n_ticks++];
        t->value = i;
        snprintf(t->text, sizeof t->text, "%s", texts[i]);
    }
}

double scale_place(const struct scale *s, double value)
{
    if (s->logarithmic)
        return value > 0 ? (log(value) - log(s->low)) / (log(s->high) - log(s->low)) : (double)NAN;
    return (value - s->low) / (s->high - s->low);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include "base/c_locale.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "d.ddde±xx" with digits enough to read back the same. A decimal of 15 digits survives a double
 * (zeros are cut later), one of 17 tells it from all others; subnormal ones have fewer. */
static void shortest(double value, char ret[NUMBER_TEXT_SIZE])
{
    locale_t before = c_locale_enter();
    for (int digits = value < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(ret, NUMBER_TEXT_SIZE, "%.*e", digits - 1, value);
        if (strtod(ret, NULL) == value)
            break;
    }
    c_locale_leave(before);
}

/* A number's digits, without zeros at their end, and the power of ten of the first. */
struct digits {
    char text[NUMBER_TEXT_SIZE];
    int n, exponent;
};

static void set_digits(struct digits *d, uint64_t integer, int power)
{
    char reversed[NUMBER_TEXT_SIZE];
    int n = 0, zeros = 0;
    do
        reversed[n++] = (char)('0' + integer % 10);
    while (integer /= 10);
    while (zeros < n - 1 && reversed[zeros] == '0')
        zeros++;
    d->n = n - zeros;
    d->exponent = n - 1 + power;
    for (int i = 0; i < d->n; i++)
        d->text[i] = reversed[n - 1 - i];
}

/* value * 10^power, for one in [1e-5, 1e15), in units of 2^-shift, and half of what is between
 * doubles there: both exact. (Below a power of two they are closer; but all such in this range have
 * 15 digits at most, and are found by those.) */
struct scaled {
    unsigned __int128 value, half;
    int power, shift;
    bool is_even,
        is_power_of_two; /* its significand; doubles below the latter are twice as close */
};

static unsigned __int128 power_of_ten(int power)
{
    static const uint64_t tens[] = {1,         10,         100,         1000,
                                    10000,     100000,     1000000,     10000000,
                                    100000000, 1000000000, 10000000000, 100000000000};
    return (unsigned __int128)tens[power / 2] * tens[power - power / 2];
}

/* The value has 17 digits before the point. */
static struct scaled scale(double value)
{
    const uint64_t digits_17 = 10000000000000000;
    int exponent;
    uint64_t m = (uint64_t)ldexp(frexp(value, &exponent), DBL_MANT_DIG);
    struct scaled s = {.power = 15 - (int)floor((exponent - 1) * 0.30103),
                       .shift = DBL_MANT_DIG - exponent + 1,
                       .is_even = m % 2 == 0};
    s.half = power_of_ten(s.power);
    if ((2 * m * s.half) >> s.shift < digits_17) {
        s.power++;
        s.half *= 10;
    }
    s.value = 2 * m * s.half;
    return s;
}

/* Whether the decimal of 17 - dropped digits that is nearest to it reads back as it. */
static bool try_digits(const struct scaled *s, uint64_t unit, uint64_t *ret)
{
    uint64_t whole = (uint64_t)(s->value >> s->shift), n = whole / unit;
    unsigned __int128 step = (unsigned __int128)unit << s->shift, below = s->value - n * step;
    bool up = below > step - below || (below == step - below && n % 2);
    unsigned __int128 off = up ? step - below : below;
    *ret = n + up;
    return s->is_even ? off <= s->half : off < s->half;
}

/* The same as shortest(), by integers: most numbers that people write are in this range. */
static bool common(double value, struct digits *ret)
{
    if (!(value >= 1e-5 && value < 1e15))
        return false;
    struct scaled s = scale(value);
    uint64_t n, unit = 100;
    for (int dropped = 2; dropped >= 0; dropped--, unit /= 10) {
        if (!try_digits(&s, unit, &n))
            continue;
        set_digits(ret, n, dropped - s.power);
        return true;
    }
    return false;
}

static void take_digits(const char *text, struct digits *ret)
{
    ret->n = 0;
    for (; *text != 'e'; text++)
        if (*text != '.')
            ret->text[ret->n++] = *text;
    while (ret->n > 1 && ret->text[ret->n - 1] == '0')
        ret->n--;
    ret->exponent = atoi(text + 1);
}

/* `count` characters from `text`, which has as many. */
static char *put(char *at, const char *text, int count)
{
    memcpy(at, text, (size_t)count);
    return at + count;
}

/* The longest: sign, 17 digits, point, "e-308". */
static void lay_out(const char *digits, int n, int exponent, char *at)
{
    if (exponent < -4 || exponent >= 16) {
        at = put(at, digits, 1);
        at = n > 1 ? put(put(at, ".", 1), digits + 1, n - 1) : at;
        snprintf(at, 6, "e%+03d", exponent);
        return;
    }
    if (exponent < 0) {
        at = put(put(at, "0.000", 1 - exponent), digits, n);
    } else if (n <= exponent + 1) {
        at = put(put(at, digits, n), "000000000000000", exponent + 1 - n);
    } else {
        at = put(put(at, digits, exponent + 1), ".", 1);
        at = put(at, digits + exponent + 1, n - exponent - 1);
    }
    *at = '\0';
}

const char *number_text(double value, char ret[NUMBER_TEXT_SIZE])
{
    if (!isfinite(value)) {
        strcpy(ret, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return ret;
    }
    char text[NUMBER_TEXT_SIZE];
    struct digits d;
    if (!common(fabs(value), &d)) {
        shortest(fabs(value), text);
        take_digits(text, &d);
    }
    ret[0] = '-';
    lay_out(d.text, d.n, d.exponent, ret + (signbit(value) != 0));
    return ret;
}

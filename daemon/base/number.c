/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include "base/c_locale.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
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

/* Most numbers that people write are m / 10^k with few digits: then these are it, since of all
 * decimals of at most 15 digits one only reads back as a double, and m / 10^k, both exact, is
 * rounded as reading is. The digits of m, without zeros at their end; false where it is none. */
static bool few_digits(double value, char digits[NUMBER_TEXT_SIZE], int *ret_n, int *ret_exponent)
{
    if (!(value >= 1e-5 && value < 1e15))
        return false;
    double power = 1.0;
    for (int k = 0; k <= 15; k++, power *= 10.0) {
        double m = rint(value * power);
        if (m >= 1e15)
            return false;
        if (m / power != value)
            continue;
        int n = snprintf(digits, NUMBER_TEXT_SIZE, "%lld", (long long)m);
        *ret_exponent = n - 1 - k;
        while (n > 1 && digits[n - 1] == '0')
            n--;
        digits[n] = '\0';
        *ret_n = n;
        return true;
    }
    return false;
}

/* Digits without the point and the zeros at their end; returns how many. */
static int take_digits(const char *text, char digits[NUMBER_TEXT_SIZE])
{
    int n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text != '.')
            digits[n++] = *text;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return n;
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
    char text[NUMBER_TEXT_SIZE], digits[NUMBER_TEXT_SIZE];
    int n, exponent;
    if (!few_digits(fabs(value), digits, &n, &exponent)) {
        shortest(fabs(value), text);
        n = take_digits(text, digits);
        exponent = atoi(strchr(text, 'e') + 1);
    }
    ret[0] = '-';
    lay_out(digits, n, exponent, ret + (signbit(value) != 0));
    return ret;
}

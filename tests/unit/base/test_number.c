/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype.h"
#include "base/json.h"
#include "base/number.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(number, texts_are_pythons)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.55, "0.55"},
        {0.1 + 0.2, "0.30000000000000004"},
        {2, "2"},
        {-0.0, "-0"},
        {1e15, "1000000000000000"},
        {9999999999999998.0, "9999999999999998"},
        {1e16, "1e+16"},
        {1.5e-5, "1.5e-05"},
        {0.0001, "0.0001"},
        {-123.25, "-123.25"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {1.0 / 3, "0.3333333333333333"},
        {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_str_eq(number_text(rows[i].value, text), rows[i].text);
}

Test(number, every_text_reads_back)
{
    uint64_t bits = 1;
    for (int i = 0; i < 100000; i++) {
        double value;
        char text[NUMBER_TEXT_SIZE];
        bits = bits * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            cr_assert_eq(strtod(number_text(value, text), NULL), value, "%s", text);
    }
}

/* Nothing with fewer digits reads back, and of those with as many it is the nearest: as printf and
 * strtod tell. */
static void check_shortest(double value)
{
    char text[NUMBER_TEXT_SIZE], wanted[64];
    int digits = 14;
    do
        snprintf(wanted, sizeof wanted, "%.*e", digits++, value);
    while (strtod(wanted, NULL) != value);
    number_text(value, text);
    char *end, *wanted_end;
    long double is = strtold(text, &end), should = strtold(wanted, &wanted_end);
    cr_assert(!*end && is == should, "%a: %s, not %s", value, text, wanted);
}

Test(number, is_the_shortest)
{
    uint64_t bits = 1;
    for (int i = 0; i < 100000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        int exponent = (int)(bits >> 57) % 66 - 16;
        double power = ldexp(1, exponent);
        check_shortest(power + ldexp((double)(bits & 0xfffffffffffff), exponent - 52));
        check_shortest(i % 3 ? nextafter(power, i % 3 == 1 ? 0 : 1e300) : power);
        check_shortest(0.1 + 0.8 * i / 100000);
    }
}

/* What has 15 digits at most is printed as it was written. */
Test(number, few_digits_stay_as_they_are)
{
    uint64_t bits = 1;
    for (int i = 0; i < 100000; i++) {
        char written[64], text[NUMBER_TEXT_SIZE];
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        int digits = (int)(bits >> 60) % 15 + 1, k = (int)(bits >> 50) % 16;
        double limit = pow(10, digits);
        snprintf(written, sizeof written, "%.0fe-%d", fmod((double)(bits >> 11), limit), k);
        double value = strtod(written, NULL);
        snprintf(written, sizeof written, "%.15g", value);
        if (value >= 1e-4 && value < 1e15)
            cr_assert_str_eq(number_text(value, text), written);
    }
}

static void check_text(const char *text, const char *wanted)
{
    struct error e = {.message = ""};
    json_t *value = json_read(text, strlen(text), &e);
    cr_assert(value, "%s: %s", text, e.message);
    char *again = json_write(value);
    cr_assert_str_eq(again, wanted);
    free(again);
    json_decref(value);
}

Test(json, numbers_come_back_as_they_were)
{
    check_text("[0.55, 1.0, 1e16, -0.0, 100, 1E5]", "[0.55,1.0,1e+16,-0.0,100,100000.0]");
    check_text("[9223372036854775807, 9223372036854775808, 18446744073709551615]",
               "[9223372036854775807,9223372036854775808,18446744073709551615]");
    check_text("[-9223372036854775808, -9223372036854775809]",
               "[-9223372036854775808,-9.223372036854776e+18]");
    check_text("[18446744073709551616, 123456789012345678901234567890]",
               "[1.8446744073709552e+19,1.2345678901234568e+29]");
    check_text("18446744073709551615", "18446744073709551615");
    /* Not numbers, whatever they look like. */
    check_text("{\"18446744073709551615\": \"18446744073709551615\", \"a\\\\\": \"\\\"0.50\"}",
               "{\"18446744073709551615\":\"18446744073709551615\",\"a\\\\\":\"\\\"0.50\"}");
    check_text("{\"\\uDBFF\\uDFFF18446744073709551615\": \"\\uDBFF\\uDFFF1\"}",
               "{\"\xF4\x8F\xBF\xBF"
               "18446744073709551615\":\"\xF4\x8F\xBF\xBF"
               "1\"}");
    static const char *const bad[] = {"01234567890123456789012", "-", "1234567890123456789012.",
                                      "12345678901234567890e", "--12345678901234567890"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(!json_read(bad[i], strlen(bad[i]), &(struct error){0}), "%s", bad[i]);
}

Test(json, large_integers_are_values_of_u8)
{
    struct error e = {.message = ""};
    const char text[] = "18446744073709551615";
    json_t *value = json_read(text, strlen(text), &e);
    uint64_t u8 = 0;
    double f8 = 0;
    char str[32];
    cr_assert_eq(dtype_from_json(SIMLAB_U8, 8, value, &u8, &e), 0, "%s", e.message);
    cr_assert_eq(u8, UINT64_MAX);
    cr_assert_eq(dtype_from_json(SIMLAB_F8, 8, value, &f8, &e), 0);
    cr_assert_eq(f8, 18446744073709551616.0);
    cr_assert_eq(dtype_from_json(SIMLAB_I8, 8, value, &u8, &e), BASE_INVALID);
    cr_assert(strstr(e.message, "18446744073709551615 is not"), "%s", e.message);
    cr_assert_eq(dtype_from_json(SIMLAB_STR, sizeof str, value, str, &e), BASE_INVALID);
    json_t *back = dtype_to_json(SIMLAB_U8, 8, &(uint64_t){UINT64_MAX});
    cr_assert(json_equal(back, value));
    json_decref(back);
    json_decref(value);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Integers beyond jansson's are read, shown and written as they were. */
#include "client/integers.c"

#include <criterion/criterion.h>

static void is_written(const char *text, const char *want)
{
    json_error_t e;
    json_t *value = integers_read(text, strlen(text), 0, &e);
    cr_assert(value, "%s: %s", text, e.text);
    char *written = integers_write(value, JSON_COMPACT);
    cr_assert_str_eq(written, want);
    free(written);
    json_decref(value);
}

Test(integers, large_ones_stay)
{
    static const char *const same[] = {
        "[9223372036854775808]",
        "{\"a\":18446744073709551615,\"b\":[9223372036854775807,-9223372036854775808]}",
        "{\"9223372036854775808\":\"9223372036854775808\",\"\\\"\":9223372036854775808}",
        "[9223372036854775808,0.5,\"\\\\\",true,null,18446744073709551615]",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        is_written(same[i], same[i]);
    is_written("[9223372036854775808, 1.5e3,\n \"a\\\"1\"]",
               "[9223372036854775808,1500.0,\"a\\\"1\"]");
}

/* As the daemon reads them. */
Test(integers, larger_ones_are_real)
{
    is_written("[18446744073709551616]", "[1.8446744073709552e19]");
    is_written("[-9223372036854775809]", "[-9.2233720368547758e18]");
    is_written("[9223372036854775808, 100000000000000000000000]",
               "[9223372036854775808,9.9999999999999992e22]");
}

Test(integers, faults_stay_faults)
{
    static const char *const faulty[] = {"[9223372036854775808", "[09223372036854775808]",
                                         "[1e999, 9223372036854775808]", "[9223372036854775808x]",
                                         "\"9223372036854775808"};
    json_error_t e;
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++)
        cr_assert(!integers_read(faulty[i], strlen(faulty[i]), JSON_DECODE_ANY, &e), "%s",
                  faulty[i]);
    json_t *value = integers_read("18446744073709551615", 20, JSON_DECODE_ANY, &e);
    cr_assert_str_eq(integers_digits(value), "18446744073709551615");
    json_decref(value);
}

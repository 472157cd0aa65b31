/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are those of the C locale, whatever somebody else in this process has asked for. */
#include "base/buffer.h"
#include "base/c_locale.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A bare machine has no locale with a decimal comma: localedef makes one of three lines. */
static char directory[] = "/tmp/simlab-locale-XXXXXX";

static void make_locale(void)
{
    char command[512];
    cr_assert(mkdtemp(directory));
    snprintf(command, sizeof command,
             "cd %s && printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep \".\"\\n"
             "grouping 3\\nEND LC_NUMERIC\\n' >comma && "
             "localedef -c -i ./comma ./xx_XX >messages 2>&1",
             directory);
    if (system(command) != 0) {
        /* It warns of all that is missing, and makes the locale. */
    }
    setenv("LOCPATH", directory, 1);
}

static void remove_locale(void)
{
    file_remove_tree(directory);
}

static void everything_prints_points(void)
{
    struct error e = {.message = ""};
    char text[NUMBER_TEXT_SIZE];
    cr_assert_str_eq(number_text(0.55, text), "0.55");
    cr_assert_str_eq(number_text(-1.5e-300, text), "-1.5e-300");
    json_t *value = json_read("[-999.5, 1e22]", 14, &e);
    cr_assert(value, "%s", e.message);
    cr_assert_eq(json_real_value(json_array_get(value, 0)), -999.5);
    char *written = json_write(value);
    cr_assert_str_eq(written, "[-999.5,1e+22]");
    free(written);
    json_decref(value);
    written = mem_printf("%g", 0.5);
    cr_assert_str_eq(written, "0.5");
    free(written);
    struct buffer b = {0};
    buffer_printf(&b, "%.12g and %300g", 0.25, 0.125);
    cr_assert(strstr(b.data, "0.25 and ") && strstr(b.data, " 0.125"), "%s", b.data);
    buffer_free(&b);
    error_set(&e, 1, NULL, "%g is too much", 7.5);
    cr_assert_str_eq(e.message, "7.5 is too much");
    char *end;
    cr_assert_eq(c_locale_read("2.5,", &end), 2.5);
    cr_assert_str_eq(end, ",");
}

static void check_comma(void)
{
    char text[16];
    snprintf(text, sizeof text, "%g", 0.5);
    cr_assert_str_eq(text, "0,5", "this locale has no decimal comma: the test means nothing");
}

Test(c_locale, whatever_setlocale_says, .init = make_locale, .fini = remove_locale)
{
    cr_assert(setlocale(LC_ALL, "xx_XX"));
    check_comma();
    everything_prints_points();
    check_comma(); /* theirs is left to them */
}

Test(c_locale, whatever_uselocale_says, .init = make_locale, .fini = remove_locale)
{
    locale_t comma = newlocale(LC_NUMERIC_MASK, "xx_XX", (locale_t)0);
    cr_assert(comma);
    uselocale(comma);
    check_comma();
    everything_prints_points();
    check_comma();
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(comma);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of JSON values: jansson's own bytes, but for reals and large integers. */
#include "base/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static json_t *example(void)
{
    json_t *value = json_pack("{s: [], s: {}, s: [i, [b, n], {s: s}], s: {s: i, s: i, s: I}}", "z",
                              "empty", "list", -3, 1, "é", "\xf0\x9f\x8c\x8d", "nested", "b", 1,
                              "a", 2, "c", (json_int_t)INT64_MIN);
    char all[300] = "";
    for (int c = 1; c < 0x80; c++)
        all[c - 1] = (char)c;
    json_object_set_new(value, all, json_string(all));
    json_object_set_new(value, "",
                        json_string("\xc2\x80\xc3\xbf\xe2\x80\xa8\xed\x9f\xbf\xee\x80\x80"
                                    "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    json_object_set_new(value, "nul", json_stringn("a\0b", 3));
    return value;
}

static void expect_same(char *ours, const json_t *value, size_t flags, const char *end)
{
    char *theirs = json_dumps(value, flags | JSON_ENCODE_ANY);
    size_t n = strlen(theirs);
    cr_assert(!strncmp(ours, theirs, n) && !strcmp(ours + n, end), "%s, not %s", ours, theirs);
    free(theirs);
    free(ours);
}

Test(json_write, bytes_are_those_of_jansson)
{
    json_t *value = example(), *empty = json_object(), *word = json_string("a\"\\/b");
    const json_t *all[] = {value, empty, word, json_true(), json_null()};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expect_same(json_write(all[i]), all[i], JSON_COMPACT, "");
        expect_same(json_canonical(all[i]), all[i], JSON_COMPACT | JSON_SORT_KEYS, "");
        expect_same(json_pretty(all[i]), all[i],
                    JSON_INDENT(4) | JSON_SORT_KEYS | JSON_ENSURE_ASCII, "\n");
    }
    json_decref(value);
    json_decref(empty);
    json_decref(word);
}

Test(json_write, what_a_terminal_would_obey_is_shown_escaped)
{
    /* DEL, C1, a line separator, an override of the direction; and what stays. */
    json_t *value = json_pack("{s: s}", "\xe2\x80\xae key",
                              "a\x7f\xc2\x85\xe2\x80\xa8\xe2\x81\xa6 é \xe2\x82\xac \xd8\x9c");
    char *text = json_show(value);
    cr_assert_str_eq(text, "{\"\\u202E key\":\"a\\u007F\\u0085\\u2028\\u2066 é \xe2\x82\xac "
                           "\\u061C\"}");
    struct error e = {0};
    json_t *again = json_read(text, strlen(text), &e);
    cr_assert(json_equal(again, value), "it reads back the same");
    free(text);
    json_decref(again);
    json_decref(value);
}

Test(json_write, numbers)
{
    json_t *value =
        json_pack("[f, f, f, f, o, i]", 0.1, 2.0, -0.0, 1e300, json_unsigned(UINT64_MAX), 7);
    char *text = json_write(value);
    cr_assert_str_eq(text, "[0.1,2.0,-0.0,1e+300,18446744073709551615,7]");
    free(text);
    json_decref(value);
}

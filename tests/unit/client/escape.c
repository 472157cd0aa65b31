/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the client is printable UTF-8, and in JSON it means the same. */
#include "client/escape.c"
#include "client/text.c"

#include <criterion/criterion.h>
#include <jansson.h>

static void shows(const char *text, const char *want)
{
    char *shown = escape_text(text, ESCAPE_SHOWN);
    cr_assert_str_eq(shown, want);
    free(shown);
}

Test(escape, controls_and_marks_are_shown)
{
    shows("", "");
    shows("plain \\ \"text\"", "plain \\ \"text\"");
    shows("a\nb\tc\rd", "a\\nb\\tc\\rd");
    shows("\x1b[2J\x01\x7f", "\\x1b[2J\\x01\\x7f");
    shows("\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0", "\\u0080\\u0085\\u009f\xc2\xa0");
    shows("\u200e\u200f\u202a\u202e\u2066\u2069\u061c", "\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069"
                                                        "\\u061c");
    shows("\u2028\u2029\ufeff\u200b\u00ad\ufffe", "\\u2028\\u2029\\ufeff\\u200b\\u00ad\\ufffe");
    shows("\U000e0041", "\\U000e0041");
    shows("Grüße, ⵣ, 漢字, ‍👩‍🔬, \U0010fffd",
          "Grüße, ⵣ, 漢字, ‍👩‍🔬, \U0010fffd");
}

Test(escape, bytes_that_are_no_utf8_are_shown)
{
    shows("\xff\xfe", "\\xff\\xfe");
    shows("a\x80z", "a\\x80z");
    shows("\xc3", "\\xc3");
    shows("\xe2\x82", "\\xe2\\x82");
    shows("\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf"); /* longer than it need be */
    shows("\xe0\x9f\xbf\xf0\x8f\xbf\xbf", "\\xe0\\x9f\\xbf\\xf0\\x8f\\xbf\\xbf");
    shows("\xed\xa0\x80\xf4\x90\x80\x80",
          "\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"); /* no characters */
    char *shown = escape_bytes("a\0b", 3, ESCAPE_SHOWN);
    cr_assert_str_eq(shown, "a\\x00b");
    free(shown);
}

/* Every character, alone and in a JSON document, comes out printable, and the document the same. */
Test(escape, json_means_the_same)
{
    for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 || c > 0xdf000 ? 1 : 97) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        json_t *value = json_pack("{s:s}", "a", "x");
        char utf8[8];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n; i-- > 1;)
            utf8[i] = (char)(0x80 | ((c >> (6 * (n - 1 - i))) & 0x3f));
        utf8[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c >> (6 * (n - 1)));
        utf8[n] = '\0';
        json_object_set_new(value, utf8, json_string(utf8));
        char *text = json_dumps(value, JSON_INDENT(1)), *shown = escape_text(text, ESCAPE_JSON);
        json_t *back = json_loads(shown, 0, NULL);
        cr_assert(json_equal(value, back), "U+%04X", c);
        for (const char *p = shown; *p; p++)
            cr_assert(*p == '\n' || (*p != 0x7f && (*p & 0xe0)), "U+%04X", c);
        json_decref(value);
        json_decref(back);
        free(text);
        free(shown);
    }
}

Test(escape, text_is_padded_as_it_is_shown)
{
    cr_assert_eq(text_width("é\x1b"), 5);
    char *written = NULL;
    size_t n;
    FILE *f = open_memstream(&written, &n);
    text_put_padded(f, "é\x1b", 7);
    text_line(f, "%s|", "a\nb");
    text_put_json(f, "{\r\n}\xc2\x85", 6);
    fclose(f);
    cr_assert_str_eq(written, "é\\x1b  a\\nb|\n{ \n}\\u0085\n");
    free(written);
}

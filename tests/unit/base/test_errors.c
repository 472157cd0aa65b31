/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"
#include "base/json.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(errors, words_from_below_are_kept)
{
    struct error e = {.message = ""};
    cr_expect_eq(error_set(&e, -EIO, "/a", "disk %d", 3), -EIO);
    cr_expect_eq(error_explain(&e, -EIO, "run"), -EIO);
    cr_expect_str_eq(e.message, "disk 3");
    cr_expect_str_eq(e.pointer, "/a");
}

Test(errors, words_are_made_where_there_are_none)
{
    struct error e = {.message = ""};
    cr_expect_eq(error_explain(&e, 0, "run"), 0);
    cr_expect_eq(error_explain(&e, 7, "run"), 7);
    cr_expect_str_eq(e.message, "", "what is found has words of its own");
    cr_expect_eq(error_explain(&e, -ENOENT, "run"), -ENOENT);
    cr_expect_str_eq(e.message, "cannot run: No such file or directory");
    cr_expect_eq(error_explain(NULL, -ENOENT, "run"), -ENOENT);
}

Test(errors, what_was_said_before_is_no_word_of_a_new_failure)
{
    struct error e = {.message = ""};
    error_set(&e, 1, "/a", "there is no such array");
    cr_expect_eq(error_errno(&e, -EIO, "write"), -EIO);
    cr_expect_str_eq(e.message, "cannot write: Input/output error");
    cr_expect_str_eq(e.pointer, "");
    error_clear(&e);
    error_explain(&e, -ENOSPC, "write");
    cr_expect_str_eq(e.message, "cannot write: No space left on device");
    error_clear(NULL);
}

/* JSON takes nothing else: an entry of a list with such a reason would be lost. */
Test(errors, words_are_utf8_whatever_they_quote)
{
    struct error e = {.message = ""};
    char large[3000], pointer[700] = "/";
    error_set(&e, 1, NULL, "caf\xe9 %.3s, a\nb", "\xe2\x82\xac");
    cr_expect_str_eq(e.message, "caf\\xe9 \xe2\x82\xac, a\\nb");
    for (size_t size = 1000; size < sizeof large; size++) {
        for (size_t i = 0; i < size; i++)
            large[i] = "\xe2\x82\xac"[i % 3];
        large[size] = '\0';
        memcpy(pointer + 1, large, sizeof pointer - 2);
        error_set(&e, 1, pointer, "%s", large);
        json_t *text = json_string(e.message), *where = json_string(e.pointer);
        cr_assert(text && where, "%zu bytes", size);
        cr_expect(strlen(e.message) > sizeof e.message - 5 || size < sizeof e.message);
        cr_expect_gt(strlen(e.pointer), sizeof e.pointer - 4);
        json_decref(text);
        json_decref(where);
    }
    error_set(&e, 1, NULL, "%s", e.message);
    cr_expect(strstr(e.message, "\xe2\x80\xa6"), "it says that it was cut");
}

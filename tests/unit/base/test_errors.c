/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

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

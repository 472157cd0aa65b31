/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reach.h"

#include <criterion/criterion.h>

Test(reach, who_prints_is_told_from_who_does_not)
{
    static const struct {
        const char *name;
        unsigned reach;
    } cases[] = {{"memcpy", 0},
                 {"snprintf", 0},
                 {"__vsnprintf_chk", 0},
                 {"printf", REACH_OUTPUT},
                 {"__printf_chk", REACH_OUTPUT},
                 {"stderr", REACH_OUTPUT},
                 {"_ZSt4cout", REACH_OUTPUT},
                 {"_ZNSt6vectorIdSaIdEE9push_backERKd", 0},
                 {"fopen", REACH_FILES},
                 {"_gfortran_st_write", REACH_FILES},
                 {"rand", REACH_RANDOM},
                 {"system", REACH_ALL},
                 {"a_name_that_nobody_knows", REACH_ALL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(reach_of_name(cases[i].name), cases[i].reach, "%s", cases[i].name);
}

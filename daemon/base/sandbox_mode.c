/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox_mode.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    [SANDBOX_OFF] = "off", [SANDBOX_AUTO] = "auto", [SANDBOX_REQUIRE] = "require"};

int sandbox_mode_parse(const char *text, enum sandbox_mode *ret_mode)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_mode = (enum sandbox_mode)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *sandbox_mode_name(enum sandbox_mode mode)
{
    return names[mode];
}

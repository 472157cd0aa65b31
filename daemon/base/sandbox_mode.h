/* SPDX-License-Identifier: Apache-2.0 */
/* How workers are confined, as `simlabd --sandbox` says it and workers are told
 * (worker/sandbox.h). */
#ifndef BASE_SANDBOX_MODE_H
#define BASE_SANDBOX_MODE_H

enum sandbox_mode {
    SANDBOX_OFF,    /* user code may do what the daemon's user may */
    SANDBOX_AUTO,   /* what the kernel has */
    SANDBOX_REQUIRE /* all of it, or no worker starts */
};

/* 0, or -EINVAL. */
int sandbox_mode_parse(const char *text, enum sandbox_mode *ret_mode);
const char *sandbox_mode_name(enum sandbox_mode mode);

#endif

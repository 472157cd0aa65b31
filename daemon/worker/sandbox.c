/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sandbox.h"

#include "worker/sandbox_calls.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of those that root has, what reaches files stays: which, is bounded below. */
static int drop_capabilities(void)
{
    enum {
        KEPT = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH | 1 << CAP_FOWNER
    };
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &head, sets) < 0)
        return -errno;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t kept = i == 0 ? KEPT : 0;
        sets[i].permitted &= kept;
        sets[i].effective &= kept;
        sets[i].inheritable &= kept;
    }
    return syscall(SYS_capset, &head, sets) < 0 ? -errno : 0;
}

static int keep_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : drop_capabilities();
}

/* linux/landlock.h of Debian 12 does not have what bounds signals; the numbers are the same on all
 * processors. */
enum { CREATE_RULESET = 444, RESTRICT_SELF = 446, ASK_VERSION = 1, VERSION_OF_SCOPES = 6 };

enum { SCOPE_ABSTRACT_SOCKETS = 1, SCOPE_SIGNALS = 2 };

struct ruleset {
    uint64_t files, network, scopes;
};

static int bound_signals(void)
{
    struct ruleset rules = {.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS};
    long version = syscall(CREATE_RULESET, NULL, (size_t)0, ASK_VERSION);
    if (version < VERSION_OF_SCOPES)
        return version < 0 ? -errno : -ENOSYS;
    int fd = (int)syscall(CREATE_RULESET, &rules, sizeof rules, 0);
    if (fd < 0)
        return -errno;
    int r = syscall(RESTRICT_SELF, fd, 0) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/* `r`: of what was tried. */
static int hold(struct sandbox *s, const char *name, const char *from, int r, struct error *e)
{
    size_t n = strlen(s->words);
    if (r == 0)
        snprintf(s->words + n, SANDBOX_WORDS - n, "%s%s", n ? ", " : "", name);
    else if (s->mode == SANDBOX_REQUIRE)
        return error_set(e, r, NULL, "--sandbox require: %s cannot be bounded (%s): %s", name, from,
                         strerror(-r));
    return 0;
}

/* The first is what the others need. */
int sandbox_begin(enum sandbox_mode mode, const struct sandbox_places *places,
                  struct sandbox *ret_sandbox, struct error *e)
{
    *ret_sandbox = (struct sandbox){.mode = mode};
    if (mode == SANDBOX_OFF)
        return 0;
    int r = hold(ret_sandbox, "privileges", "no_new_privs", keep_privileges(), e);
    if (r == 0)
        r = hold(ret_sandbox, "files", "Landlock of Linux 5.19",
                 places ? sandbox_files_bound(places, &ret_sandbox->view) : -ENODATA, e);
    return r ? r : hold(ret_sandbox, "signals", "Landlock of Linux 6.12", bound_signals(), e);
}

int sandbox_enter(struct sandbox *s, pid_t daemon, pid_t guard, struct error *e)
{
    int r = 0;
    if (s->mode != SANDBOX_OFF)
        r = hold(s, "calls", "seccomp", sandbox_calls_refuse(daemon, guard), e);
    if (r == 0 && !*s->words)
        snprintf(s->words, SANDBOX_WORDS, "none");
    return r;
}

void sandbox_clear(struct sandbox *s)
{
    s->view = sandbox_view_free(s->view);
}

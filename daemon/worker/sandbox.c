/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sandbox.h"

#include "worker/sandbox_calls.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int keep_privileges(pid_t daemon, pid_t guard)
{
    (void)daemon;
    (void)guard;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* linux/landlock.h of Debian 12 does not have what bounds signals; the numbers are the same on all
 * processors. */
enum { CREATE_RULESET = 444, RESTRICT_SELF = 446, ASK_VERSION = 1, VERSION_OF_SCOPES = 6 };

enum { SCOPE_ABSTRACT_SOCKETS = 1, SCOPE_SIGNALS = 2 };

struct ruleset {
    uint64_t files, network, scopes;
};

static int bound_signals(pid_t daemon, pid_t guard)
{
    (void)daemon;
    (void)guard;
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

/* The first is what the others need; the filter comes last. */
static const struct {
    const char *name, *from;
    int (*set)(pid_t daemon, pid_t guard);
} parts[] = {{"privileges", "no_new_privs", keep_privileges},
             {"signals", "Landlock of Linux 6.12", bound_signals},
             {"calls", "seccomp", sandbox_calls_refuse}};

static void add_word(char *words, const char *word)
{
    size_t n = strlen(words);
    snprintf(words + n, SANDBOX_WORDS - n, "%s%s", n ? ", " : "", word);
}

int sandbox_enter(enum sandbox_mode mode, pid_t daemon, pid_t guard, char *ret_words,
                  struct error *e)
{
    *ret_words = '\0';
    for (size_t i = 0; mode != SANDBOX_OFF && i < sizeof parts / sizeof *parts; i++) {
        int r = parts[i].set(daemon, guard);
        if (r == 0)
            add_word(ret_words, parts[i].name);
        else if (mode == SANDBOX_REQUIRE)
            return error_set(e, r, NULL, "--sandbox require: %s cannot be bounded (%s): %s",
                             parts[i].name, parts[i].from, strerror(-r));
    }
    if (!*ret_words)
        add_word(ret_words, "none");
    return 0;
}

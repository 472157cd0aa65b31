/* SPDX-License-Identifier: Apache-2.0 */
/* What user code in this process may no longer ask of the kernel, from before a library is loaded;
 * nothing takes it back, and whatever user code starts has it too.
 *
 *   privileges  No program that it starts gets more of them (PR_SET_NO_NEW_PRIVS); of root's it has
 *               those that reach files, and no other.
 *   files       Landlock (5.19 and later): it writes in the store root and its own scratch
 *               directory, and reads nothing of the daemon's state directory but libraries,
 *               uploads and stores (worker/sandbox_files.h; before 6.2, truncate(2) is not seen;
 *               nor are chmod and the like, which read nothing).
 *   signals     Landlock (6.12 and later): none to a process outside, and no abstract sockets.
 *   calls       A filter (seccomp) of all threads refuses, with EPERM: sockets, but for those of
 *               workers that help each other (AF_UNIX, SOCK_SEQPACKET: they cannot be connected to
 *               a stream, as the daemon's sockets and ZeroMQ's are) and pairs; signals, limits and
 *               priorities of the daemon and the guard, by their numbers; to stop a process (what
 *               stops itself would be silent for long before it is found); looking into other
 *               processes; mounts, namespaces, keys, modules, clocks, tracing, io_uring. A refused
 *               call fails; the member goes on, or dies of what it makes of that.
 *
 * The filter has no cost for calls that it does not speak of: the kernel keeps a map of these. */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include "base/errors.h"
#include "base/sandbox_mode.h"
#include "worker/sandbox_files.h"

#include <sys/types.h>

enum { SANDBOX_WORDS = 64 };

struct sandbox {
    enum sandbox_mode mode;
    char words[SANDBOX_WORDS]; /* what holds: "privileges, files, signals, calls", or "none" */
    struct sandbox_view *view; /* NULL: files are not bounded */
};

/* In this order; `places` NULL: they are not known, and files not bounded. 0, or -errno with words
 * where the mode requires what the kernel has not: then some of it may hold. sandbox_begin, before
 * another thread is started: all but the calls. sandbox_enter, once there are the sockets that
 * there are to be: those. `daemon` and `guard` are who must not be signalled; 0: there is none. */
int sandbox_begin(enum sandbox_mode mode, const struct sandbox_places *places,
                  struct sandbox *ret_sandbox, struct error *e);
int sandbox_enter(struct sandbox *s, pid_t daemon, pid_t guard, struct error *e);
/* Frees it; what holds goes on. */
void sandbox_clear(struct sandbox *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What user code in this process may no longer ask of the kernel. It is entered once the session
 * with the daemon stands, and before a library is loaded; nothing takes it back, and whatever user
 * code starts has it too.
 *
 *   privileges  No program that it starts gets more of them (PR_SET_NO_NEW_PRIVS).
 *   calls       A filter (seccomp) of all threads refuses, with EPERM: sockets, but for those of
 *               workers that help each other (AF_UNIX, SOCK_SEQPACKET: they cannot be connected to
 *               a stream, as the daemon's sockets and ZeroMQ's are) and pairs; signals, limits and
 *               priorities of the daemon and the guard, by their numbers; looking into other
 *               processes; mounts, namespaces, keys, modules, clocks, tracing, io_uring. A refused
 *               call fails; the member goes on, or dies of what it makes of that.
 *   signals     Landlock (6.12 and later): none to a process outside, and no abstract sockets; of
 *               this thread and all that it starts from now on.
 *
 * It does not keep user code from files: it reads and writes what the daemon's user may. Nor does
 * it bound how many processes it starts (the guard ends them all: guard.h).
 *
 * The filter has no cost for calls that it does not speak of: the kernel keeps a map of these. */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

#include "base/errors.h"
#include "base/sandbox_mode.h"

#include <sys/types.h>

enum { SANDBOX_WORDS = 64 };

/* What holds in words, of SANDBOX_WORDS bytes: "privileges, calls, signals", or "none". `daemon`
 * and `guard` are who must not be signalled; 0: there is none. 0; -errno with words where the mode
 * requires what the kernel has not: then some of it may hold. */
int sandbox_enter(enum sandbox_mode mode, pid_t daemon, pid_t guard, char *ret_words,
                  struct error *e);

#endif

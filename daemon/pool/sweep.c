/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep.h"

#include "base/loop.h"
#include "base/proc.h"
#include "pool/child.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

enum { RETRY_MS = 100 }; /* where a process cannot be watched */

struct search {
    const struct sweep *sweep;
    pid_t self;
    pid_t found; /* 0: none */
    int pidfd;
};

static bool is_left(const struct search *s, const struct proc *p)
{
    const struct sweep *w = s->sweep;
    if (p->is_zombie || p->pid == w->leader || p->pid == s->self)
        return false;
    if (p->session == w->leader)
        return true;
    if (p->parent != s->self || child_is_ours(p->pid))
        return false;
    return (w->lock && proc_has_open(p->pid, w->lock)) ||
           (w->mark && proc_has_environment(p->pid, w->mark));
}

static void look(void *search, const struct proc *p)
{
    struct search *s = search;
    if (!is_left(s, p))
        return;
    int pidfd = pidfd_open(p->pid, 0);
    struct proc now; /* by now the number may be another's, but not after this look */
    bool is_it = proc_read(p->pid, &now) && is_left(s, &now);
    if (pidfd >= 0 && is_it)
        pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    else if (is_it) /* there are no descriptors to be had */
        kill(p->pid, SIGKILL);
    if (s->pidfd < 0)
        s->pidfd = pidfd;
    else if (pidfd >= 0)
        close(pidfd);
    s->found = p->pid;
}

bool sweep_kill(const struct sweep *sweep, pid_t *ret_pid, int *ret_pidfd)
{
    struct search s = {.sweep = sweep, .self = getpid(), .pidfd = -1};
    proc_each(look, &s);
    if (s.found == 0)
        return false;
    *ret_pid = s.found;
    *ret_pidfd = s.pidfd;
    return true;
}

pid_t sweep_wait(const struct sweep *s, int timeout_ms)
{
    int64_t deadline = loop_now() + timeout_ms;
    pid_t pid;
    int pidfd;
    while (sweep_kill(s, &pid, &pidfd)) {
        int64_t left = deadline - loop_now();
        struct pollfd fd = {pidfd, POLLIN, 0};
        if (left > 0)
            poll(&fd, 1, pidfd >= 0 ? (int)left : RETRY_MS);
        if (pidfd >= 0)
            close(pidfd);
        if (left <= 0)
            return pid;
    }
    return 0;
}

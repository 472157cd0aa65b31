/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/guard.h"

#include "base/file.h"
#include "base/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the end ---- */

/* Nobody but us reaps our children: their numbers are not others' while we kill them. */
static void kill_child(void *guard, const struct proc *p)
{
    if (p->parent == *(const pid_t *)guard && !p->is_zombie)
        kill(p->pid, SIGKILL);
}

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The children of who has died are ours then; so there are none at all when we have none. `worker`
 * is 0 where it has been reaped. */
static void end_all(pid_t worker)
{
    pid_t guard = getpid();
    while (has_children()) {
        if (proc_each(kill_child, &guard) < 0 && worker > 0)
            kill(worker, SIGKILL);
        if (waitpid(-1, NULL, 0) == worker)
            worker = 0;
    }
}

static _Noreturn void end_like(int status)
{
    if (WIFSIGNALED(status)) {
        struct rlimit none = {0, 0}; /* the worker's core is the one that matters */
        sigset_t one;
        setrlimit(RLIMIT_CORE, &none);
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status)); /* it is blocked, until … */
        sigemptyset(&one);
        sigaddset(&one, WTERMSIG(status));
        sigprocmask(SIG_UNBLOCK, &one, NULL);
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* ---- while the worker lives ---- */

/* Reaps who has ended; true where the worker is among them. */
static bool reap(pid_t worker, int *ret_status)
{
    bool has_ended = false;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == worker) {
            *ret_status = status;
            has_ended = true;
        }
    }
    return has_ended;
}

static bool asks_to_end(int signal)
{
    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

static _Noreturn void watch(pid_t worker, const sigset_t *all, const char *directory,
                            const char *group)
{
    int status = 0, came = 0;
    bool has_ended = false;
    prctl(PR_SET_NAME, "simlab-guard");
    while (!has_ended && !asks_to_end(came)) {
        came = sigwaitinfo(all, NULL);
        if (came == SIGCHLD)
            has_ended = reap(worker, &status);
    }
    end_all(has_ended ? 0 : worker);
    if (directory)
        file_remove_tree(directory);
    if (group)
        rmdir(group);
    end_like(has_ended ? status : came); /* who dies of a signal has its number for a status */
}

int guard_start(const char *directory, const char *group)
{
    sigset_t all, before;
    int dies_with_parent = 0;
    prctl(PR_GET_PDEATHSIG, &dies_with_parent);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return -errno;
    signal(SIGCHLD, SIG_DFL); /* before the fork: it takes away a SIGCHLD that is pending */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t guard = getpid(), worker = fork();
    if (worker < 0) {
        int r = -errno;
        sigprocmask(SIG_SETMASK, &before, NULL);
        return r;
    }
    if (worker > 0) {
        if (dies_with_parent)
            prctl(PR_SET_PDEATHSIG, SIGTERM); /* not by SIGKILL, which would leave children */
        watch(worker, &all, directory, group);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guard)
        raise(SIGKILL);
    setpgid(0, 0); /* what it sends to its group is not for us */
    sigprocmask(SIG_SETMASK, &before, NULL);
    return 0;
}

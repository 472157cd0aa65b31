/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/child.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DYING_MS = 10000 }; /* for one that was killed: it may wait for a disk */

/* ---- children that somebody waits for ---- */

/* Of the process, as children are. */
static struct {
    pthread_mutex_t mutex;
    pid_t *pids; /* under the mutex */
    size_t n, capacity;
} ours = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void lock(void)
{
    pthread_mutex_lock(&ours.mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&ours.mutex);
}

/* With the mutex held. */
static size_t find(pid_t pid)
{
    size_t i = 0;
    while (i < ours.n && ours.pids[i] != pid)
        i++;
    return i;
}

static void make_room(void)
{
    if (ours.n == ours.capacity) {
        ours.capacity = ours.capacity ? 2 * ours.capacity : 16;
        ours.pids = mem_resize(ours.pids, ours.capacity, sizeof *ours.pids);
    }
}

bool child_is_ours(pid_t pid)
{
    lock();
    bool found = find(pid) < ours.n;
    unlock();
    return found;
}

/* With the mutex held. */
static void forget(pid_t pid)
{
    size_t i = find(pid);
    if (i < ours.n)
        ours.pids[i] = ours.pids[--ours.n];
    if (ours.n == 0) {
        free(ours.pids);
        ours.pids = NULL;
        ours.capacity = 0;
    }
}

void child_abandon(pid_t pid)
{
    lock();
    forget(pid);
    unlock();
}

int child_reap(pid_t pid, struct rusage *ret_usage)
{
    int status = 0;
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    lock(); /* so that nobody sees it as one that nobody waits for */
    while (wait4(pid, &status, 0, ret_usage) < 0 && errno == EINTR)
        ;
    forget(pid);
    unlock();
    return status;
}

void child_reap_orphans(void)
{
    siginfo_t info = {0};
    lock();
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           find(info.si_pid) == ours.n) {
        waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
    unlock();
}

/* ---- start ---- */

/* The environment with TMPDIR set; the array is freed by the caller, `tmpdir` belongs to it too. */
static char **environment(const char *directory, char **ret_tmpdir)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **env = mem_array(n + 2, sizeof *env);
    for (size_t i = 0; i < n; i++)
        if (!directory || strncmp(environ[i], "TMPDIR=", 7) != 0)
            env[kept++] = environ[i];
    *ret_tmpdir = directory ? mem_printf("TMPDIR=%s", directory) : NULL;
    if (directory)
        env[kept] = *ret_tmpdir;
    return env;
}

static void default_signals(void)
{
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int arrange_descriptors(const struct child_options *o, int *report)
{
    /* Beyond 0…2 first, so that the dup2 below overwrite none that is still needed. */
    int output = fcntl(o->output, F_DUPFD, 3), error = fcntl(o->error, F_DUPFD, 3);
    *report = fcntl(*report, F_DUPFD, 3);
    int null = open("/dev/null", O_RDONLY);
    if (output < 0 || error < 0 || *report < 0 || null < 0 || dup2(null, 0) < 0 ||
        dup2(output, 1) < 0 || dup2(error, 2) < 0)
        return -errno;
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        return -errno;
    for (const int *fd = o->inherit; fd && *fd >= 0; fd++)
        if (fcntl(*fd, F_SETFD, 0) < 0)
            return -errno;
    return 0;
}

/* Between fork and execve: only async-signal-safe calls, since the daemon has threads. */
static _Noreturn void child(const struct child_options *o, char **env, pid_t parent, int report)
{
    int r = 0;
    default_signals();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        r = -errno;
    if (getppid() != parent) /* it died before PR_SET_PDEATHSIG held */
        _exit(127);
    setsid();
    if (r == 0)
        r = arrange_descriptors(o, &report);
    if (r == 0 && o->directory && chdir(o->directory) < 0)
        r = -errno;
    if (r == 0) {
        execve(o->argv[0], (char *const *)o->argv, env);
        r = -errno;
    }
    ssize_t written = write(report, &r, sizeof r);
    (void)written;
    _exit(127);
}

/* What the child reported before it gave up, 0 where execve closed the pipe. */
static int read_report(int fd)
{
    int r = 0;
    ssize_t n;
    do
        n = read(fd, &r, sizeof r);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof r ? r : 0;
}

/* So that who reaps orphans meanwhile knows it. */
static int fork_ours(pid_t *ret_pid)
{
    lock();
    make_room();
    pid_t pid = fork();
    int r = pid < 0 ? -errno : 0;
    if (pid > 0)
        ours.pids[ours.n++] = pid;
    if (pid != 0)
        unlock();
    *ret_pid = pid;
    return r;
}

int child_start(const struct child_options *o, pid_t *ret_pid, int *ret_pidfd)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    char *tmpdir;
    char **env = environment(o->directory, &tmpdir);
    pid_t parent = getpid(), pid;
    int r = fork_ours(&pid);
    if (pid == 0)
        child(o, env, parent, report[1]);
    free(env);
    free(tmpdir);
    close(report[1]);
    if (r == 0)
        r = read_report(report[0]);
    close(report[0]);
    int pidfd = r == 0 ? pidfd_open(pid, 0) : -1;
    if (r == 0 && pidfd < 0)
        r = -errno;
    if (r < 0) {
        if (pid > 0) {
            child_kill(pid);
            child_reap(pid, NULL);
        }
        return r;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* ---- end ---- */

void child_kill(pid_t pid)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* it may not have called setsid yet */
}

static bool wait_for(int pidfd, int timeout_ms)
{
    struct pollfd fd = {pidfd, POLLIN, 0};
    int n;
    do
        n = poll(&fd, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

bool child_end(pid_t pid, int pidfd, int timeout_ms)
{
    kill(pid, SIGTERM);
    if (wait_for(pidfd, timeout_ms))
        return true;
    child_kill(pid);
    return wait_for(pidfd, DYING_MS);
}

void child_status(int status, char *ret)
{
    if (status == -1)
        snprintf(ret, 64, "was not there");
    else if (WIFSIGNALED(status))
        snprintf(ret, 64, "killed by signal %d (%.32s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(ret, 64, "exit status %d", WEXITSTATUS(status));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/child.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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
    if (o->inherit >= 0 && fcntl(o->inherit, F_SETFD, 0) < 0)
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

int child_start(const struct child_options *o, pid_t *ret_pid, int *ret_pidfd)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    char *tmpdir;
    char **env = environment(o->directory, &tmpdir);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child(o, env, parent, report[1]);
    int r = pid < 0 ? -errno : 0;
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
        if (pid > 0)
            child_kill(pid);
        return r;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* ---- end ---- */

int child_kill(pid_t leader)
{
    /* While the leader is not reaped, its number and its group's are nobody else's. */
    kill(-leader, SIGKILL);
    kill(leader, SIGKILL); /* it may not have called setsid yet */
    int status = 0;
    while (waitpid(leader, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

struct process {
    pid_t pid, parent, group, session;
};

static bool read_process(const char *name, struct process *ret)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *after = strrchr(text, ')'); /* the name before it may hold anything */
    int parent, group, session;
    if (!after || sscanf(after, ") %*c %d %d %d", &parent, &group, &session) != 3)
        return false;
    *ret = (struct process){(pid_t)atoi(name), parent, group, session};
    return true;
}

bool child_sweep(pid_t leader, bool (*is_ours)(const void *userdata, pid_t pid),
                 const void *userdata)
{
    DIR *proc = opendir("/proc");
    mem_assert(proc);
    pid_t self = getpid(), our_session = getsid(0);
    bool clean = true;
    struct dirent *entry;
    while ((entry = readdir(proc))) {
        struct process p;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !read_process(entry->d_name, &p))
            continue;
        bool adopted = p.parent == self && p.session != our_session && !is_ours(userdata, p.pid);
        if (p.session != leader && p.group != leader && !adopted)
            continue;
        clean = false; /* reaped now or not: its children may have become ours */
        kill(p.pid, SIGKILL);
        if (p.parent == self)
            waitpid(p.pid, NULL, WNOHANG);
    }
    closedir(proc);
    return clean;
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

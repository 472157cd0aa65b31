/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
    pid_t pid;
    struct proc found;
};

static void look(void *userdata, const struct proc *p)
{
    struct seen *s = userdata;
    if (p->pid == s->pid)
        s->found = *p;
}

static struct proc find(pid_t pid)
{
    struct seen s = {.pid = pid};
    cr_assert_eq(proc_each(look, &s), 0);
    return s.found;
}

Test(proc, tells_parents_sessions_and_zombies)
{
    int ends[2];
    char byte;
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        (void)!write(ends[1], "x", 1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    struct proc p = find(pid);
    cr_assert(p.parent == getpid() && p.session == pid && !p.is_zombie);
    struct stat st;
    cr_assert_eq(fstat(ends[1], &st), 0);
    cr_assert(proc_has_open(pid, &st));
    cr_assert_eq(stat("/", &st), 0);
    cr_assert_not(proc_has_open(pid, &st));
    kill(pid, SIGKILL);
    siginfo_t info;
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    cr_assert(find(pid).is_zombie);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_assert_eq(find(pid).pid, 0);
}

Test(proc, tells_the_environment)
{
    int ends[2];
    char byte;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {"tail", "-f", "/dev/null", NULL};
        char *const environment[] = {"A=1", "MARK=this one", NULL};
        execve("/usr/bin/tail", argv, environment);
        _exit(1);
    }
    close(ends[1]);
    cr_assert_eq(read(ends[0], &byte, 1), 0, "it has been started");
    cr_assert(proc_has_environment(pid, "MARK=this one"));
    cr_assert_not(proc_has_environment(pid, "MARK=this"));
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

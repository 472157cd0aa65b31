/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/load_limit.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void hang(int to)
{
    dup2(to, STDERR_FILENO);
    load_limit_begin("slow", 1);
    for (;;)
        pause();
}

Test(load_limit, ends_what_hangs)
{
    int pipes[2], status;
    char said[200] = "";
    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        hang(pipes[1]);
    close(pipes[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %d", status);
    cr_assert(read(pipes[0], said, sizeof said - 1) > 0);
    close(pipes[0]);
    cr_assert_str_eq(said, "simlab-worker: error: library slow takes too long to load, or hangs\n");
}

Test(load_limit, leaves_nothing_behind)
{
    struct sigaction now;
    load_limit_begin("quick", 1000);
    load_limit_end();
    cr_assert_eq(alarm(0), 0u);
    cr_assert_eq(sigaction(SIGALRM, NULL, &now), 0);
    cr_assert(now.sa_handler == SIG_DFL);
}

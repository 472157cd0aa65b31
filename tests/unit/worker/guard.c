/* SPDX-License-Identifier: Apache-2.0 */
/* Guards, each in a process of its own whose parent is the test. */
#include "worker/guard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(guard, .timeout = 60);

/* Starts a guard, whose worker does that; its number. */
static pid_t guarded(void (*work)(void *), void *userdata)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        if (guard_start(NULL, NULL) == 0)
            work(userdata);
        _exit(0);
    }
    cr_assert_gt(pid, 0);
    return pid;
}

static int status_of(pid_t pid)
{
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void exit_with(void *status)
{
    _exit(*(int *)status);
}

static void die_of(void *number)
{
    signal(*(int *)number, SIG_DFL);
    raise(*(int *)number);
}

Test(guard, ends_as_its_worker_does)
{
    int statuses[] = {0, 3, 255}, signals[] = {SIGKILL, SIGSEGV, SIGABRT, SIGTERM};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        int s = status_of(guarded(exit_with, &statuses[i]));
        cr_assert(WIFEXITED(s) && WEXITSTATUS(s) == statuses[i], "%d", statuses[i]);
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int s = status_of(guarded(die_of, &signals[i]));
        cr_assert(WIFSIGNALED(s) && WTERMSIG(s) == signals[i], "%d", signals[i]);
    }
}

Test(guard, sees_the_quickest_death)
{
    int status = 0;
    for (int i = 0; i < 300; i++)
        cr_assert_eq(status_of(guarded(exit_with, &status)), 0);
}

/* Another session, no descriptors but the pipe, and an orphan: it writes its number there. */
static void hide(int fd)
{
    int done[2];
    pid_t child = fork();
    if (child == 0) {
        char byte;
        setsid();
        if (pipe(done) == 0 && fork() == 0) {
            pid_t self = getpid();
            dup2(fd, 0);
            (void)!write(0, &self, sizeof self);
            close_range(1, ~0u, 0); /* ends the wait below */
            for (;;)
                pause();
        }
        close(done[1]);
        (void)!read(done[0], &byte, 1);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void hide_two_and_die(void *fd)
{
    hide(*(int *)fd);
    hide(*(int *)fd);
    abort();
}

static void hide_and_stay(void *fd)
{
    signal(SIGTERM, SIG_IGN);
    hide(*(int *)fd);
    for (;;)
        pause();
}

Test(guard, leaves_nothing)
{
    int ends[2];
    pid_t hidden[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t guard = guarded(hide_two_and_die, &ends[1]);
    int s = status_of(guard);
    cr_assert(WIFSIGNALED(s) && WTERMSIG(s) == SIGABRT);
    close(ends[1]);
    cr_assert_eq(read(ends[0], hidden, sizeof hidden), (ssize_t)sizeof hidden);
    for (int i = 0; i < 2; i++)
        cr_assert(kill(hidden[i], 0) < 0 && errno == ESRCH);
    char byte;
    cr_assert_eq(read(ends[0], &byte, 1), 0, "nobody has the pipe any more");
}

Test(guard, ends_all_when_it_is_asked)
{
    int ends[2];
    pid_t hidden;
    cr_assert_eq(pipe(ends), 0);
    pid_t guard = guarded(hide_and_stay, &ends[1]);
    cr_assert_eq(read(ends[0], &hidden, sizeof hidden), (ssize_t)sizeof hidden);
    kill(guard, SIGTERM);
    int s = status_of(guard);
    cr_assert(WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM, "whatever its worker does with that");
    cr_assert(kill(hidden, 0) < 0 && errno == ESRCH);
}

static void signal_all(void *unused)
{
    (void)unused;
    signal(SIGTERM, SIG_IGN); /* as a library does that ends its helpers so */
    kill(0, SIGTERM);
    _exit(7);
}

Test(guard, is_not_in_its_workers_group)
{
    int s = status_of(guarded(signal_all, NULL));
    cr_assert(WIFEXITED(s) && WEXITSTATUS(s) == 7);
}

Test(guard, whose_death_is_the_workers)
{
    int ends[2];
    pid_t hidden;
    cr_assert_eq(pipe(ends), 0);
    pid_t guard = guarded(hide_and_stay, &ends[1]);
    close(ends[1]);
    cr_assert_eq(read(ends[0], &hidden, sizeof hidden), (ssize_t)sizeof hidden);
    kill(guard, SIGKILL);
    status_of(guard);
    kill(hidden, SIGKILL); /* it lost its guard: the pool's task */
    char byte;
    cr_assert_eq(read(ends[0], &byte, 1), 0, "the worker is dead too");
}

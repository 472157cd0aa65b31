/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clean_room_parts.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    PENDING_MAX = 65536, /* of one real-time signal many may wait */
    BLOCK = 4096
};

void signals_open(struct signals *s)
{
    s->timers = open("/proc/self/timers", O_RDONLY | O_CLOEXEC);
}

void signals_close(struct signals *s)
{
    if (s->timers >= 0)
        close(s->timers);
}

void signals_note(struct signals *s)
{
    for (int i = 1; i < N_SIGNALS; i++)
        s->has_action[i] = sigaction(i, NULL, &s->actions[i]) == 0;
    pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    sigaltstack(NULL, &s->stack);
}

bool signals_hold(void)
{
    sigset_t all;
    sigfillset(&all);
    return pthread_sigmask(SIG_SETMASK, &all, NULL) == 0;
}

void signals_end_timers(const struct signals *s)
{
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){0}, NULL);
    setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
    char text[BLOCK];
    ssize_t n;
    bool ended = true;
    while (ended && (n = pread(s->timers, text, sizeof text - 1, 0)) > 0) {
        text[n] = '\0';
        ended = false;
        for (const char *at = text; (at = strstr(at, "ID: ")); at++)
            ended = syscall(SYS_timer_delete, atoi(at + strlen("ID: "))) == 0 || ended;
    }
}

static bool is_same(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_flags == b->sa_flags && a->sa_sigaction == b->sa_sigaction &&
           memcmp(&a->sa_mask, &b->sa_mask, sizeof(uint64_t)) == 0;
}

static bool put_back_handlers(const struct signals *s)
{
    bool ok = true;
    for (int i = 1; i < N_SIGNALS; i++) {
        struct sigaction now;
        if (s->has_action[i] && sigaction(i, NULL, &now) == 0 && !is_same(&now, &s->actions[i]))
            ok = sigaction(i, &s->actions[i], NULL) == 0 && ok;
    }
    return ok;
}

static bool put_back_stack(const struct signals *s)
{
    stack_t now;
    if (sigaltstack(NULL, &now) < 0)
        return false;
    return (now.ss_sp == s->stack.ss_sp && now.ss_flags == s->stack.ss_flags) ||
           sigaltstack(&s->stack, NULL) == 0;
}

/* Somebody wants the process to end or stop: from a terminal, or another process. */
static bool is_from_outside(const siginfo_t *info)
{
    bool is_for_jobs = info->si_signo == SIGINT || info->si_signo == SIGTERM ||
                       info->si_signo == SIGHUP || info->si_signo == SIGQUIT ||
                       info->si_signo == SIGTSTP;
    return is_for_jobs && (info->si_code > 0 || info->si_pid != getpid());
}

/* sigisemptyset() of glibc 2.36 does not see real-time signals. */
static bool is_pending(sigset_t *ret_pending)
{
    bool found = false;
    if (sigpending(ret_pending) < 0)
        return false;
    for (int i = 1; i < N_SIGNALS && !found; i++)
        found = sigismember(ret_pending, i) == 1;
    return found;
}

static void drop_pending(void)
{
    sigset_t pending, again;
    siginfo_t info;
    sigemptyset(&again);
    for (int i = 0; i < PENDING_MAX && is_pending(&pending); i++)
        if (sigtimedwait(&pending, &info, &(struct timespec){0}) > 0 && is_from_outside(&info))
            sigaddset(&again, info.si_signo);
    for (int i = 1; i < N_SIGNALS; i++)
        if (sigismember(&again, i) == 1)
            kill(getpid(), i);
}

bool signals_put_back(const struct signals *s)
{
    bool stack = put_back_stack(s), handlers = put_back_handlers(s);
    drop_pending();
    return pthread_sigmask(SIG_SETMASK, &s->mask, NULL) == 0 && stack && handlers;
}

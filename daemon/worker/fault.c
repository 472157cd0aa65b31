/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fault.h"

#include "stage/stage.h"

#include <signal.h>
#include <stdlib.h>

/* Signal handlers are given nothing else. */
static struct position_board *watched;
static const struct simulation *explained;

/* Of a thread that runs members beside others. */
static _Thread_local struct {
    void (*tell)(void *userdata, int64_t member);
    void *userdata;
    int64_t member;
} mine;

static void note_end(void)
{
    if (watched)
        position_ends_here(watched);
    if (mine.tell)
        mine.tell(mine.userdata, mine.member);
}

/* Its action is the default again. Where the fault is an instruction's, that is met again. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    note_end();
    if (explained && info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS))
        simulation_explain_address(explained, info->si_addr, watched->note, sizeof watched->note);
    if (info->si_code <= 0)
        raise(signal);
}

void fault_watch(struct position_board *board)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
    static bool is_registered;
    if (!is_registered) /* tried again where there was no memory */
        is_registered = atexit(note_end) == 0 && at_quick_exit(note_end) == 0;
    watched = board;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct sigaction now;
        if (sigaction(faults[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(faults[i], &action, NULL);
    }
}

void fault_forget(void)
{
    watched = NULL;
    explained = NULL;
}

void fault_set_member(void (*tell)(void *userdata, int64_t member), void *userdata, int64_t member)
{
    mine.userdata = userdata;
    mine.member = member;
    mine.tell = tell;
}

void fault_explain(const struct simulation *s)
{
    explained = s;
}

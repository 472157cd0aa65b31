/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/position.h"
#include "worker/run_parts.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { LOST_MS = 5000 };

static void say_died(const struct run *run, int64_t member, bool is_dead, const char *reason)
{
    enum log_level level = is_dead ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
    const char *again = is_dead ? "" : "; it is tried again";
    if (run->child.facts->is_batch && !run->is_overrun)
        log_line(level, "member %" PRId64 ": %s%s", member, reason, again);
    else
        log_line(level, "%s%s", reason, again);
}

/* In which process and stage; false where that is not known. */
static bool add_place(const struct run *run, int where, char *reason, size_t size)
{
    struct position_board *board = mem_new(sizeof *board);
    char text[POSITION_TEXT];
    size_t n = strlen(reason);
    where_read_board(where, board, sizeof *board);
    bool is_known = position_text(board, text);
    if (is_known)
        snprintf(reason + n, size - n, "%s in %s", run->is_overrun ? "," : "", text);
    free(board);
    return is_known;
}

/* While it waited, a helper of it was somewhere. */
static void add_any_place(const struct run *run, char *reason, size_t size)
{
    bool is_known = add_place(run, run->child.where, reason, size);
    for (int i = 0; i < run->helpers.n && !is_known; i++)
        is_known = add_place(run, run->helpers.at[i].where, reason, size);
}

/* Of a process that died at this member. */
static void explain_death(const struct run *run, int64_t member, const struct proc_end *end,
                          char *ret, size_t size)
{
    char how[160];
    proc_end_text(end, how, sizeof how);
    snprintf(ret, size, "its worker %s", how);
    if (run->is_overrun)
        snprintf(ret, size, "member %" PRId64 " ran longer than its limit of %g s", member,
                 run->child.facts->member_timeout);
    if (member >= 0)
        add_any_place(run, ret, size);
}

/* Whether it is dead now. */
static bool charge(struct run *run, int64_t first, int64_t member, const char *reason)
{
    const struct wire_message m = {.type = WIRE_MEMBER_FAILED,
                                   .member_failed = {0, member, reason}};
    bool is_dead =
        run_ledger_died(&run->child.ledger, first, member, run->child.facts->max_attempts);
    if (is_dead)
        run_heard_note(run, &m);
    return is_dead;
}

bool run_death_of_process(struct run *run, int64_t first, const struct proc_end *end)
{
    char reason[RUN_REASON_SIZE];
    const struct run_facts *f = run->child.facts;
    int64_t member = run_place(run).member;
    explain_death(run, member, end, reason, sizeof reason);
    snprintf(run->reason, sizeof run->reason, "%s", reason);
    if (run_ledger_is_left(&run->child.ledger, member)) {
        say_died(run, member, charge(run, first, member, reason), reason);
        return true;
    }
    bool goes_on = f->is_known && ++run->stalls < RUN_STALLS_MAX;
    log_line(goes_on ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "outside its members, %s%s", reason,
             goes_on ? "; it is tried again" : "");
    return goes_on;
}

/* Until one has ended, and not well; or, where `all`, until all have ended. */
static void await_helpers(struct run *run, bool all)
{
    int64_t until = loop_now() + LOST_MS;
    struct pollfd signals = {.fd = run->signals, .events = POLLIN};
    while (
        !(all ? run_helpers_left(&run->helpers) == 0 : run_helpers_ended(&run->helpers) != NULL) &&
        !run->asked && loop_now() < until) {
        poll(&signals, 1, (int)(until - loop_now()));
        run_hear_signals(run);
    }
}

/* By its own code, as every worker; or somebody has killed it. */
static bool is_crash(int status)
{
    return !WIFSIGNALED(status) || (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM);
}

/* A helper has ended in the midst of a member. Who crashes does so by the member's fault; who is
 * killed does not, until it has happened again and again. */
bool run_death_of_helper(struct run *run, int64_t first)
{
    char how[160] = "has ended", reason[RUN_REASON_SIZE];
    await_helpers(run, false); /* it was told of at the same time as we see it */
    const struct run_helper *h = run_helpers_ended(&run->helpers);
    struct rusage usage = {0};
    if (h) {
        const struct proc_end end = {h->status, &usage, !is_crash(h->status), false, 0};
        proc_end_text(&end, how, sizeof how);
    }
    snprintf(reason, sizeof reason, "a helper of its worker %s", how);
    if (h)
        add_place(run, h->where, reason, sizeof reason);
    int64_t member = run_place(run).member;
    if (!h || is_crash(h->status) || ++run->losses >= RUN_STALLS_MAX) {
        if (!run_ledger_is_left(&run->child.ledger, member))
            return ++run->stalls < RUN_STALLS_MAX;
        say_died(run, member, charge(run, first, member, reason), reason);
        return true;
    }
    log_warning("%s; it starts again, which is no attempt", reason);
    return true;
}

void run_death_await_leaving(struct run *run)
{
    await_helpers(run, true);
}

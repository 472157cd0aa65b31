/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker run`: one job without a daemon. This process runs no user code: it starts one that
 * does (run_child.c), below a guard, and another where that has died, as the daemon would. */
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "worker/guard.h"
#include "worker/run_graph.h"
#include "worker/run_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- while it runs ---- */

static void end_process(const struct run *run)
{
    if (run->pid > 0)
        kill(run->pid, SIGTERM); /* its guard ends all of it */
}

struct where_at run_place(const struct run *run)
{
    struct where_at at;
    return where_read(run->child.where, &at) ? at : (struct where_at){.member = -1};
}

/* Milliseconds until the member's time is over, or that of one which begins now; -1: there is no
 * limit. */
static int time_left(struct run *run)
{
    double limit = run->child.facts->is_known ? run->child.facts->member_timeout * 1000 : 0;
    if (!(limit > 0) || run->is_overrun)
        return -1;
    if (limit > INT32_MAX - 1)
        limit = INT32_MAX - 1;
    struct where_at at = run_place(run);
    double left = at.member >= 0 && at.since > 0 ? (double)(at.since - loop_now()) + limit : limit;
    if (left <= 0) {
        run->is_overrun = true;
        end_process(run);
        return -1;
    }
    return (int)left + 1;
}

void run_hear_signals(struct run *run)
{
    struct signalfd_siginfo info;
    while (read(run->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        run->asked = (int)info.ssi_signo;
        end_process(run);
    }
}

/* Until it has ended. */
static void watch(struct run *run, struct proc_end *ret_end, struct rusage *ret_usage)
{
    struct pollfd fds[] = {{.fd = run->channel.fd, .events = POLLIN},
                           {.fd = run->signals, .events = POLLIN}};
    while (wait4(run->pid, &ret_end->status, WNOHANG, ret_usage) == 0) {
        poll(fds, 2, time_left(run));
        if (fds[0].revents & POLLIN)
            run_heard_all(run);
        else if (fds[0].revents)
            fds[0].fd = -1; /* all have closed their ends */
        run_hear_signals(run);
    }
    run->pid = 0; /* somebody else's from now on */
    run_heard_all(run);
    run_hear_signals(run); /* from a terminal all of us get them at once */
    *ret_end = (struct proc_end){ret_end->status, ret_usage, run->is_overrun, false, 0};
}

/* ---- its start ---- */

static _Noreturn void be_child(struct run *run, int channel, int share, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    close(run->channel.fd);
    close(run->signals);
    close(run->helpers.share);
    run_journal_close(&run->journal);
    int r = guard_start(NULL, NULL);
    run->child.guard = r < 0 ? 0 : getppid();
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    run->child.channel = channel;
    run->child.share = share;
    run_child(&run->child);
    exit(0);
}

static int start(struct run *run, struct error *e)
{
    int ends[2], share[2];
    if (run->child.where >= 0)
        close(run->child.where);
    run->child.where = -1;
    int r = where_create(run->where_path, &run->child.where);
    if (r == 0 && pipe2(ends, O_CLOEXEC) < 0)
        r = -errno;
    if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, share) < 0) {
        r = -errno;
        close(ends[0]);
        close(ends[1]);
    }
    if (r < 0)
        return error_explain(e, r, "start a process");
    run->channel = (struct run_channel){.fd = ends[0]};
    run->helpers.share = share[0];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t parent = getpid();
    fflush(NULL);
    run->pid = fork();
    if (run->pid == 0)
        be_child(run, ends[1], share[1], parent);
    close(ends[1]);
    close(share[1]);
    return error_explain(e, run->pid < 0 ? -errno : 0, "start a process");
}

/* One with whose journal --resume goes on. */
static void say_refused(const struct run *run)
{
    log_error("refused: %s", run->reason);
    if (run->journal.fd < 0 && run_journal_is_there(run->store))
        log_info("a run of %s did not come to its end: with --resume it goes on", run->store);
}

static int status_of(const struct run *run)
{
    int64_t n_dead = run->child.ledger.n_dead;
    if (n_dead > 0 && run->child.facts->is_batch)
        log_error("%" PRId64 " of %" PRId64 " members failed", n_dead, run->child.facts->n_members);
    return n_dead > 0 ? RUN_FAILED : RUN_OK;
}

static int judge(struct run *run, int64_t first, const struct proc_end *end)
{
    switch (run->said) {
    case SAID_REFUSED:
        say_refused(run);
        return RUN_REFUSED;
    case SAID_FAILED:
        log_error("%s", run->reason);
        return RUN_FAILED;
    case SAID_GO_ON:
        if (run->child.ledger.n_left > 0)
            log_info("%s: the next one gets a process of its own", run->reason);
        return RUN_GO_ON;
    case SAID_LOST:
        return run_death_of_helper(run, first) ? RUN_GO_ON : RUN_FAILED;
    case SAID_FINISHED:
        run_death_await_leaving(run);
        return status_of(run);
    default:
        return run_death_of_process(run, first, end) ? RUN_GO_ON : RUN_FAILED;
    }
}

int run_one_process(struct run *run, int *ret_status, struct error *e)
{
    int64_t first = run->child.ledger.left ? run_ledger_first(&run->child.ledger) : 0;
    struct rusage usage;
    struct proc_end end;
    run->said = SAID_NOTHING;
    run->is_overrun = false;
    int r = start(run, e);
    if (r < 0)
        return r;
    watch(run, &end, &usage);
    run_channel_clear(&run->channel);
    run_heard_facts(run);
    *ret_status = run->asked ? RUN_FAILED : judge(run, first, &end);
    run_helpers_clear(&run->helpers);
    return 0;
}

/* ---- the whole ---- */

static _Noreturn void end_as_asked(const struct run *run)
{
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    signal(run->asked, SIG_DFL);
    raise(run->asked);
    _exit(RUN_FAILED);
}

/* Where there is one to go on with; else it begins. */
static int resume(struct run *run, int *ret_status)
{
    struct error e = {.message = ""};
    int r = run_journal_take_up(&run->journal, run->store, &run->identity, run->child.facts, &e);
    if (r == -ENOENT)
        return 0;
    if (r) {
        log_error("refused: %s cannot be gone on with: %s", run->store, e.message);
        *ret_status = RUN_REFUSED;
        return 0;
    }
    run_heard_facts(run);
    run_journal_replay(&run->journal, run_heard_keep, run);
    const struct run_ledger *l = &run->child.ledger;
    if (run->child.facts->is_batch)
        log_info("%" PRId64 " of %" PRId64 " members are done, and %" PRId64 " have failed",
                 run_ledger_done_members(l, run->child.facts->n_members),
                 run->child.facts->n_members, l->n_dead);
    return 0;
}

int worker_run(const struct worker_run_options *o)
{
    struct run run;
    struct error e = {.message = ""};
    run_init(&run, o);
    run.options.trace = run.trace = o->trace ? file_absolute(o->trace) : NULL;
    char *picture = o->graph ? file_absolute(o->graph) : NULL;
    run.options.graph = run.graph = picture ? run_graph_text(picture) : NULL;
    if (run_setup_read(&run, o->job, &e) < 0) {
        log_error("%s", e.message);
        free(picture);
        run_setup_clear(&run);
        return RUN_REFUSED;
    }
    int r = run_setup_open(&run, &e);
    int status = RUN_GO_ON;
    if (r == 0 && o->resume)
        r = resume(&run, &status);
    while (r == 0 && status == RUN_GO_ON)
        r = run_one_process(&run, &status, &e);
    if (r < 0)
        log_error("%s", e.message);
    if (picture && status != RUN_REFUSED)
        run_graph_draw(picture, run.graph);
    free(picture);
    run_setup_clear(&run);
    if (run.asked)
        end_as_asked(&run);
    return r < 0 ? RUN_FAILED : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker run`: one job without a daemon. This process runs no user code: it starts one that
 * does (run_child.c), below a guard, and another where that has died, as the daemon would. */
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/position.h"
#include "base/proc.h"
#include "model/job.h"
#include "proto/where.h"
#include "worker/clean_room.h"
#include "worker/guard.h"
#include "worker/run_channel.h"
#include "worker/run_child.h"
#include "worker/run_helpers.h"
#include "worker/run_python.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit statuses; RUN_GO_ON: none yet. */
enum { RUN_OK = 0, RUN_FAILED = 1, RUN_REFUSED = 2, RUN_GO_ON = -1 };

#define DOCUMENT_MAX ((size_t)1 << 30)

enum { REASON_SIZE = 1280, STALLS_MAX = 3, LOST_MS = 5000 };

/* What a process said at its end; SAID_NOTHING: it died. */
enum said { SAID_NOTHING, SAID_REFUSED, SAID_FAILED, SAID_GO_ON, SAID_LOST, SAID_FINISHED };

struct run {
    struct run_child child; /* what each process is given */
    struct worker_run_options options;
    char *store, *job_directory, *members, *where_path, *layout, *owner;
    char *modules;          /* a directory of libraries; NULL: no module in Python is given */
    const char **libraries; /* that, and those of the options */
    struct buffer text;
    int signals; /* a signalfd: of our child's end, and of those by which we are asked to end */
    sigset_t mask;

    /* Of the process that runs now. */
    pid_t pid;
    struct run_channel channel;
    struct run_helpers helpers;
    enum said said;
    char reason[REASON_SIZE]; /* with what it said */
    bool is_overrun;          /* killed for its member's time */
    int stalls;               /* processes in a row that died beside members */
    int losses;               /* helpers in a row that were killed */
    int asked;                /* the signal by which we are to end; 0: none */
};

/* ---- what it tells ---- */

static void keep_ledger(struct run *run)
{
    const struct run_facts *f = run->child.facts;
    if (!run->child.ledger.left && f->is_known)
        run_ledger_start(&run->child.ledger, f->n_members);
}

static void say_end(struct run *run, enum said said, const char *reason)
{
    run->said = said;
    snprintf(run->reason, sizeof run->reason, "%s", reason);
}

/* The job is known to be right. */
static void start_helpers(struct run *run)
{
    const int ours[] = {run->channel.fd, run->signals, -1};
    int n = run->child.facts->n_helpers;
    if (n > 0 && n < JOB_MOST_LANES)
        run_helpers_start(&run->helpers, n, &run->child, &run->mask, ours);
}

static void on_message(struct run *run, const struct wire_message *m)
{
    keep_ledger(run);
    if (m->type != WIRE_READY)
        run->stalls = 0;
    switch ((int)m->type) {
    case WIRE_READY:
        start_helpers(run);
        break;
    case WIRE_LAYOUT:
        free(run->layout);
        run->layout = mem_strdup(m->layout.layout);
        run->child.layout = run->layout;
        break;
    case WIRE_DONE:
        run->losses = 0;
        run_ledger_done(&run->child.ledger, m->done.begin, m->done.end);
        break;
    case WIRE_MEMBER_FAILED:
        run_ledger_dead(&run->child.ledger, m->member_failed.member);
        break;
    case WIRE_JOB_FAILED:
        say_end(run, SAID_REFUSED, m->job_failed.reason);
        break;
    case WIRE_RELEASE:
        say_end(run, m->release.cause == WIRE_CAUSE_HELPER ? SAID_LOST : SAID_FAILED,
                m->release.reason);
        break;
    case WIRE_FINISH_FAILED:
        say_end(run, SAID_FAILED, m->finish_failed.reason);
        break;
    case WIRE_BYE:
        say_end(run, SAID_GO_ON, m->bye.reason);
        break;
    case WIRE_FINISHED:
        say_end(run, SAID_FINISHED, "");
        break;
    default:
        break;
    }
}

static void hear(struct run *run)
{
    struct wire_message m;
    while (run_channel_next(&run->channel, &m))
        on_message(run, &m);
}

/* ---- while it runs ---- */

static void end_process(const struct run *run)
{
    if (run->pid > 0)
        kill(run->pid, SIGTERM); /* its guard ends all of it */
}

static struct where_at place(const struct run *run)
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
    struct where_at at = place(run);
    double left = at.member >= 0 && at.since > 0 ? (double)(at.since - loop_now()) + limit : limit;
    if (left <= 0) {
        run->is_overrun = true;
        end_process(run);
        return -1;
    }
    return (int)left + 1;
}

static void on_signals(struct run *run)
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
            hear(run);
        else if (fds[0].revents)
            fds[0].fd = -1; /* all have closed their ends */
        on_signals(run);
    }
    run->pid = 0; /* somebody else's from now on */
    hear(run);
    on_signals(run); /* from a terminal all of us get them at once */
    *ret_end = (struct proc_end){ret_end->status, ret_usage, run->is_overrun, false};
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
    int r = guard_start();
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

/* ---- its death ---- */

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

/* False where nothing more can be done. */
static bool on_death(struct run *run, int64_t first, const struct proc_end *end)
{
    char reason[REASON_SIZE];
    const struct run_facts *f = run->child.facts;
    int64_t member = place(run).member;
    explain_death(run, member, end, reason, sizeof reason);
    if (run_ledger_is_left(&run->child.ledger, member)) {
        bool is_dead = run_ledger_died(&run->child.ledger, first, member, f->max_attempts);
        say_died(run, member, is_dead, reason);
        return true;
    }
    bool goes_on = f->is_known && ++run->stalls < STALLS_MAX;
    log_line(goes_on ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "outside its members, %s%s", reason,
             goes_on ? "; it is tried again" : "");
    return goes_on;
}

/* It was told of at the same time as we see it. */
static const struct run_helper *await_helper(struct run *run)
{
    const struct run_helper *h;
    int64_t until = loop_now() + LOST_MS;
    struct pollfd signals = {.fd = run->signals, .events = POLLIN};
    while (!(h = run_helpers_ended(&run->helpers)) && !run->asked && loop_now() < until) {
        poll(&signals, 1, (int)(until - loop_now()));
        on_signals(run);
    }
    return h;
}

/* By its own code, as every worker; or somebody has killed it. */
static bool is_crash(int status)
{
    return !WIFSIGNALED(status) || (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGTERM);
}

/* A helper has ended in the midst of a member. Who crashes does so by the member's fault; who is
 * killed does not, until it has happened again and again. False where nothing more can be done. */
static bool on_lost(struct run *run, int64_t first)
{
    char how[160] = "has ended", reason[REASON_SIZE];
    const struct run_helper *h = await_helper(run);
    struct rusage usage = {0};
    if (h) {
        const struct proc_end end = {h->status, &usage, !is_crash(h->status), false};
        proc_end_text(&end, how, sizeof how);
    }
    snprintf(reason, sizeof reason, "a helper of its worker %s", how);
    if (h)
        add_place(run, h->where, reason, sizeof reason);
    int64_t member = place(run).member;
    if (!h || is_crash(h->status) || ++run->losses >= STALLS_MAX) {
        if (!run_ledger_is_left(&run->child.ledger, member))
            return ++run->stalls < STALLS_MAX;
        say_died(run, member,
                 run_ledger_died(&run->child.ledger, first, member, run->child.facts->max_attempts),
                 reason);
        return true;
    }
    log_warning("%s; it starts again, which is no attempt", reason);
    return true;
}

/* They leave when their lead has run all members, as it does: their libraries are closed. */
static void await_leaving(struct run *run)
{
    int64_t until = loop_now() + LOST_MS;
    struct pollfd signals = {.fd = run->signals, .events = POLLIN};
    while (run_helpers_left(&run->helpers) > 0 && !run->asked && loop_now() < until) {
        poll(&signals, 1, (int)(until - loop_now()));
        on_signals(run);
    }
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
        log_error("refused: %s", run->reason);
        return RUN_REFUSED;
    case SAID_FAILED:
        log_error("%s", run->reason);
        return RUN_FAILED;
    case SAID_GO_ON:
        if (run->child.ledger.n_left > 0)
            log_info("%s: the next one gets a process of its own", run->reason);
        return RUN_GO_ON;
    case SAID_LOST:
        return on_lost(run, first) ? RUN_GO_ON : RUN_FAILED;
    case SAID_FINISHED:
        await_leaving(run);
        return status_of(run);
    default:
        return on_death(run, first, end) ? RUN_GO_ON : RUN_FAILED;
    }
}

/* 0 or -errno. */
static int one_process(struct run *run, int *ret_status, struct error *e)
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
    keep_ledger(run);
    *ret_status = run->asked ? RUN_FAILED : judge(run, first, &end);
    run_helpers_clear(&run->helpers);
    return 0;
}

/* ---- the whole ---- */

static int read_document(struct run *run, const char *path, struct error *e)
{
    bool is_stdin = !strcmp(path, "-");
    const char *slash = strrchr(path, '/');
    char *directory = slash && !is_stdin ? strndup(path, (size_t)(slash - path)) : mem_strdup(".");
    run->job_directory = file_absolute(*directory ? directory : "/");
    run->child.job_directory = run->job_directory;
    free(directory);
    int r = file_read(is_stdin ? "/dev/stdin" : path, DOCUMENT_MAX, &run->text);
    if (r < 0)
        return error_set(e, r, NULL, "refused: cannot read the job %s: %s", path, strerror(-r));
    run->child.text = run->text.data ? run->text.data : "";
    run->child.text_size = run->text.size;
    return 0;
}

/* Those that are given are found before others of their name. */
static int add_modules(struct run *run, struct error *e)
{
    const char *const *given = run->options.libraries;
    size_t n = 0;
    if (!*run->options.modules)
        return 0;
    int r = run_python_make(run->options.python, run->child.text, run->child.text_size,
                            run->options.modules, &run->modules, e);
    if (r < 0)
        return r;
    while (given[n])
        n++;
    run->libraries = mem_array(n + 2, sizeof *run->libraries);
    run->libraries[0] = run->modules;
    memcpy(run->libraries + 1, given, (n + 1) * sizeof *given);
    run->options.libraries = run->libraries;
    return 0;
}

/* A file that only the where page is in, and a directory for the members. */
static int make_places(struct run *run, struct error *e)
{
    int r = clean_room_make_directory(&run->members, e);
    if (r < 0)
        return r;
    run->where_path = mem_printf("%s.where", run->members);
    run->child.members = run->members;
    run->child.facts = mmap(NULL, sizeof *run->child.facts, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->child.facts == MAP_FAILED) {
        run->child.facts = NULL;
        return error_explain(e, -ENOMEM, "start a process");
    }
    return 0;
}

static int hold_signals(struct run *run, struct error *e)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigaddset(&ends, SIGQUIT);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &run->mask);
    run->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    return error_explain(e, run->signals < 0 ? -errno : 0, "wait for signals");
}

static void run_clear(struct run *run)
{
    run_helpers_clear(&run->helpers);
    if (run->members)
        file_remove_tree(run->members);
    if (run->modules)
        file_remove_tree(run->modules);
    if (run->where_path)
        unlink(run->where_path);
    if (run->child.where >= 0)
        close(run->child.where);
    if (run->child.facts)
        munmap(run->child.facts, sizeof *run->child.facts);
    run_ledger_clear(&run->child.ledger);
    buffer_free(&run->text);
    free(run->store);
    free(run->job_directory);
    free(run->members);
    free(run->where_path);
    free(run->layout);
    free(run->owner);
    free(run->modules);
    free(run->libraries);
}

/* Of the store: nobody else's, on any host. */
static char *new_owner(void)
{
    uint64_t random[2] = {(uint64_t)getpid(), (uint64_t)loop_now()};
    if (getrandom(random, sizeof random, 0) < 0)
        log_debug("getrandom: %s", strerror(errno));
    return mem_printf("simlab-worker %016" PRIx64 "%016" PRIx64 " run\n", random[0], random[1]);
}

static _Noreturn void end_as_asked(const struct run *run)
{
    sigprocmask(SIG_SETMASK, &run->mask, NULL);
    signal(run->asked, SIG_DFL);
    raise(run->asked);
    _exit(RUN_FAILED);
}

int worker_run(const struct worker_run_options *o)
{
    struct run run = {
        .options = *o, .signals = -1, .channel.fd = -1, .child.where = -1, .helpers.share = -1};
    struct error e = {.message = ""};
    run.store = file_absolute(o->store);
    run.options.store = run.store;
    run.child.options = &run.options;
    run.child.ledger.suspect = -1;
    run.owner = new_owner();
    run.child.owner = run.owner;
    if (read_document(&run, o->job, &e) < 0 || add_modules(&run, &e) < 0) {
        log_error("%s", e.message);
        run_clear(&run);
        return RUN_REFUSED;
    }
    int r = make_places(&run, &e);
    if (r == 0)
        r = hold_signals(&run, &e);
    int status = RUN_GO_ON;
    while (r == 0 && status == RUN_GO_ON)
        r = one_process(&run, &status, &e);
    if (r < 0)
        log_error("%s", e.message);
    run_clear(&run);
    if (run.asked)
        end_as_asked(&run);
    return r < 0 ? RUN_FAILED : status;
}

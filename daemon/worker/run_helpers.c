/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_helpers.h"

#include "base/errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/position.h"
#include "proto/where.h"
#include "worker/clean_room.h"
#include "worker/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void be_helper(const struct run_child *child, pid_t parent, const sigset_t *mask,
                                const int *descriptors)
{
    struct run_child own = *child;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0);
    for (; *descriptors >= 0; descriptors++)
        close(*descriptors);
    int r = guard_start(NULL, NULL);
    own.guard = r < 0 ? 0 : getppid();
    sigprocmask(SIG_SETMASK, mask, NULL);
    run_help(&own);
    exit(0);
}

static int start_one(struct run_helper *h, const struct run_child *child, const sigset_t *mask,
                     const int *descriptors, struct error *e)
{
    int r = clean_room_make_directory(&h->members, e);
    if (r < 0)
        return r;
    h->where_path = mem_printf("%s.where", h->members);
    r = where_create(h->where_path, &h->where);
    if (r < 0)
        return error_explain(e, r, "start a helper");
    struct run_child own = *child;
    own.members = h->members;
    own.where = h->where;
    pid_t parent = getpid();
    fflush(NULL);
    h->pid = fork();
    if (h->pid == 0)
        be_helper(&own, parent, mask, descriptors);
    return error_explain(e, h->pid < 0 ? -errno : 0, "start a helper");
}

void run_helpers_start(struct run_helpers *h, int n, const struct run_child *child,
                       const sigset_t *mask, const int *descriptors)
{
    struct run_child own = *child;
    struct error e = {.message = ""};
    int r = 0;
    own.share = h->share;
    h->at = mem_array((size_t)n, sizeof *h->at);
    for (; h->n < n && r == 0; h->n++) {
        h->at[h->n].where = -1;
        r = start_one(&h->at[h->n], &own, mask, descriptors, &e);
    }
    if (r < 0)
        log_warning("%s", e.message);
    if (h->share >= 0)
        close(h->share); /* theirs alone: who waits for a lane learns that there will be none */
    h->share = -1;
}

/* exit(0) in a process is no good end. */
static bool has_ended_in_a_task(const struct run_helper *h)
{
    struct position_board *board = mem_new(sizeof *board);
    where_read_board(h->where, board, sizeof *board);
    bool is_noted = atomic_load(&board->ended_lane) != 0;
    free(board);
    return is_noted;
}

static bool has_ended(struct run_helper *h)
{
    if (h->pid > 0 && waitpid(h->pid, &h->status, WNOHANG) == h->pid)
        h->pid = 0;
    return h->pid <= 0; /* or never was */
}

const struct run_helper *run_helpers_ended(struct run_helpers *h)
{
    for (int i = 0; i < h->n; i++) {
        struct run_helper *one = &h->at[i];
        if (has_ended(one) && (one->status != 0 || has_ended_in_a_task(one)))
            return one;
    }
    return NULL;
}

int run_helpers_left(struct run_helpers *h)
{
    int n = 0;
    for (int i = 0; i < h->n; i++)
        n += !has_ended(&h->at[i]);
    return n;
}

static void clear_one(struct run_helper *h)
{
    if (h->pid > 0) {
        kill(h->pid, SIGTERM); /* its guard ends all of it */
        waitpid(h->pid, NULL, 0);
    }
    if (h->members)
        file_remove_tree(h->members);
    if (h->where_path)
        unlink(h->where_path);
    if (h->where >= 0)
        close(h->where);
    free(h->members);
    free(h->where_path);
}

void run_helpers_clear(struct run_helpers *h)
{
    for (int i = 0; i < h->n; i++)
        clear_one(&h->at[i]);
    if (h->share >= 0)
        close(h->share);
    free(h->at);
    *h = (struct run_helpers){.share = -1};
}

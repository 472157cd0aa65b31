/* SPDX-License-Identifier: Apache-2.0 */
/* Where workers come from. A pool is a small const table of functions; `local` forks and re-execs
 * simlab-worker, and starts again what dies (after a pause that doubles while starts keep failing).
 * Called by main.c (open, tick, ready, close) and dispatch (kill, ready), on the loop's thread.
 *
 * A worker is started, in a directory of its own below `scratch` ($TMPDIR too), as
 *     PROGRAM serve --endpoint ENDPOINT --name NAME [--processes DIRECTORY]… [--uploads DIRECTORY]
 * with absolute paths. Its standard output and error are the daemon's error.
 *
 * Invariants
 *  1. A name is given to one process only, as long as the daemon lives.
 *  2. Each worker leads a session. Before its death is told, all of that session is dead, and all
 *     descendants that left the session: they became our children (PR_SET_CHILD_SUBREAPER), are in
 *     another session than ours, and are no worker. So the rest of the daemon must not start
 *     children in sessions of their own.
 *  3. Workers die with the daemon (PR_SET_PDEATHSIG). What survives it (a descendant of theirs)
 *     holds the lock of <scratch>/workers.lock, and is killed before another pool opens. */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/buffer.h"
#include "base/errors.h"
#include "base/loop.h"

#include <stdint.h>

/* Told on the loop: the process is dead and reaped, with all its descendants killed, so that it can
 * write nothing more. `status` as of waitpid; -1 where there was no such worker. */
typedef void (*pool_death_fn)(void *userdata, const char *worker, int status);

struct pool_options {
    const char *program;          /* path of simlab-worker */
    const char *endpoint;         /* of the dispatcher: ipc://… */
    int size;                     /* workers */
    const char *scratch;          /* directory for workers' scratch space; made where absent */
    const char *const *libraries; /* directories of process libraries, NULL at the end */
    const char *uploads;          /* or NULL */
};

/* What the functions here find, with words. */
enum pool_result {
    POOL_IN_USE = 1, /* another daemon, or what it left running, holds the scratch directory */
    POOL_FAILED      /* a program that was run failed, hung, or printed too much */
};

struct pool;
struct pool_driver {
    const char *name;
    /* Starts nothing yet. POOL_IN_USE; -errno, also where the program cannot be run. */
    int (*open)(struct loop *loop, const struct pool_options *o, pool_death_fn death,
                void *userdata, struct pool **ret_pool, struct error *e);
    /* Starts what should run; returns when next due. */
    int64_t (*tick)(struct pool *p, int64_t now);
    /* The worker of that name has become ready: its start has not failed. */
    void (*ready)(struct pool *p, const char *worker);
    /* Kills the worker of that name, with its descendants; its death is told when it is reaped, and
     * with the next tick where there is no such worker. */
    void (*kill)(struct pool *p, const char *worker);
    /* Kills and reaps all; tells no deaths. Returns NULL. */
    struct pool *(*close)(struct pool *p);
};
extern const struct pool_driver pool_local;

/* Runs a program to its end and collects what it prints, for `describe` at start (before the loop):
 * at most `limit` bytes and `timeout_ms`, else it is killed. -errno where it cannot be run; the
 * words of POOL_FAILED name the exit status and quotes the last line of its stderr. `ret_output` is
 * appended to on success only. */
int pool_capture(const char *const *argv, int timeout_ms, size_t limit, struct buffer *ret_output,
                 struct error *e);

#endif

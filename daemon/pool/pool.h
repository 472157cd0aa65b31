/* SPDX-License-Identifier: Apache-2.0 */
/* Where workers come from. A pool is a small const table of functions; `local` forks and re-execs
 * simlab-worker, and starts again what dies (after a pause that doubles while starts keep failing).
 * Called by main.c (open, tick, ready, close) and dispatch (kill, ready), on the loop's thread.
 *
 * A worker is started, in a directory of its own below `scratch` ($TMPDIR too), as
 *     PROGRAM serve --endpoint ENDPOINT --name NAME --where FD --secret FD --group GROUP
 *         --libraries DIRECTORY
 *         --sandbox MODE [--state DIRECTORY] [--writable DIRECTORY]… [--uploads DIRECTORY]
 *         [--memory BYTES] [MORE]
 * with absolute paths, and two descriptors: a where page (proto/where.h),
 * <scratch>/worker-N.where, and a pipe with the line of a secret, another for each start (admits).
 * A closer is a worker that is to run no members, in a place of its own: "local-closer.7". What it
 * prints, on standard output or error, becomes lines of the log that say worker, job and member
 * (pool/output.h).
 *
 * Invariants
 *  1. A name is given to one process only, as long as the daemon lives.
 *  2. Before a worker's death is told, all that it started is dead. simlab-worker's guard sees to
 *     that, whatever these have done to hide (worker/guard.h). Where the guard itself was killed
 *     (by user code; by us, where it does not end), or another program has none, what is in the
 *     worker's session is killed, and which has become our child as an orphan and has the lock's
 *     descriptor open or the worker's $TMPDIR in its environment (pool/sweep.h): what has rid
 *     itself of all three, and of the guard, is left. What does not descend from a worker is never
 *     killed.
 *  3. Workers die with the daemon (PR_SET_PDEATHSIG), and their guards kill what they started. What
 *     survives that holds the lock of <scratch>/workers.lock, and is killed before another pool
 *     opens. */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/buffer.h"
#include "base/errors.h"
#include "base/loop.h"
#include "base/position.h"
#include "base/sandbox_mode.h"
#include "proto/where.h"

#include <stdint.h>

struct pool_death {
    const char *reason; /* how it ended, for who owns its job: "its worker was killed …" */
    const char *place;  /* the process and stage that it was in, as position_text has it; or "" */
    struct where_at at; /* where it was; pid 0: that is not known */
    int status;         /* of waitpid */
    bool was_oom;       /* the system killed it for want of memory */
    const char *log;    /* the last lines that it printed at that member; "": none */
    bool was_killed;    /* by SIGKILL or SIGTERM */
    bool is_unseen;     /* it was none of the pool's: it may live */
};
/* Told on the loop: the process is dead and reaped, with all that it started, so that it can write
 * nothing more; but for one that is_unseen. */
typedef void (*pool_death_fn)(void *userdata, const char *worker, const struct pool_death *death);

struct pool_options {
    const char *program;         /* path of simlab-worker */
    const char *endpoint;        /* of the dispatcher: ipc://… */
    int size;                    /* workers */
    int closers;                 /* 0 or 1, besides */
    const char *scratch;         /* directory for workers' scratch space; made where absent */
    const char *libraries;       /* directory of the copies of process libraries */
    const char *uploads;         /* or NULL */
    enum sandbox_mode sandbox;   /* of the workers */
    const char *state;           /* the daemon's directory, which is kept from them; or NULL */
    const char *stores;          /* the store root; or NULL */
    const char *const *writable; /* more that they may write to, NULL at the end; or NULL */
    int64_t tasks;               /* processes and threads that one may have; 0: any number */
    int64_t memory;              /* bytes that one of them may have for itself; 0: any number */
    const char *const *more;     /* arguments that they are given, likewise; or NULL */
    /* Where a worker of a former daemon was when that ended without ending it; from `open`, for
     * each that had a job; NULL for one of which that cannot be read. May be NULL. */
    void (*left)(void *userdata, const struct where_at *at);
    /* Before each start of a worker: what it will connect to is to be there. May be NULL. */
    void (*before_start)(void *userdata);
};

/* What the functions here find, with words. */
enum pool_result {
    POOL_IN_USE = 1, /* another daemon, or what it left running, holds the scratch directory */
    POOL_FAILED,     /* a program that was run failed, hung, or printed too much */
    POOL_BUSY        /* too much is asked for already */
};

/* What a worker is there for. */
enum pool_role { POOL_STRANGER, POOL_MEMBERS, POOL_CLOSER };

struct pool;
struct pool_driver {
    const char *name;
    /* Starts nothing yet. POOL_IN_USE; -errno, also where the program cannot be run. */
    int (*open)(struct loop *loop, const struct pool_options *o, pool_death_fn death,
                void *userdata, struct pool **ret_pool, struct error *e);
    /* Starts what should run, and reaps orphans (main.c lets SIGCHLD turn the loop); returns when
     * next due. */
    int64_t (*tick)(struct pool *p, int64_t now);
    /* The worker of that name has become ready: its start has not failed. */
    void (*ready)(struct pool *p, const char *worker);
    /* Ends the worker of that name, with all that it started; its death is told when it is reaped,
     * and with the next tick where there is no such worker. */
    void (*kill)(struct pool *p, const char *worker);
    /* Whether the worker of that name was given that secret, and what for. */
    enum pool_role (*admits)(const struct pool *p, const char *worker, const char *secret);
    /* The process and stage that it is in now, as position_text has it; "": in none, or that is not
     * known. */
    void (*position)(struct pool *p, const char *worker, char ret[POSITION_TEXT]);
    /* Why the last start failed; "" where none did since one became ready. Borrowed. */
    const char *(*trouble)(const struct pool *p);
    /* Whether it was this driver, of now or of a former daemon, that gave a worker this name: then
     * the worker is dead once another pool of it is open. */
    bool (*gave)(const char *worker);
    /* Kills and reaps all; tells no deaths. Returns NULL. */
    struct pool *(*close)(struct pool *p);
};
extern const struct pool_driver pool_local;

/* Runs a program to its end and collects what it prints, for `describe`: at most `limit` bytes and
 * `timeout_ms`, and not beyond the time when `stop` (a descriptor; -1: none) can be read, else it
 * is killed. -errno where it cannot be run; the words of POOL_FAILED name the exit status and quote
 * the last line of its stderr. `directory`: to run in, and $TMPDIR; NULL: as we do. `ret_output` is
 * appended to on success only. Any thread may call it.
 */
int pool_capture(const char *const *argv, const char *directory, int timeout_ms, size_t limit,
                 int stop, struct buffer *ret_output, struct error *e);

#endif

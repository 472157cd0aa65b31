/* SPDX-License-Identifier: Apache-2.0 */
/* Where workers come from. A pool is a small const table of functions; `local` forks and re-execs
 * simlab-worker, and starts again what dies (after a pause that doubles while starts keep failing).
 * Called by main.c (open, tick, close) and dispatch (kill). */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/buffer.h"
#include "base/errors.h"
#include "base/loop.h"

#include <stdint.h>

/* Told on the loop: the process is dead and reaped, with all its descendants killed, so that it can
 * write nothing more. `status` as of waitpid. */
typedef void (*pool_death_fn)(void *userdata, const char *worker, int status);

struct pool_options {
    const char *program; /* path of simlab-worker */
    const char *endpoint; /* of the dispatcher: ipc://… */
    int size;             /* workers */
    const char *scratch;  /* directory for workers' scratch space */
    const char *const *libraries; /* directories of process libraries, NULL at the end */
    const char *uploads;
};

struct pool;
struct pool_driver {
    const char *name;
    int (*open)(struct loop *loop, const struct pool_options *o, pool_death_fn death,
                void *userdata, struct pool **ret_pool, struct error *e);
    /* Starts what should run; returns when next due. */
    int64_t (*tick)(struct pool *p, int64_t now);
    /* Kills the worker of that name, with its descendants; its death is told when it is reaped. */
    void (*kill)(struct pool *p, const char *worker);
    /* Kills and reaps all. Returns NULL. */
    struct pool *(*close)(struct pool *p);
};
extern const struct pool_driver pool_local;

/* Runs a program to its end and collects what it prints, for `describe` at start (before the loop):
 * at most `limit` bytes and `timeout_ms`, else it is killed. ERROR_FAILED names the exit status and
 * quotes the last line of its stderr. */
int pool_capture(const char *const *argv, int timeout_ms, size_t limit, struct buffer *ret_output,
                 struct error *e);

#endif

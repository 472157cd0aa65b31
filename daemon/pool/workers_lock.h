/* SPDX-License-Identifier: Apache-2.0 */
/* <scratch>/workers.lock: one daemon at a time, and no worker of a former one. Byte 0 is locked by
 * the daemon, byte 1 by the workers, who inherit the locked open file. Both are
 * open-file-description locks: they go when the last process that has the file open is gone.
 * Internal to pool/. */
#ifndef POOL_WORKERS_LOCK_H
#define POOL_WORKERS_LOCK_H

#include "base/errors.h"

struct workers_lock {
    int daemon;  /* closed on exec */
    int workers; /* for workers to inherit */
};

/* Kills who holds byte 1 and waits until they are gone, at most `timeout_ms`. 0, POOL_IN_USE or
 * -errno. */
int workers_lock_take(const char *directory, int timeout_ms, struct workers_lock *ret_lock,
                      struct error *e);
void workers_lock_drop(struct workers_lock *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the database's log (WAL) back into it, in time for the log to begin anew from its start:
 * so it stays small. Most of that is done beside the loop, on a connection of its own, and what was
 * written meanwhile at the end of a turn. Internal.
 *
 * SQLite begins the log anew with a write that finds all of it written back, and no reader in it.
 * While another program reads (a backup), it grows. */
#ifndef QUEUE_CHECKPOINT_H
#define QUEUE_CHECKPOINT_H

#include "queue/database.h"

enum {
    CHECKPOINT_PAGES = 2048,    /* 8 MB: do not wait for idleness */
    CHECKPOINT_REST = 128,      /* pages that a turn may be held for */
    CHECKPOINT_IDLE_MS = 1000,  /* this long after the last commit */
    CHECKPOINT_RETRY_MS = 5000, /* after a failure, or where a reader hinders */
};

struct aside;
struct checkpoint;

/* Without an aside all is done by checkpoint_tick. */
struct checkpoint *checkpoint_new(struct aside *aside, const char *path);
/* Closes the aside's connection; false while it is in use. */
bool checkpoint_disconnect(struct checkpoint *c);
/* None is running: the aside was freed, or has finished. */
struct checkpoint *checkpoint_free(struct checkpoint *c);

/* `last_write`: when the last commit was. Returns when next due. */
int64_t checkpoint_tick(struct checkpoint *c, struct database *d, int64_t last_write, int64_t now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A small file beside the database that says whose it is, and whether a daemon has it open: so that
 * a database that is lost, or its newest part, is missed. Internal.
 *
 * It is written as "open" after the database says so, and as "closed" before the database does:
 * where the two differ after a crash, it is the file that says less. */
#ifndef QUEUE_WITNESS_H
#define QUEUE_WITNESS_H

#include "queue/queue.h"

struct witness {
    bool is_there;
    char identity[QUEUE_IDENTITY_SIZE];
    bool is_open;
};

/* 0 also where it is absent, or holds nothing that we wrote. */
int witness_read(const char *path, struct witness *ret, struct error *e);
int witness_write(const char *path, const char *identity, bool is_open, struct error *e);

#endif

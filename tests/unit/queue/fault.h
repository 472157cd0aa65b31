/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of the disk under SQLite: the Nth write or sync fails. */
#ifndef TESTS_QUEUE_FAULT_H
#define TESTS_QUEUE_FAULT_H

#include <stdbool.h>

/* Once per process, before a queue is opened. */
void fault_install(void);
/* The `countdown`th write or sync from now fails with `error` (0: none does); all after it, too,
 * where `lasting`. */
void fault_arm(long countdown, int error, bool lasting);
/* Writes and syncs since fault_arm. */
long fault_calls(void);

/* SQLite itself gives up at the `countdown`th instruction from now, in whichever statement (0:
 * never): failures within an operation, which a disk in WAL mode shows only at commits. */
struct sqlite3;
void fault_interrupt(struct sqlite3 *connection, long countdown);

#endif

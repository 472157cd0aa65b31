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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What of a local run is to be done yet, and who is to blame for a death: as the daemon does it
 * (proto/PROTOCOL.md, "A lease"), so that both give the same store.
 *
 * Invariant: a death is charged to a member only where that was the first in its process. Another
 * one becomes the suspect, which the next process begins with. */
#ifndef WORKER_RUN_LEDGER_H
#define WORKER_RUN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run_range {
    int64_t begin, end;
};

/* Zeroed is that of no member. */
struct run_ledger {
    struct run_range *left; /* neither done nor dead; ascending */
    size_t n_left;
    int64_t *dead; /* members, as they died */
    int64_t n_dead;
    int64_t suspect;  /* -1: none; it is among those left */
    int64_t attempts; /* that the suspect was charged with */
};

void run_ledger_start(struct run_ledger *l, int64_t n_members);
void run_ledger_clear(struct run_ledger *l);

/* Members that are not left are passed over. */
void run_ledger_done(struct run_ledger *l, int64_t begin, int64_t end);
void run_ledger_dead(struct run_ledger *l, int64_t member);

/* Neither left nor dead. */
int64_t run_ledger_done_members(const struct run_ledger *l, int64_t n_members);

/* The member that a process begins with; -1 where none is left. */
int64_t run_ledger_first(const struct run_ledger *l);
bool run_ledger_is_left(const struct run_ledger *l, int64_t member);
/* A process that began with `first` died at `member`, which is left; true where that is dead now.
 */
bool run_ledger_died(struct run_ledger *l, int64_t first, int64_t member, int64_t max_attempts);

#endif

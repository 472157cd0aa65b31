/* SPDX-License-Identifier: Apache-2.0 */
/* What a local run has heard of its processes, in STORE.sync/.run: so that another one goes on
 * where all of it was killed. After a head, the messages LAYOUT, DONE and MEMBER_FAILED, as
 * run_channel.h frames them.
 *
 * Invariants
 *  1. A message stands in it once what it tells is in the store's files: those outlive processes,
 *     but not the machine, so a journal of an earlier boot is refused.
 *  2. Its file is locked while the run that writes it lives, and STORE.sync/.running, since before
 *     there is a journal, while a process does in which members run: no two write one store. */
#ifndef WORKER_RUN_JOURNAL_H
#define WORKER_RUN_JOURNAL_H

#include "proto/wire.h"
#include "worker/result.h"
#include "worker/run_child.h"

#include "base/errors.h"

struct run_journal {
    int fd; /* -1: there is none */
};

void run_journal_close(struct run_journal *j);

/* Makes it for a run that begins, before its first member does. 0 or -errno. */
int run_journal_make(const char *store, const struct run_identity *id,
                     const struct run_facts *facts);
/* To be added to. -ENOENT, WORKER_REFUSED where a run has it open, or a negative errno; with words.
 */
int run_journal_open(struct run_journal *j, const char *store, struct error *e);
/* What is told of any other type is passed over. 0 or -errno. */
int run_journal_add(const struct run_journal *j, const struct wire_message *m);

/* Whether one lies beside the store. */
bool run_journal_is_there(const char *store);

/* Opens that of a run that was killed, for the job of `id`, whose owner is then set; `tell` hears
 * its messages. -ENOENT where there is none; WORKER_REFUSED where it is of another job, of a run
 * that still lives, of an earlier boot or another release, or damaged; a negative errno; with
 * words. */
typedef void (*run_journal_fn)(void *userdata, const struct wire_message *m);
int run_journal_take_up(struct run_journal *j, const char *store, struct run_identity *id,
                        struct run_facts *ret_facts, struct error *e);
void run_journal_replay(const struct run_journal *j, run_journal_fn tell, void *userdata);

/* Waits until no process of an earlier run is in a member; the lock is this process's until it
 * ends. 0 or -errno. */
int run_journal_enter(const char *store);

#endif

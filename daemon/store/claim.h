/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a store is. A store belongs to one job of one daemon: its directory PATH and the directory
 * of its locks, PATH.sync, are made before the job is acknowledged, with the owner's mark in
 * PATH.sync/owner: a line "PROGRAM IDENTITY …" of at most 128 bytes, with its newline. Nothing of
 * it stands in the store itself, so that equal jobs give equal stores.
 *
 * Invariants
 *  1. PATH.sync comes into being with its mark in it (rename), so of several who claim a path, in
 *     whatever process and of whatever daemon, one gets it.
 *  2. A path or PATH.sync that is a symbolic link, or no directory, is never taken, nor followed.
 *
 * Any thread; no state. */
#ifndef STORE_CLAIM_H
#define STORE_CLAIM_H

#include "store/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes both directories, and the parents of `path`. What a former claim of this identity left is
 * taken over where the store is empty: that job was never acknowledged (its turn was not
 * committed), or never ran.
 * STORE_CONFLICT where something else stands there; a negative errno. */
int store_claim(const char *path, const char *owner, struct error *e);

/* Takes a claim back, where the turn that made it is not committed: what is empty and ours. */
void store_unclaim(const char *path, const char *owner);

/* 0 where the store stands and bears this mark. STORE_NO_SUCH where it, PATH.sync or the mark is
 * missing, a link stands in the store's place, or the mark is empty (after a power cut);
 * STORE_CONFLICT where it is another's. */
int store_check_owner(const char *path, const char *owner, struct error *e);

/* Numbers of leases. */
struct store_leases {
    const int64_t *numbers;
    size_t n;
};

/* The job has ended, PATH.sync is gone, and it goes on in the same store: makes PATH.sync with the
 * mark again, and with fences for these leases of before, whose workers may live; and the store
 * where it is missing and `may_make`. STORE_NO_SUCH where it is missing, STORE_CONFLICT where
 * something else stands there; a negative errno. What stands in the store is for the caller to look
 * at. */
int store_reclaim(const char *path, const char *owner, bool may_make,
                  const struct store_leases *fenced, struct error *e);

/* Takes that back, before anybody wrote: PATH.sync, and the store where it is empty. */
void store_unreclaim(const char *path, const char *owner);

/* For a store of which nothing is committed: what store_check_owner finds missing is made again.
 * 0, STORE_CONFLICT, or a negative errno. */
int store_claim_again(const char *path, const char *owner, struct error *e);

/* The job has ended, whatever way: removes PATH.sync, and a store in which nothing was stored; what
 * is already gone, or a link, is left. A power cut brings nothing back after it. May take long: one
 * file a chunk. STORE_CONFLICT where it bears another's mark; a negative errno. */
int store_release(const char *path, const char *owner, struct error *e);

#endif

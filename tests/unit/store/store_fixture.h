/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh directory for each test, and a generator of random numbers that is the same each time. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "store/store.h"

/* Made under TMPDIR (or /tmp); removed by fixture_remove, with its parent. free() */
char *fixture_store_path(void);
void fixture_remove(char *store_path);

struct store *fixture_open(const char *path);

/* SplitMix64. */
uint64_t fixture_random(uint64_t *state);
int64_t fixture_below(uint64_t *state, int64_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which model's job made a store: its root's attributes say so. */
#ifndef STORE_ORIGIN_H
#define STORE_ORIGIN_H

#include "store/store.h"

#include <stdbool.h>

/* 0 where that model did; STORE_CONFLICT where another did, or it is not said; STORE_BROKEN where
 * the attributes are. `may_be_empty`: a store without attributes and arrays is anybody's. */
int origin_check(struct store *s, const char *model_hash, bool may_be_empty, struct error *e);

#endif

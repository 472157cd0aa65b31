/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that this turn's submissions have claimed, and that retried jobs have claimed again
 * (store/claim.h): they are theirs once the turn is committed, and are given back where it is not.
 * Internal. */
#ifndef HTTP_CLAIMS_H
#define HTTP_CLAIMS_H

#include "base/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_retry_store;

struct claim {
    char *path, *owner;
    void (*take_back)(const char *path, const char *owner);
};

struct claims {
    struct claim *list;
    size_t n;
};

/* As store_claim. */
int claims_add(struct claims *c, const char *path, const char *owner, struct error *e);
/* As store_reclaim; STORE_CONFLICT where what stands in the store was made by another job. */
int claims_add_again(struct claims *c, const struct queue_retry_store *store, const char *owner,
                     struct error *e);
/* After the turn's commit. */
void claims_settle(struct claims *c, bool is_committed);

#endif

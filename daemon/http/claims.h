/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that this turn's submissions have claimed (store/claim.h): they are theirs once the turn
 * is committed, and are given back where it is not. Internal. */
#ifndef HTTP_CLAIMS_H
#define HTTP_CLAIMS_H

#include "base/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct claim {
    char *path, *owner;
};

struct claims {
    struct claim *list;
    size_t n;
};

/* As store_claim. */
int claims_add(struct claims *c, const char *path, const char *owner, struct error *e);
/* After the turn's commit. */
void claims_settle(struct claims *c, bool is_committed);

#endif

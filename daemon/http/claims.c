/* SPDX-License-Identifier: Apache-2.0 */
#include "http/claims.h"

#include "base/mem.h"
#include "store/claim.h"

#include <stdlib.h>

int claims_add(struct claims *c, const char *path, const char *owner, struct error *e)
{
    int r = store_claim(path, owner, e);
    if (r != 0)
        return r;
    c->list = mem_resize(c->list, c->n + 1, sizeof *c->list);
    c->list[c->n++] = (struct claim){mem_strdup(path), mem_strdup(owner)};
    return 0;
}

void claims_settle(struct claims *c, bool is_committed)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!is_committed)
            store_unclaim(c->list[i].path, c->list[i].owner);
        free(c->list[i].path);
        free(c->list[i].owner);
    }
    free(c->list);
    *c = (struct claims){0};
}

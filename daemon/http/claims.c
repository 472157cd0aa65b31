/* SPDX-License-Identifier: Apache-2.0 */
#include "http/claims.h"

#include "base/mem.h"
#include "queue/queue.h"
#include "store/claim.h"
#include "store/mend.h"
#include "store/origin.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void remember(struct claims *c, const char *path, const char *owner,
                     void (*take_back)(const char *path, const char *owner))
{
    c->list = mem_resize(c->list, c->n + 1, sizeof *c->list);
    c->list[c->n++] = (struct claim){mem_strdup(path), mem_strdup(owner), take_back};
}

int claims_add(struct claims *c, const char *path, const char *owner, struct error *e)
{
    int r = store_claim(path, owner, e);
    if (r == 0)
        remember(c, path, owner, store_unclaim);
    return r;
}

/* ---- again ---- */

/* Broken attributes are what it is to mend. */
static int check_content(struct store *s, const struct queue_retry_store *store, struct error *e)
{
    int r = origin_check(s, store->model_hash, !store->has_members, e);
    if (r != STORE_BROKEN || !store->has_members)
        return r;
    error_clear(e);
    return 0;
}

static int look_into(const struct queue_retry_store *store, struct error *e)
{
    struct store *s;
    int r = store_open(store->path, STORE_READ, &s, e);
    if (store->repairs && store->has_members && (r == STORE_NO_SUCH || r == STORE_BROKEN)) {
        error_clear(e); /* its .zgroup is damaged; where there is nothing, claiming finds out */
        return 0;
    }
    if (r == STORE_NO_SUCH &&
        !store->has_members) { /* what holds another thing is no store of ours */
        error_clear(e);
        return rmdir(store->path) == 0 || errno == ENOENT
                   ? 0
                   : error_set(e, STORE_CONFLICT, NULL, "what stands at %.500s is no store: %s",
                               store->path, strerror(errno));
    }
    if (r != 0)
        return r;
    r = check_content(s, store, e);
    store_close(s);
    return r;
}

int claims_add_again(struct claims *c, const struct queue_retry_store *store, const char *owner,
                     struct error *e)
{
    const struct store_leases fenced = {store->fenced, store->n_fenced};
    int r = look_into(store, e);
    if (r == 0)
        r = store_reclaim(store->path, owner, !store->has_members, &fenced, e);
    if (r == 0 && store->repairs && store->has_members && (r = store_mend(store->path, e)) != 0)
        store_unreclaim(store->path, owner);
    if (r == 0)
        remember(c, store->path, owner, store_unreclaim);
    return r;
}

void claims_settle(struct claims *c, bool is_committed)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!is_committed)
            c->list[i].take_back(c->list[i].path, c->list[i].owner);
        free(c->list[i].path);
        free(c->list[i].owner);
    }
    free(c->list);
    *c = (struct claims){0};
}

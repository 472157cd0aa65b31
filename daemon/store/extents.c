/* SPDX-License-Identifier: Apache-2.0 */
/* How far readers see arrays along a dimension: consolidated metadata, in which it changes for all
 * at once. */
#include "store/format.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <string.h>

struct extents {
    const char *dim;
    int64_t least;  /* of the arrays that have the dimension; -1: none does */
    int64_t wanted; /* they get at least this one; 0: nothing is changed */
    bool has_changed;
};

static void visit_extent(struct extents *x, json_t *shape, size_t d)
{
    int64_t n = json_integer_value(json_array_get(shape, d));
    if (x->least < 0 || n < x->least)
        x->least = n;
    if (n < x->wanted) {
        json_array_set_new(shape, d, json_integer(x->wanted));
        x->has_changed = true;
    }
}

static void visit_array(void *extents, json_t *shape, const json_t *dims)
{
    struct extents *x = extents;
    const json_t *dim;
    size_t d;
    json_array_foreach((json_t *)dims, d, dim)
    {
        if (json_is_string(dim) && !strcmp(json_string_value(dim), x->dim))
            visit_extent(x, shape, d);
    }
}

/* What is no consolidated metadata is left alone: the job's end makes it anew. */
static int visit(struct store *s, const struct zarr_version *v, struct extents *x, struct error *e)
{
    json_t *all = NULL;
    struct error why = {0};
    int r = group_get_json(s, NULL, v->consolidated_file, &all, &why);
    if (r == -ENOENT || r > 0)
        return 0;
    if (r < 0)
        return group_explain(r, "read", NULL, v->consolidated_file, e);
    x->has_changed = false;
    v->each_consolidated(all, visit_array, x);
    if (x->has_changed)
        r = group_put_json(s, NULL, v->consolidated_file, all, e);
    json_decref(all);
    return r;
}

/* The first version last: it is ahead of none. */
static int visit_versions(struct store *s, struct extents *x, struct error *e)
{
    int r = 0;
    for (int i = FORMAT_VERSIONS; i-- > 0 && r == 0;)
        if (s->format->versions[i])
            r = visit(s, s->format->versions[i], x, e);
    return r;
}

int store_seen_extent(struct store *s, const char *dim, int64_t *ret_extent, struct error *e)
{
    struct extents x = {.dim = dim, .least = -1};
    int r = visit_versions(s, &x, e);
    if (r == 0)
        *ret_extent = x.least;
    return r;
}

int store_show_extent(struct store *s, const char *dim, int64_t extent, struct error *e)
{
    struct extents x = {.dim = dim, .least = -1, .wanted = extent};
    int fd = -1;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zgroup", &fd, e);
    if (r == 0)
        r = visit_versions(s, &x, e);
    sync_lock_release(fd);
    return r;
}

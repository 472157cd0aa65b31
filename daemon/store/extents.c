/* SPDX-License-Identifier: Apache-2.0 */
/* How far readers see arrays along a dimension: .zmetadata, in which it changes for all at once. */
#include "base/json.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/group.h"
#include "store/meta.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <stdlib.h>
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

/* `key`: "NAME/.zarray" or another. */
static void visit_member(struct extents *x, const json_t *members, const char *key, json_t *value)
{
    static const char suffix[] = "/.zarray";
    size_t n = strlen(key), n_suffix = strlen(suffix), d;
    if (n <= n_suffix || strcmp(key + n - n_suffix, suffix) != 0)
        return;
    char *attrs = mem_printf("%.*s/.zattrs", (int)(n - n_suffix), key);
    const json_t *dims = json_object_get(json_object_get(members, attrs), "_ARRAY_DIMENSIONS"),
                 *dim;
    json_t *shape = json_object_get(value, "shape");
    json_array_foreach((json_t *)dims, d, dim)
    {
        if (json_is_string(dim) && !strcmp(json_string_value(dim), x->dim))
            visit_extent(x, shape, d);
    }
    free(attrs);
}

/* What is no consolidated metadata is left alone: the job's end makes it anew. */
static int visit(struct store *s, struct extents *x, json_t **ret_all, struct error *e)
{
    struct buffer text = {0};
    int r = group_get_text(s, NULL, ".zmetadata", &text);
    json_t *all = r == 0 ? meta_json(text.data ? text.data : "", text.size, NULL) : NULL;
    json_t *members = json_object_get(all, "metadata"), *value;
    const char *key;
    json_object_foreach(members, key, value)
    {
        visit_member(x, members, key, value);
    }
    buffer_free(&text);
    if (r < 0 && r != -ENOENT) {
        json_decref(all);
        return group_explain(r, "read", NULL, ".zmetadata", e);
    }
    *ret_all = all;
    return 0;
}

int store_seen_extent(struct store *s, const char *dim, int64_t *ret_extent, struct error *e)
{
    struct extents x = {.dim = dim, .least = -1};
    json_t *all;
    int r = visit(s, &x, &all, e);
    if (r != 0)
        return r;
    json_decref(all);
    *ret_extent = x.least;
    return 0;
}

int store_show_extent(struct store *s, const char *dim, int64_t extent, struct error *e)
{
    struct extents x = {.dim = dim, .least = -1, .wanted = extent};
    json_t *all = NULL;
    int fd = -1;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zgroup", &fd, e);
    if (r == 0)
        r = visit(s, &x, &all, e);
    if (r == 0 && x.has_changed)
        r = group_put_json(s, NULL, ".zmetadata", all, e);
    json_decref(all);
    sync_lock_release(fd);
    return r;
}

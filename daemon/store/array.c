/* SPDX-License-Identifier: Apache-2.0 */
#include "store/array.h"

#include "base/dtype.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/format.h"
#include "store/meta.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char dimensions_key[] = "_ARRAY_DIMENSIONS";

/* ---- arrays that were read ----------------------------------------------------------------- */

void array_free(void *p)
{
    struct store_array *a = p;
    json_decref(a->attrs);
    store_meta_clear(&a->meta);
    chunk_sums_clear(&a->sums);
    free(a->name);
    free(a);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct store_array *)a)->name, ((const struct store_array *)b)->name);
}

struct store_array *array_known(const struct store *s, const char *name)
{
    const struct store_array key = {.name = (char *)name};
    struct store_array **found = tfind(&key, &s->arrays, compare_names);
    return found ? *found : NULL;
}

/* Takes `m`, which has been checked. */
static struct store_array *remember(struct store *s, const char *name, struct store_meta *m)
{
    struct store_array *a = mem_new(sizeof *a);
    a->name = mem_strdup(name);
    a->meta = *m;
    int r = meta_check(m, &a->codec, NULL);
    mem_assert(r == 0);
    a->chunk_bytes = a->codec.n * m->itemsize;
    bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    a->swap = m->big_endian == little;
    int64_t stride = 1;
    for (int i = 0; i < m->ndim; i++) {
        int d = m->fortran_order ? i : m->ndim - 1 - i;
        a->strides[d] = stride;
        stride *= m->chunks[d];
    }
    mem_assert(tsearch(a, &s->arrays, compare_names));
    return a;
}

int array_get(struct store *s, const char *name, struct store_array **ret, struct error *e)
{
    struct store_array *a = array_known(s, name);
    struct store_meta m;
    if (!a) {
        if (!file_name_ok(name) || strchr(name, '\\'))
            return error_set(e, STORE_NO_SUCH, NULL, "\"%.300s\" is no name of an array", name);
        int r = format_read_array(s, name, &m, e);
        if (r != 0)
            return r;
        a = remember(s, name, &m);
    }
    *ret = a;
    return 0;
}

int array_refresh(struct store *s, struct store_array *a, struct error *e)
{
    struct store_meta m;
    int r = s->is_alone ? 0 : format_read_array(s, a->name, &m, e);
    if (r != 0 || s->is_alone)
        return r;
    const char *difference = meta_difference(&a->meta, &m);
    if (difference)
        r = error_set(e, STORE_CONFLICT, NULL,
                      "array \"%s\" was made anew by someone else: its %s is another", a->name,
                      difference);
    else
        memcpy(a->meta.shape, m.shape, sizeof m.shape);
    store_meta_clear(&m);
    return r;
}

/* A new reference. */
static int get_attributes(struct store *s, struct store_array *a, json_t **ret, struct error *e)
{
    json_t *attrs = json_incref(a->attrs);
    int r = attrs ? 0 : format_read_attributes(s, a->name, &attrs, e);
    if (r == 0 && s->is_alone && !a->attrs)
        a->attrs = json_incref(attrs);
    if (r == 0)
        *ret = attrs;
    return r;
}

int array_get_now(struct store *s, const char *name, struct store_array **ret, struct error *e)
{
    bool is_known = array_known(s, name) != NULL;
    int r = array_get(s, name, ret, e);
    return r == 0 && is_known ? array_refresh(s, *ret, e) : r;
}

int store_array(struct store *s, const char *name, struct store_meta *ret_meta, json_t **ret_dims,
                json_t **ret_attrs, struct error *e)
{
    struct store_array *a;
    int r = array_get_now(s, name, &a, e);
    json_t *attrs = NULL;
    if (r == 0)
        r = get_attributes(s, a, &attrs, e);
    if (r != 0)
        return r;
    if (ret_dims) {
        json_t *dims = json_object_get(attrs, dimensions_key);
        *ret_dims = json_array();
        for (int d = 0; d < a->meta.ndim; d++) {
            char unnamed[16];
            snprintf(unnamed, sizeof unnamed, "dim_%d", d);
            const char *dim = json_string_value(json_array_get(dims, (size_t)d));
            json_array_append_new(*ret_dims, json_string(dim ? dim : unnamed));
        }
    }
    *ret_meta = a->meta;
    json_incref(ret_meta->filters);
    if (ret_attrs)
        *ret_attrs = json_incref(attrs);
    json_decref(attrs);
    return 0;
}

/* Under the array's lock. */
static int grow(struct store *s, struct store_array *a, const int64_t *shape, struct error *e)
{
    int r = array_refresh(s, a, e);
    if (r != 0)
        return r;
    struct store_meta larger = a->meta;
    bool grows = false;
    for (int d = 0; d < a->meta.ndim; d++)
        if (shape[d] > larger.shape[d]) {
            larger.shape[d] = shape[d];
            grows = true;
        }
    if (!grows)
        return 0;
    r = meta_check(&larger, NULL, e);
    if (r != 0)
        return r;
    r = format_write_array(s, a->name, &larger, NULL, e);
    if (r == 0)
        memcpy(a->meta.shape, larger.shape, sizeof larger.shape);
    return r;
}

static int lock_and_grow(struct store *s, struct store_array *a, const int64_t *shape,
                         struct error *e)
{
    int fd = -1;
    int r = group_lock(s, a->name, ".zarray", &fd, e);
    if (r == 0)
        r = grow(s, a, shape, e);
    sync_lock_release(fd);
    return r;
}

int store_grow(struct store *s, const char *name, const int64_t *shape, struct error *e)
{
    struct store_array *a;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get(s, name, &a, e);
    return r == 0 ? lock_and_grow(s, a, shape, e) : r;
}

/* ---- creation ------------------------------------------------------------------------------ */

/* With what xarray reads of an array: its dimensions, and that its bytes are text. */
static json_t *attributes_of(const json_t *attrs, const struct store_meta *m,
                             const char *const *dims)
{
    json_t *all = attrs ? json_copy((json_t *)attrs) : json_object();
    json_t *names = json_array();
    for (int d = 0; d < m->ndim; d++)
        json_array_append_new(names, json_string(dims[d]));
    json_object_set_new(all, dimensions_key, names);
    if (m->dtype == SIMLAB_STR)
        json_object_set_new(all, "_Encoding", json_string("utf-8"));
    return all;
}

/* That the array was once made is told by the file of its lock, which is made after it. */
static int mark_made(struct store *s, const char *name, struct error *e)
{
    int fd = -1;
    int r = group_lock(s, name, ".zarray", &fd, e);
    sync_lock_release(fd);
    return r;
}

static bool was_made(const struct store *s, const char *name)
{
    char *lock = mem_printf("%s/%s/.zarray", s->sync, name);
    bool was = access(lock, F_OK) == 0;
    free(lock);
    return was;
}

/* What was just written, as whoever reads it gets it. */
static void remember_made(struct store *s, const char *name)
{
    struct store_meta m;
    if (format_read_array(s, name, &m, NULL) == 0)
        remember(s, name, &m);
}

static int put_array(struct store *s, const char *name, const struct store_meta *m,
                     const json_t *attrs, struct error *e)
{
    char *directory = file_join(s->path, name);
    int r = mkdir(directory, 0777) < 0 && errno != EEXIST ? -errno : 0;
    free(directory);
    if (r < 0)
        return group_explain(r, "make", NULL, name, e);
    r = format_write_array(s, name, m, attrs, e);
    if (r == 0)
        r = mark_made(s, name, e);
    if (r == 0)
        remember_made(s, name);
    return r;
}

static int lock_and_put_attributes(struct store *s, const char *name, const json_t *attrs,
                                   struct error *e)
{
    int fd = -1;
    int r = group_lock(s, name, ".zarray", &fd, e);
    if (r == 0)
        r = format_write_attributes(s, name, attrs, e);
    sync_lock_release(fd);
    return r;
}

static int check_same(struct store *s, struct store_array *a, const struct store_meta *m,
                      const json_t *attrs, struct error *e)
{
    json_t *standing = NULL;
    const char *difference = meta_difference(&a->meta, m);
    int r = difference ? 0 : get_attributes(s, a, &standing, e);
    if (r != 0)
        return r;
    if (!difference && json_object_size(standing) == 0 && json_object_size(attrs) > 0) {
        json_decref(standing); /* they are not there */
        json_decref(a->attrs);
        a->attrs = NULL;
        return lock_and_put_attributes(s, a->name, attrs, e);
    }
    if (!difference && !json_equal(json_object_get(standing, dimensions_key),
                                   json_object_get(attrs, dimensions_key)))
        difference = "names of dims";
    json_decref(standing);
    if (!difference)
        return 0;
    return error_set(e, STORE_CONFLICT, NULL,
                     "array \"%s\" stands in the store %s already, with another %s", a->name,
                     s->path, difference);
}

/* Under the root's lock. */
static int join_or_make(struct store *s, const char *name, const struct store_meta *m,
                        const json_t *attrs, struct error *e)
{
    struct store_array *a;
    int r = array_get(s, name, &a, e);
    if (r == 0) {
        r = check_same(s, a, m, attrs, e);
        return r == 0 ? lock_and_grow(s, a, m->shape, e) : r;
    }
    if (r != STORE_NO_SUCH || was_made(s, name))
        return r;
    error_clear(e);
    char *key = file_join(name, format_array_file(s));
    r = group_check_missing(s, NULL, key); /* the array's directory may have been made, or not */
    free(key);
    return r < 0 ? group_explain(r, "make", NULL, name, e) : put_array(s, name, m, attrs, e);
}

static int remove_array(struct store *s, const char *name, struct error *e)
{
    struct store_array *known = array_known(s, name);
    mem_assert(s->n_staged == 0);
    if (known) {
        tdelete(known, &s->arrays, compare_names);
        array_free(known);
    }
    char *directory = file_join(s->path, name), *locks = file_join(s->sync, name);
    int r = file_remove_tree(directory);
    if (r == 0)
        r = file_remove_tree(locks);
    free(directory);
    free(locks);
    return group_explain(r, "remove", NULL, name, e);
}

static int make_anew(struct store *s, const char *name, const struct store_meta *m,
                     const json_t *attrs, struct error *e)
{
    int r = remove_array(s, name, e);
    return r ? r : put_array(s, name, m, attrs, e);
}

int store_create_array(struct store *s, const char *name, const struct store_meta *m,
                       const char *const *dims, const json_t *attrs, struct error *e)
{
    int r = group_check_writable(s, e);
    if (r == 0 && (!file_name_ok(name) || strchr(name, '\\')))
        r = error_set(e, STORE_INVALID, NULL, "\"%.300s\" cannot be the name of an array", name);
    if (r == 0)
        r = meta_check(m, NULL, e);
    if (r != 0)
        return r;
    json_t *all = attributes_of(attrs, m, dims);
    int fd = -1;
    r = group_lock(s, NULL, ".zgroup", &fd, e);
    if (r == 0)
        r = s->mode == STORE_ANEW ? make_anew(s, name, m, all, e)
                                  : join_or_make(s, name, m, all, e);
    sync_lock_release(fd);
    json_decref(all);
    return r;
}

int store_remove_array(struct store *s, const char *name, struct error *e)
{
    int r = group_check_writable(s, e);
    if (r == 0 && (!file_name_ok(name) || strchr(name, '\\')))
        r = error_set(e, STORE_INVALID, NULL, "\"%.300s\" cannot be the name of an array", name);
    return r ? r : remove_array(s, name, e);
}

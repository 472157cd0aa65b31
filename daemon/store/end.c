/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a job: its arrays are verified and made canonical, and what interrupted writers left
 * is removed. All of it may be done again, and then changes nothing. */
#include "base/file.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/chunk.h"
#include "store/chunk_end.h"
#include "store/chunk_keys.h"
#include "store/chunk_selection.h"
#include "store/end_shares.h"
#include "store/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one array ------------------------------------------------------------------------------- */

/* Then the caller is told of it. */
static int end_chunk(const struct chunk_end *x, const char *key, const int64_t *index, bool must_be)
{
    int r = chunk_end(x, key, index, must_be, false);
    return r == 0 && x->how->look ? x->how->look(x->how->userdata) : r;
}

static bool is_in(const struct store_meta *m, const int64_t *extents, const int64_t *index)
{
    for (int d = 0; d < m->ndim; d++)
        if (index[d] > (INT64_MAX - 1) / m->chunks[d] || index[d] * m->chunks[d] >= extents[d])
            return false;
    return true;
}

/* A chunk that was locked was written, by some row that lived or died. */
static int end_traced_chunk(const struct chunk_end *x, const char *key)
{
    const struct store_meta *m = &x->a->meta;
    int64_t index[SIMLAB_MAX_DIMS] = {0};
    if (!chunk_keys_parse(key, m->ndim, index) || !is_in(m, m->shape, index) ||
        (x->how->full && is_in(m, x->how->full, index)))
        return 0;
    int64_t first = index[0] * m->chunks[0], within = m->shape[0] - first;
    int64_t rows = within < m->chunks[0] ? within : m->chunks[0];
    bool must_be = !x->how->has_rows || chunk_end_none_dead(x->how, first, first + rows);
    return end_chunk(x, key, index, must_be);
}

/* No chunk of the array lies beyond. */
static bool has_all(const struct store_meta *m, const int64_t *extents)
{
    bool has = true;
    for (int d = 0; d < m->ndim; d++)
        has = has && extents[d] >= m->shape[d];
    return has;
}

static int end_array(struct chunk_end *x)
{
    int r = chunk_need(x->s, x->a, x->e);
    if (r == 0 && x->how->full)
        r = end_shares(x, x->how->full);
    if (r != 0 || (x->how->full && has_all(&x->a->meta, x->how->full)))
        return r;
    struct chunk_keys keys;
    r = chunk_keys_read(x->s, x->a, &keys);
    r = chunk_explain(r, "list", x->a, "files", x->e);
    for (size_t i = 0; i < keys.n && r == 0; i++)
        r = end_traced_chunk(x, keys.list[i]);
    chunk_keys_clear(&keys);
    return r;
}

int store_end_array(struct store *s, const char *name, const struct store_end *how, struct error *e)
{
    struct chunk_end x = {.s = s, .how = how, .may_write = true, .e = e};
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get_now(s, name, &x.a, e);
    if (r != 0)
        return r;
    chunk_sums_clear(&x.a->sums);
    x.sums = s->keeps_sums ? &x.a->sums : NULL;
    return end_array(&x);
}

void store_keep_checksums(struct store *s)
{
    s->keeps_sums = true;
}

int store_verify(struct store *s, const char *name, struct error *e)
{
    struct store_end how = {0};
    struct chunk_end x = {.s = s, .how = &how, .e = e};
    int r = array_get_now(s, name, &x.a, e);
    if (r != 0)
        return r;
    how.full = x.a->meta.shape;
    return end_array(&x);
}

/* ---- chunks of zeros ------------------------------------------------------------------------- */

struct filling {
    struct store *s;
    struct store_array *a;
    struct error *e;
};

/* They are brought to the disk one by one: where the system fails to, another try would find them
 * standing, and not write them again. */
static int fill_chunk(void *userdata, const struct chunk_selection *p)
{
    const struct filling *x = userdata;
    struct chunk_names names = chunk_names(x->s, x->a, p->key);
    if (access(names.path, F_OK) == 0)
        return 0;
    int r = errno == ENOENT ? group_check_missing(x->s, x->a->name, p->key) : -errno;
    if (r < 0)
        return chunk_explain(r, "look for", x->a, p->key, x->e);
    void *elements = x->s->chunk.area[CHUNK_ELEMENTS];
    chunk_fill(&x->a->meta, elements, x->a->codec.n);
    return chunk_replace(x->s, x->a, &names, p->key, elements, group_sync_of(x->s), x->e);
}

int store_fill_missing(struct store *s, const char *name, struct error *e)
{
    struct filling x = {.s = s, .e = e};
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get_now(s, name, &x.a, e);
    if (r != 0 || x.a->meta.has_fill)
        return r;
    r = chunk_need(s, x.a, e);
    return r ? r : chunk_selection_each(x.a, start, x.a->meta.shape, fill_chunk, &x);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Hidden files whose writers are gone. */
static bool is_leftover(const char *name)
{
    static const char *const suffixes[] = {".partial", ".staged"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t length = strlen(suffixes[i]);
        if (*name == '.' && n > length + 1 && !strcmp(name + n - length, suffixes[i]))
            return true;
    }
    return false;
}

static int remove_leftovers(const char *directory)
{
    DIR *d = opendir(directory);
    if (!d)
        return -errno;
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry)
        if (is_leftover(entry->d_name) && entry->d_type != DT_DIR &&
            unlinkat(dirfd(d), entry->d_name, 0) < 0 && errno != ENOENT && errno != EISDIR)
            r = -errno;
    closedir(d);
    return r;
}

/* What interrupted writers said of an array in one version and not in the other. */
static int settle_arrays(struct store *s, struct error *e)
{
    json_t *names = NULL, *name;
    size_t i;
    int r = store_arrays(s, &names, e);
    json_array_foreach(names, i, name)
    {
        if (r == 0)
            r = format_settle_array(s, json_string_value(name), e);
    }
    json_decref(names);
    return r;
}

static int remove_all_leftovers(struct store *s, struct error *e)
{
    json_t *names = NULL, *name;
    size_t i;
    int r = store_arrays(s, &names, e);
    if (r != 0)
        return r;
    r = remove_leftovers(s->path);
    json_array_foreach(names, i, name)
    {
        char *directory = file_join(s->path, json_string_value(name));
        if (r == 0)
            r = remove_leftovers(directory);
        free(directory);
    }
    json_decref(names);
    return error_errno(e, r, "remove what interrupted writers left in the store");
}

int store_tidy(struct store *s, struct error *e)
{
    int r = group_check_writable(s, e);
    if (r == 0)
        r = remove_all_leftovers(s, e);
    if (r == 0)
        r = settle_arrays(s, e);
    return r ? r : store_consolidate(s, e);
}

int store_finish(struct store *s, struct error *e)
{
    int r = store_tidy(s, e);
    return r ? r : store_sync(s, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/box.h"

#include "base/mem.h"
#include "store/array.h"
#include "store/chunk.h"
#include "store/chunk_log.h"
#include "store/fence.h"
#include "store/meta.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what may be asked for ------------------------------------------------------------------- */

static bool is_within(const struct store_array *a, const int64_t *start, const int64_t *count)
{
    for (int d = 0; d < a->meta.ndim; d++)
        if (start[d] < 0 || count[d] < 0 || start[d] > a->meta.shape[d] ||
            count[d] > a->meta.shape[d] - start[d])
            return false;
    return true;
}

static int check_box(struct store *s, struct store_array *a, const int64_t *start,
                     const int64_t *count, struct error *e)
{
    if (is_within(a, start, count))
        return 0;
    int r = array_refresh(s, a, e);
    if (r != 0 || is_within(a, start, count))
        return r;
    char first[128], extent[128], shape[128];
    int ndim = a->meta.ndim;
    return error_set(e, STORE_INVALID, NULL,
                     "array \"%s\" has shape %s: there is no box of %s elements from %s", a->name,
                     meta_shape_text(ndim, a->meta.shape, shape, sizeof shape),
                     meta_shape_text(ndim, count, extent, sizeof extent),
                     meta_shape_text(ndim, start, first, sizeof first));
}

/* ---- writing --------------------------------------------------------------------------------- */

/* One chunk of a box. */
struct writing {
    struct store *s;
    struct store_array *a;
    const struct box_write *w;
    const struct chunk_selection *part;
    struct chunk_names names;
    bool all_rows; /* the box has all rows that the chunk has within the array */
    int lock;
    int64_t log_size;
    struct error *e;
};

const void *box_lay(struct store *s, const struct store_array *a, const struct chunk_selection *p,
                    const int64_t *box, const void *data)
{
    bool is_chunk;
    const void *elements = chunk_selection_in_box(p, a, box, data, &is_chunk);
    if (is_chunk)
        return elements;
    chunk_selection_put(p, a, s->chunk.area[CHUNK_ELEMENTS], box, data);
    return s->chunk.area[CHUNK_ELEMENTS];
}

static int lock(struct writing *x)
{
    int r = sync_lock_take(x->names.lock, true, &x->lock, &x->log_size);
    return chunk_explain(r, "lock", x->a, x->part->key, x->e);
}

/* What the log needs to know before the chunk is replaced. A chunk of one row needs none; an array
 * that has one row may have grown since it was looked at. */
static int note(struct writing *x, bool is_lost)
{
    const struct chunk_selection *p = x->part;
    const struct store_meta *m = &x->a->meta;
    int r = 0;
    if (!x->w->has_rows || m->chunks[0] == 1)
        return 0;
    if (is_lost && (x->log_size > 0 || !x->s->is_logged))
        r = chunk_log_broken(x->lock, x->log_size > 0);
    int64_t row = x->w->start[0] + p->in_box[0], n = p->count[0];
    bool *is_blank = mem_array((size_t)n, sizeof *is_blank);
    for (int64_t i = 0; i < n; i++)
        is_blank[i] = chunk_selection_row_is_fill(p, x->a, x->w->count, x->w->data, i);
    if (r == 0)
        r = chunk_log_written(x->lock, row, row + n, is_blank);
    free(is_blank);
    return chunk_explain(r, "note what is written of", x->a, x->part->key, x->e);
}

/* A chunk that is given whole: encoded before its lock is taken. */
static int write_whole(struct writing *x)
{
    const void *bytes;
    size_t size;
    const void *elements = box_lay(x->s, x->a, x->part, x->w->count, x->w->data);
    int r = chunk_encode(x->s, x->a, elements, &bytes, &size);
    if (r < 0)
        return chunk_explain(r, "encode", x->a, x->part->key, x->e);
    r = lock(x);
    if (r == 0)
        r = fence_check_locked(x->s, x->e);
    if (r == 0)
        r = note(x, false);
    if (r == 0)
        r = chunk_explain(
            file_replace(x->names.path, x->names.temporary, bytes, size, 0666, FILE_SYNC_NONE),
            "write", x->a, x->part->key, x->e);
    x->lock = sync_lock_release(x->lock);
    return r;
}

/* The part is all of the chunk that lies within the array's shape as it stands on disk now. */
static int reaches_edges(const struct writing *x, bool *ret)
{
    const struct chunk_selection *p = x->part;
    int r = array_refresh(x->s, x->a, x->e);
    *ret = true;
    for (int d = 0; r == 0 && d < x->a->meta.ndim; d++) {
        int64_t within = x->a->meta.shape[d] - p->index[d] * x->a->meta.chunks[d];
        int64_t whole = within < x->a->meta.chunks[d] ? within : x->a->meta.chunks[d];
        *ret = *ret && p->count[d] >= whole;
    }
    return r;
}

/* A broken chunk is lost only for who would read it. It is made new where all of it is given again;
 * where others wrote rows of it, since the log tells what is to be written again; and in a store
 * that is joined, where a power cut may have broken what was not done, and is written again. (In
 * one that was made by this process, it is damage.) */
static int may_make_new(const struct writing *x)
{
    bool all_given = false;
    if (x->s->mode == STORE_JOIN || (x->w->has_rows && !x->all_rows))
        return 0;
    int r = reaches_edges(x, &all_given);
    return r || all_given ? r : chunk_broken(x->a, x->part->key, x->e);
}

/* The chunk as it is, or of fill values. */
static int load(struct writing *x, bool *ret_stood)
{
    void *elements = x->s->chunk.area[CHUNK_ELEMENTS];
    size_t size;
    int r = chunk_load(x->s, x->a, x->names.path, elements, &size);
    *ret_stood = r == 0;
    if (r == -ENOENT)
        r = group_check_missing(x->s, x->a->name, x->part->key);
    if (r == STORE_BROKEN)
        r = may_make_new(x);
    else
        r = chunk_explain(r, "read", x->a, x->part->key, x->e);
    if (r == 0 && !*ret_stood)
        chunk_fill(&x->a->meta, elements, x->a->codec.n);
    return r;
}

static int replace(struct writing *x, bool stood)
{
    bool others_rely = stood && (x->s->is_resumable || (x->w->has_rows && !x->w->is_alone));
    int r = fence_check_locked(x->s, x->e);
    if (r == 0)
        r = note(x, !stood);
    return r ? r
             : chunk_replace(x->s, x->a, &x->names, x->part->key, x->s->chunk.area[CHUNK_ELEMENTS],
                             others_rely ? group_sync_of(x->s) : FILE_SYNC_NONE, x->e);
}

/* A chunk of which a part is given; also one at the array's edge, of which others may give the rest
 * once the array has grown. */
static int write_part(struct writing *x)
{
    bool stood;
    int r = lock(x);
    if (r == 0)
        r = load(x, &stood);
    if (r == 0) {
        chunk_selection_put(x->part, x->a, x->s->chunk.area[CHUNK_ELEMENTS], x->w->count,
                            x->w->data);
        r = replace(x, stood);
    }
    x->lock = sync_lock_release(x->lock);
    return r;
}

static bool has_all_rows(const struct store_array *a, const struct chunk_selection *p)
{
    int64_t first = p->index[0] * a->meta.chunks[0], within = a->meta.shape[0] - first;
    return p->count[0] >= (within < a->meta.chunks[0] ? within : a->meta.chunks[0]);
}

static int write_chunk(void *userdata, const struct chunk_selection *p)
{
    struct writing *x = userdata;
    x->part = p;
    x->names = chunk_names(x->s, x->a, p->key);
    x->all_rows = !x->w->has_rows || has_all_rows(x->a, p);
    x->lock = -1;
    return p->full ? write_whole(x) : write_part(x);
}

int box_write(struct store *s, struct store_array *a, const struct box_write *w, struct error *e)
{
    struct writing x = {.s = s, .a = a, .w = w, .e = e};
    int r = chunk_need(s, a, e);
    chunk_sums_clear(&a->sums); /* they may be others now */
    return r ? r : chunk_selection_each(a, w->start, w->count, write_chunk, &x);
}

static int write_box(struct store *s, const char *name, const struct box_write *w, struct error *e)
{
    struct store_array *a = NULL;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get(s, name, &a, e);
    if (r == 0)
        r = check_box(s, a, w->start, w->count, e);
    return r ? r : box_write(s, a, w, e);
}

int store_write(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                const void *data, struct error *e)
{
    const struct box_write w = {.start = start, .count = count, .data = data};
    return write_box(s, name, &w, e);
}

int store_write_rows(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                     const void *data, bool is_alone, struct error *e)
{
    const struct box_write w = {
        .start = start, .count = count, .data = data, .has_rows = true, .is_alone = is_alone};
    return write_box(s, name, &w, e);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
    struct store *s;
    struct store_array *a;
    const int64_t *box;
    void *data;
    struct error *e;
};

int box_read_chunk(struct store *s, const struct store_array *a, const struct chunk_selection *p,
                   const char *path, const int64_t *box, void *ret_data, struct error *e)
{
    bool is_chunk;
    void *elements = chunk_selection_in_box(p, a, box, ret_data, &is_chunk);
    if (!is_chunk)
        elements = s->chunk.area[CHUNK_ELEMENTS];
    size_t size;
    int r = chunk_load(s, a, path, elements, &size);
    if (r == STORE_BROKEN)
        return chunk_broken(a, p->key, e);
    if (r == -ENOENT)
        chunk_fill(&a->meta, elements, a->codec.n);
    else if (r < 0)
        return chunk_explain(r, "read", a, p->key, e);
    if (!is_chunk)
        chunk_selection_get(p, a, elements, box, ret_data);
    return 0;
}

static int read_chunk(void *userdata, const struct chunk_selection *p)
{
    struct reading *x = userdata;
    return box_read_chunk(x->s, x->a, p, chunk_names(x->s, x->a, p->key).path, x->box, x->data,
                          x->e);
}

int store_read(struct store *s, const char *name, const int64_t *start, const int64_t *count,
               void *ret_data, struct error *e)
{
    struct store_array *a;
    int r = array_get(s, name, &a, e);
    if (r == 0)
        r = check_box(s, a, start, count, e);
    if (r == 0)
        r = chunk_need(s, a, e);
    if (r != 0)
        return r;
    struct reading x = {s, a, count, ret_data, e};
    return chunk_selection_each(a, start, count, read_chunk, &x);
}

/* ---- looking for chunks ---------------------------------------------------------------------- */

struct looking {
    struct store *s;
    struct store_array *a;
    bool has;
    struct error *e;
};

static int look_for(void *has, const struct chunk_selection *p)
{
    struct looking *x = has;
    if (access(chunk_names(x->s, x->a, p->key).path, F_OK) == 0)
        return 0;
    x->has = false;
    return errno == ENOENT ? 0 : chunk_explain(-errno, "look for", x->a, p->key, x->e);
}

int store_has_box(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                  bool *ret_has, struct error *e)
{
    struct looking x = {.s = s, .has = true, .e = e};
    int r = array_get(s, name, &x.a, e);
    if (r == 0)
        r = check_box(s, x.a, start, count, e);
    if (r == 0)
        r = chunk_selection_each(x.a, start, count, look_for, &x);
    if (r == 0)
        *ret_has = x.has;
    return r;
}

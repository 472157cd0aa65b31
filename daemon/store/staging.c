/* SPDX-License-Identifier: Apache-2.0 */
#include "store/staging.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/box.h"
#include "store/chunk.h"
#include "store/fence.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the list -------------------------------------------------------------------------------- */

static bool is_same(const struct staged *g, const struct store_array *a, const int64_t *index,
                    int64_t row)
{
    return g->array == a && g->row == row &&
           !memcmp(g->index, index, (size_t)a->meta.ndim * sizeof *index);
}

/* What was staged last is looked at first. Boxes of an array come with ascending labels, so nothing
 * that was staged before an earlier label is looked at. */
static bool is_staged(const struct store *s, const struct store_array *a, const int64_t *index,
                      const struct box_write *w)
{
    int64_t row = w->has_rows ? w->start[0] : 0;
    int label = w->has_rows ? 1 : 0;
    for (size_t i = s->n_staged; i-- > 0;) {
        const struct staged *g = &s->staged[i];
        if (is_same(g, a, index, row))
            return true;
        if (g->array == a && label < a->meta.ndim && g->index[label] < index[label])
            break;
    }
    return false;
}

void staging_add(struct store *s, const struct staged *g)
{
    s->staged = mem_grow(s->staged, s->n_staged, &s->staged_capacity, sizeof *s->staged);
    s->staged[s->n_staged++] = *g;
}

static void add(struct store *s, struct store_array *a, const struct chunk_selection *p,
                const struct box_write *w)
{
    struct staged g = {.array = a, .has_rows = w->has_rows, .row = w->has_rows ? w->start[0] : 0};
    memcpy(g.index, p->index, sizeof g.index);
    staging_add(s, &g);
}

/* ---- staging --------------------------------------------------------------------------------- */

struct staging {
    struct store *s;
    struct store_array *a;
    const struct box_write *w;
    struct error *e;
};

/* A file that is there already may be one that a saved run relies on. */
static int replace_file(const struct store *s, const char *path, const void *bytes, size_t size)
{
    char *temporary = mem_printf("%s.partial", path);
    int r = file_replace(path, temporary, bytes, size, 0666, group_sync_of(s));
    free(temporary);
    return r;
}

static int write_file(const char *path, const void *bytes, size_t size)
{
    int fd;
    int r = file_create(path, 0666, &fd);
    if (r < 0)
        return r;
    r = file_append(fd, bytes, size);
    return close(fd) < 0 && r == 0 ? -errno : r;
}

static int stage_chunk(void *userdata, const struct chunk_selection *p)
{
    struct staging *x = userdata;
    void *elements = x->s->chunk.area[CHUNK_ELEMENTS];
    int64_t row = x->w->has_rows ? x->w->start[0] : 0;
    char *path = chunk_staged_name(x->s, x->a, p->key, row);
    bool again = is_staged(x->s, x->a, p->index, x->w);
    const void *bytes;
    size_t size;
    int r = again && !p->full ? chunk_load(x->s, x->a, path, elements, &size) : 0;
    if (r == STORE_BROKEN)
        return chunk_broken(x->a, p->key, x->e);
    if (r == 0 && !again)
        chunk_fill(&x->a->meta, elements, x->a->codec.n);
    if (r == 0)
        r = chunk_encode(x->s, x->a, box_lay(x->s, x->a, p, x->w->count, x->w->data), &bytes,
                         &size);
    if (r == 0)
        r = again && x->s->is_resumable ? replace_file(x->s, path, bytes, size)
                                        : write_file(path, bytes, size);
    if (r == 0 && !again)
        add(x->s, x->a, p, x->w);
    return chunk_explain(r, "write", x->a, p->key, x->e);
}

int store_stage(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                const void *data, bool has_rows, struct error *e)
{
    const struct box_write w = {.start = start, .count = count, .data = data, .has_rows = has_rows};
    struct staging x = {.s = s, .w = &w, .e = e};
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get(s, name, &x.a, e);
    if (r == 0)
        r = chunk_need(s, x.a, e);
    return r ? r : chunk_selection_each(x.a, start, count, stage_chunk, &x);
}

/* ---- publishing ------------------------------------------------------------------------------ */

/* The chunk as a box: all of it that lies within the array, or this row of that. */
static void box_of(const struct staged *g, int64_t *ret_start, int64_t *ret_count)
{
    const struct store_meta *m = &g->array->meta;
    for (int d = 0; d < m->ndim; d++) {
        int64_t within = m->shape[d] - g->index[d] * m->chunks[d];
        ret_start[d] = g->index[d] * m->chunks[d];
        ret_count[d] = within < m->chunks[d] ? within : m->chunks[d];
    }
    if (g->has_rows) {
        ret_start[0] = g->row;
        ret_count[0] = 1;
    }
}

static bool has_other_rows(const struct staged *g)
{
    const struct store_meta *m = &g->array->meta;
    return g->has_rows && m->chunks[0] > 1;
}

struct publishing {
    struct store *s;
    const struct staged *staged;
    bool is_alone;
    const int64_t *start, *count;
    struct error *e;
};

static int move_into_place(const struct publishing *x, const struct chunk_names *n, const char *key,
                           const char *staged)
{
    struct store_array *a = x->staged->array;
    int fd = -1;
    int r = chunk_explain(sync_lock_take(n->lock, true, &fd, NULL), "lock", a, key, x->e);
    if (r == 0)
        r = fence_check_locked(x->s, x->e);
    if (r == 0)
        r = chunk_explain(file_rename(staged, n->path), "write", a, key, x->e);
    sync_lock_release(fd);
    return r;
}

/* The chunk holds rows of others: ours goes between them. */
static int merge(const struct publishing *x, const struct chunk_selection *p, const char *staged)
{
    struct store_array *a = x->staged->array;
    int r = codec_space_need(&x->s->chunk, CHUNK_BOX, a->chunk_bytes);
    if (r < 0)
        return chunk_explain(r, "hold", a, p->key, x->e);
    r = box_read_chunk(x->s, a, p, staged, x->count, x->s->chunk.area[CHUNK_BOX], x->e);
    const struct box_write w = {.start = x->start,
                                .count = x->count,
                                .data = x->s->chunk.area[CHUNK_BOX],
                                .has_rows = true,
                                .is_alone = x->is_alone};
    if (r == 0)
        r = box_write(x->s, a, &w, x->e);
    if (r == 0)
        unlink(chunk_staged_name(x->s, a, p->key, x->staged->row));
    return r;
}

static int publish_chunk(void *userdata, const struct chunk_selection *p)
{
    struct publishing *x = userdata;
    struct store_array *a = x->staged->array;
    struct chunk_names n = chunk_names(x->s, a, p->key);
    char *staged = chunk_staged_name(x->s, a, p->key, x->staged->row);
    if (has_other_rows(x->staged))
        return merge(x, p, staged);
    return move_into_place(x, &n, p->key, staged);
}

static int publish(struct store *s, const struct staged *g, bool is_alone, struct error *e)
{
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS];
    box_of(g, start, count);
    for (int d = 0; d < g->array->meta.ndim; d++)
        if (count[d] < 1)
            return error_set(e, STORE_BROKEN, NULL, "array \"%s\" has become smaller",
                             g->array->name);
    struct publishing x = {s, g, is_alone, start, count, e};
    int r = chunk_need(s, g->array, e);
    return r ? r : chunk_selection_each(g->array, start, count, publish_chunk, &x);
}

int store_publish_staged(struct store *s, const char *name, bool is_alone, struct error *e)
{
    struct store_array *a;
    int r = array_get(s, name, &a, e);
    if (r == 0)
        r = array_refresh(s, a, e);
    size_t kept = 0;
    for (size_t i = 0; r == 0 && i < s->n_staged; i++) {
        if (s->staged[i].array == a)
            r = publish(s, &s->staged[i], is_alone, e);
        else
            s->staged[kept++] = s->staged[i];
    }
    if (r == 0)
        s->n_staged = kept;
    return r;
}

/* ---- discarding ------------------------------------------------------------------------------ */

struct discarding {
    struct store *s;
    const struct staged *staged;
};

static int discard_chunk(void *userdata, const struct chunk_selection *p)
{
    struct discarding *x = userdata;
    unlink(chunk_staged_name(x->s, x->staged->array, p->key, x->staged->row));
    return 0;
}

void store_discard_staged(struct store *s)
{
    for (size_t i = 0; i < s->n_staged; i++) {
        const struct staged *g = &s->staged[i];
        struct discarding x = {s, g};
        int64_t start[SIMLAB_MAX_DIMS], one[SIMLAB_MAX_DIMS];
        for (int d = 0; d < g->array->meta.ndim; d++) {
            start[d] = g->index[d] * g->array->meta.chunks[d];
            one[d] = 1;
        }
        chunk_selection_each(g->array, start, one, discard_chunk, &x);
    }
    s->n_staged = 0;
}

void staging_clear(struct store *s)
{
    store_discard_staged(s);
    free(s->staged);
    s->staged = NULL;
    s->staged_capacity = 0;
}

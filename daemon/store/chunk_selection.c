/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_selection.h"

#include "store/chunk.h"

#include <stdio.h>
#include <string.h>

/* ---- iteration over the chunks that a box touches ------------------------------------------ */

static void locate(struct chunk_selection *p, const struct store_array *a, const int64_t *start,
                   const int64_t *count)
{
    size_t at = 0;
    p->full = true;
    for (int d = 0; d < a->meta.ndim; d++) {
        int64_t chunk = a->meta.chunks[d], origin = p->index[d] * chunk;
        int64_t low = start[d] > origin ? start[d] : origin;
        int64_t high = start[d] + count[d] < origin + chunk ? start[d] + count[d] : origin + chunk;
        p->count[d] = high - low;
        p->in_chunk[d] = low - origin;
        p->in_box[d] = low - start[d];
        p->full = p->full && p->count[d] == chunk;
        at += (size_t)snprintf(p->key + at, sizeof p->key - at, d ? ".%lld" : "%lld",
                               (long long)p->index[d]);
    }
    if (a->meta.ndim == 0)
        strcpy(p->key, "0");
}

static bool first(struct chunk_selection *p, const struct store_array *a, const int64_t *start,
                  const int64_t *count)
{
    for (int d = 0; d < a->meta.ndim; d++) {
        if (count[d] == 0)
            return false;
        p->index[d] = start[d] / a->meta.chunks[d];
    }
    locate(p, a, start, count);
    return true;
}

static bool next(struct chunk_selection *p, const struct store_array *a, const int64_t *start,
                 const int64_t *count)
{
    for (int d = a->meta.ndim; d-- > 0;) {
        if (p->index[d] < (start[d] + count[d] - 1) / a->meta.chunks[d]) {
            p->index[d]++;
            locate(p, a, start, count);
            return true;
        }
        p->index[d] = start[d] / a->meta.chunks[d];
    }
    return false;
}

int chunk_selection_each(const struct store_array *a, const int64_t *start, const int64_t *count,
                         chunk_selection_fn fn, void *userdata)
{
    struct chunk_selection p = {.full = true};
    int r = 0;
    for (bool more = first(&p, a, start, count); more && r == 0; more = next(&p, a, start, count))
        r = fn(userdata, &p);
    return r;
}

/* ---- copying between box and chunk --------------------------------------------------------- */

struct places {
    int64_t chunk_steps[SIMLAB_MAX_DIMS], box_steps[SIMLAB_MAX_DIMS]; /* in bytes */
    int64_t in_chunk, in_box;                                         /* of the first element */
};

static void find_places(const struct chunk_selection *p, const struct store_array *a,
                        const int64_t *box, struct places *ret)
{
    int64_t itemsize = (int64_t)a->meta.itemsize;
    *ret = (struct places){.in_chunk = 0};
    ndarray_steps(a->meta.ndim, box, a->meta.itemsize, ret->box_steps);
    for (int d = 0; d < a->meta.ndim; d++) {
        ret->chunk_steps[d] = a->strides[d] * itemsize;
        ret->in_chunk += p->in_chunk[d] * ret->chunk_steps[d];
        ret->in_box += p->in_box[d] * ret->box_steps[d];
    }
}

void *chunk_selection_in_box(const struct chunk_selection *p, const struct store_array *a,
                             const int64_t *box, const void *data, bool *ret_is_chunk)
{
    struct places l;
    find_places(p, a, box, &l);
    *ret_is_chunk = p->full;
    for (int d = 0; d < a->meta.ndim; d++)
        if (p->count[d] != 1 && l.box_steps[d] != l.chunk_steps[d])
            *ret_is_chunk = false;
    return (char *)data + l.in_box;
}

void chunk_selection_put(const struct chunk_selection *p, const struct store_array *a, void *chunk,
                         const int64_t *box, const void *data)
{
    struct places l;
    find_places(p, a, box, &l);
    ndarray_copy_box(a->meta.ndim, p->count, a->meta.itemsize, (char *)chunk + l.in_chunk,
                     l.chunk_steps, (const char *)data + l.in_box, l.box_steps);
}

void chunk_selection_get(const struct chunk_selection *p, const struct store_array *a,
                         const void *chunk, const int64_t *box, void *ret_data)
{
    struct places l;
    find_places(p, a, box, &l);
    ndarray_copy_box(a->meta.ndim, p->count, a->meta.itemsize, (char *)ret_data + l.in_box,
                     l.box_steps, (const char *)chunk + l.in_chunk, l.chunk_steps);
}

bool chunk_selection_row_is_fill(const struct chunk_selection *p, const struct store_array *a,
                                 const int64_t *box, const void *data, int64_t i)
{
    struct places l;
    int64_t at[SIMLAB_MAX_DIMS] = {0};
    find_places(p, a, box, &l);
    const char *element = (const char *)data + l.in_box + i * l.box_steps[0];
    for (;;) {
        if (!chunk_is_fill(&a->meta, element))
            return false;
        int d = a->meta.ndim;
        while (--d > 0) {
            element += l.box_steps[d];
            if (++at[d] < p->count[d])
                break;
            element -= l.box_steps[d] * p->count[d];
            at[d] = 0;
        }
        if (d <= 0)
            return true;
    }
}

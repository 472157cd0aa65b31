/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_selection.h"

#include "base/dtype.h"

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

int64_t chunk_selection_run(const struct chunk_copy *c, int *ret_dim)
{
    const struct store_meta *m = &c->a->meta;
    int d = m->ndim;
    int64_t run = 1;
    bool gapless = true;
    while (d > 0 && gapless) {
        d--;
        run *= c->part->count[d];
        gapless = !m->fortran_order && c->part->count[d] == c->box[d] &&
                  c->part->count[d] == m->chunks[d];
    }
    *ret_dim = d;
    return run;
}

size_t chunk_selection_offset_in_box(const struct chunk_copy *c)
{
    size_t at = 0;
    for (int d = 0; d < c->a->meta.ndim; d++)
        at = at * (size_t)c->box[d] + (size_t)c->part->in_box[d];
    return at;
}

static void move_strided(char *to, size_t to_stride, const char *from, size_t from_stride,
                         size_t itemsize, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * to_stride, from + i * from_stride, itemsize);
}

static void run_into_chunk(const struct chunk_copy *c, char *chunk, const char *box, size_t n,
                           size_t stride)
{
    const struct store_meta *m = &c->a->meta;
    bool same = c->dtype == m->dtype && c->itemsize == m->itemsize;
    if (stride == 1 && same) {
        memcpy(chunk, box, n * m->itemsize);
    } else if (stride == 1) {
        dtype_cast(c->dtype, c->itemsize, box, m->dtype, m->itemsize, chunk, n);
    } else {
        if (!same) {
            dtype_cast(c->dtype, c->itemsize, box, m->dtype, m->itemsize, c->row, n);
            box = c->row;
        }
        move_strided(chunk, stride * m->itemsize, box, m->itemsize, m->itemsize, n);
    }
}

static void run_out_of_chunk(const struct chunk_copy *c, const char *chunk, char *box, size_t n,
                             size_t stride)
{
    size_t itemsize = c->a->meta.itemsize;
    if (stride == 1)
        memcpy(box, chunk, n * itemsize);
    else
        move_strided(box, itemsize, chunk, stride * itemsize, itemsize, n);
}

void chunk_selection_copy(const struct chunk_copy *c, void *chunk, void *box, bool into_chunk)
{
    const struct store_meta *m = &c->a->meta;
    int outer;
    size_t run = (size_t)chunk_selection_run(c, &outer);
    size_t stride = m->ndim > 0 ? (size_t)c->a->strides[m->ndim - 1] : 1;
    int64_t at[SIMLAB_MAX_DIMS] = {0};
    for (;;) {
        int64_t chunk_at = 0, box_at = 0;
        for (int d = 0; d < m->ndim; d++) {
            chunk_at += (c->part->in_chunk[d] + at[d]) * c->a->strides[d];
            box_at = box_at * c->box[d] + c->part->in_box[d] + at[d];
        }
        char *in_chunk = (char *)chunk + (size_t)chunk_at * m->itemsize;
        char *in_box = (char *)box + (size_t)box_at * c->itemsize;
        if (into_chunk)
            run_into_chunk(c, in_chunk, in_box, run, stride);
        else
            run_out_of_chunk(c, in_chunk, in_box, run, stride);
        int d = outer;
        while (d-- > 0 && ++at[d] == c->part->count[d])
            at[d] = 0;
        if (d < 0)
            return;
    }
}

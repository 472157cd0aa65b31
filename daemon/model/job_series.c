/* SPDX-License-Identifier: Apache-2.0 */
/* Values along a batch that are computed, read, or found among a sweep's few, as they are asked
 * for: a great batch's inputs take no memory for each member. */
#include "model/job_parts.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Members that lie together: number i of them has value (i / inner) mod length of `data`. */
struct part {
    struct job_data data; /* its own */
    int64_t begin, n;
    int64_t inner, length;
};

struct job_series {
    int dtype; /* to which values are cast */
    size_t itemsize;
    int64_t own; /* elements of a value */
    struct part *parts;
    size_t n, capacity;
};

enum { PIECE = 512 }; /* elements, of at most JOB_SERIES_ITEM bytes */

/* ---- making ---- */

struct job_series *job_series_new(int dtype, size_t itemsize, int64_t own)
{
    struct job_series *s = mem_new(sizeof *s);
    *s = (struct job_series){.dtype = dtype, .itemsize = itemsize, .own = own};
    return s;
}

struct job_series *job_series_free(struct job_series *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        job_data_close(&s->parts[i].data);
    if (s)
        free(s->parts);
    free(s);
    return NULL;
}

int64_t job_series_length(const struct job_series *s)
{
    return s->n > 0 ? s->parts[s->n - 1].begin + s->parts[s->n - 1].n : 0;
}

static bool is_cast(const struct job_series *s, const struct job_data *d)
{
    return s->dtype != d->dtype || s->itemsize != d->itemsize;
}

static void add_part(struct job_series *s, struct part p)
{
    p.begin = job_series_length(s);
    s->parts = mem_grow(s->parts, s->n, &s->capacity, sizeof *s->parts);
    s->parts[s->n++] = p;
}

void job_series_add(struct job_series *s, struct job_data *d)
{
    mem_assert(d->ndim > 0 && !(is_cast(s, d) &&
                                (d->itemsize > JOB_SERIES_ITEM || s->itemsize > JOB_SERIES_ITEM)));
    add_part(s, (struct part){.data = *d, .n = d->shape[0], .inner = 1, .length = d->shape[0]});
    *d = (struct job_data){.fd = -1};
}

void job_series_add_array(struct job_series *s, struct ndarray *a)
{
    struct job_data d = {.form = JOB_DATA_ARRAY,
                         .dtype = a->dtype,
                         .itemsize = a->itemsize,
                         .ndim = a->ndim,
                         .array.data = a->data,
                         .fd = -1};
    memcpy(d.shape, a->shape, sizeof d.shape);
    a->data = NULL;
    job_series_add(s, &d);
}

void job_series_add_all(struct job_series *s, struct job_series *more)
{
    for (size_t i = 0; i < more->n; i++)
        add_part(s, more->parts[i]);
    more->n = 0;
    job_series_free(more);
}

void job_series_spread(struct job_series *s, int64_t n, int64_t inner)
{
    mem_assert(s->n == 1 && inner > 0);
    s->parts[0].n = n;
    s->parts[0].inner = inner;
}

/* ---- reading ---- */

static const struct part *find_part(const struct job_series *s, int64_t member)
{
    size_t low = 0, high = s->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->parts[middle].begin <= member)
            low = middle;
        else
            high = middle;
    }
    return member >= 0 && member < job_series_length(s) ? &s->parts[low] : NULL;
}

/* Elements of the data, cast. */
static int read_data(const struct job_series *s, const struct job_data *d, int64_t at, int64_t n,
                     char *ret)
{
    _Alignas(16) char piece[PIECE * JOB_SERIES_ITEM];
    if (!is_cast(s, d))
        return job_data_read(d, (size_t)at, (size_t)n, ret);
    for (int64_t done = 0, some; done < n; done += some) {
        some = n - done < PIECE ? n - done : PIECE;
        int r = job_data_read(d, (size_t)(at + done), (size_t)some, piece);
        if (r < 0)
            return r;
        dtype_cast(d->dtype, d->itemsize, piece, s->dtype, s->itemsize,
                   ret + (size_t)done * s->itemsize, (size_t)some);
    }
    return 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Some of n elements from element `at` of the series on: how many, or -errno. */
static int64_t read_some(const struct job_series *s, int64_t at, int64_t n, char *ret)
{
    const struct part *p = find_part(s, at / s->own);
    if (!p)
        return -EIO;
    int64_t member = at / s->own - p->begin, below = at % s->own;
    int64_t value = member / p->inner % p->length, some;
    n = least(n, (p->n - member) * s->own - below);
    bool is_repeated = p->inner > 1 && below == 0 && n >= s->own;
    some = is_repeated ? s->own : least(n, (p->inner > 1 ? 1 : p->length - value) * s->own - below);
    int r = read_data(s, &p->data, value * s->own + below, some, ret);
    if (r < 0 || !is_repeated)
        return r < 0 ? r : some;
    int64_t times = least(p->inner - member % p->inner, n / s->own);
    size_t size = (size_t)s->own * s->itemsize;
    mem_repeat(ret + size, ret, size, (size_t)times - 1);
    return times * s->own;
}

static int read_elements(const struct job_series *s, int64_t at, int64_t n, char *ret)
{
    for (int64_t done = 0; done < n;) {
        int64_t some = read_some(s, at + done, n - done, ret + (size_t)done * s->itemsize);
        if (some < 0)
            return (int)some;
        done += some;
    }
    return 0;
}

int job_series_read(const struct job_series *s, int64_t at, int64_t n, void *ret)
{
    return read_elements(s, at * s->own, n * s->own, ret);
}

/* ---- a value at a time ---- */

/* Where they lie as they are wanted; else NULL. */
static const void *in_memory(const struct job_series *s, const struct part *p, int64_t at)
{
    if (p->data.form != JOB_DATA_ARRAY || is_cast(s, &p->data))
        return NULL;
    int64_t value = (at / s->own - p->begin) / p->inner % p->length;
    return (const char *)p->data.array.data + (size_t)(value * s->own + at % s->own) * s->itemsize;
}

/* A file is read a piece at a time; what is computed, as it is wanted. */
static int fill(const struct job_series *s, const struct part *p, int64_t at, int64_t n,
                struct job_room *room)
{
    int64_t most = JOB_ROOM_BYTES / (int64_t)s->itemsize, left = (p->begin + p->n) * s->own - at;
    if (p->data.form == JOB_DATA_FILE && n < most)
        n = least(most, left);
    size_t size = (size_t)n * s->itemsize;
    room->of = NULL;
    if (room->size < size) {
        free(room->bytes);
        room->bytes = mem_try_bytes(size);
        room->size = room->bytes ? size : 0;
    }
    int r = room->bytes ? read_elements(s, at, n, room->bytes) : -ENOMEM;
    if (r < 0)
        return r;
    room->of = s;
    room->begin = at;
    room->end = at + n;
    return 0;
}

int job_series_at(const struct job_series *s, int64_t at, int64_t n, struct job_room *room,
                  const void **ret)
{
    const struct part *p = find_part(s, at / s->own);
    if (!p)
        return -EIO;
    const void *there = in_memory(s, p, at);
    if (!there && (room->of != s || at < room->begin || at + n > room->end)) {
        int r = fill(s, p, at, n, room);
        if (r < 0)
            return r;
    }
    *ret = there ? there : room->bytes + (size_t)(at - room->begin) * s->itemsize;
    return 0;
}

void job_room_clear(struct job_room *room)
{
    free(room->bytes);
    *room = (struct job_room){0};
}

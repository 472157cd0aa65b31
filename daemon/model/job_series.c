/* SPDX-License-Identifier: Apache-2.0 */
/* Values along a batch that are computed, or read, as they are asked for: a great batch's inputs
 * take no memory for each member. */
#include "model/job_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct job_series {
    struct job_data data; /* a progression, or a file, which is its own */
    int dtype;            /* to which it is cast */
    size_t itemsize;
};

enum { PIECE = 512 }; /* elements, of at most 16 bytes */

struct job_series *job_series_new(struct job_data *d, int dtype, size_t itemsize)
{
    struct job_series *s = mem_new(sizeof *s);
    mem_assert((job_data_is_progression(d) || d->form == JOB_DATA_FILE) && d->ndim == 1 &&
               d->itemsize <= JOB_SERIES_ITEM && itemsize <= JOB_SERIES_ITEM);
    *s = (struct job_series){.data = *d, .dtype = dtype, .itemsize = itemsize};
    d->fd = -1;
    return s;
}

struct job_series *job_series_free(struct job_series *s)
{
    if (s)
        job_data_close(&s->data);
    free(s);
    return NULL;
}

int job_series_read(const struct job_series *s, int64_t at, int64_t n, void *ret)
{
    const struct job_data *d = &s->data;
    bool is_cast = s->dtype != d->dtype || s->itemsize != d->itemsize;
    _Alignas(16) char piece[PIECE * JOB_SERIES_ITEM];
    if (!is_cast)
        return job_data_read(d, (size_t)at, (size_t)n, ret);
    for (int64_t done = 0, some; done < n; done += some) {
        some = n - done < PIECE ? n - done : PIECE;
        int r = job_data_read(d, (size_t)(at + done), (size_t)some, piece);
        if (r < 0)
            return r;
        dtype_cast(d->dtype, d->itemsize, piece, s->dtype, s->itemsize,
                   (char *)ret + (size_t)done * s->itemsize, (size_t)some);
    }
    return 0;
}

/* A file is read a piece at a time; what is computed, one by one. */
static int fill(const struct job_series *s, int64_t at, int64_t n, struct job_room *room)
{
    int64_t most = JOB_ROOM_BYTES / (int64_t)s->itemsize, some = 1;
    if (s->data.form == JOB_DATA_FILE)
        some = n - at < most ? n - at : most;
    room->of = NULL;
    int r = job_series_read(s, at, some, room->numbers);
    if (r < 0)
        return r;
    room->of = s;
    room->begin = at;
    room->end = at + some;
    return 0;
}

int job_series_at(const struct job_series *s, int64_t at, int64_t n, struct job_room *room,
                  const void **ret)
{
    if (room->of != s || at < room->begin || at >= room->end) {
        int r = fill(s, at, n, room);
        if (r < 0)
            return r;
    }
    *ret = room->numbers + (size_t)(at - room->begin) * s->itemsize;
    return 0;
}

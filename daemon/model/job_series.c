/* SPDX-License-Identifier: Apache-2.0 */
/* Values along a batch that are computed as they are asked for: a great batch's inputs take no
 * memory for each member. */
#include "model/job_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct job_series {
    struct job_data data; /* a progression */
    int dtype;            /* to which it is cast */
    size_t itemsize;
};

enum { PIECE = 512 }; /* elements, of 8 bytes */

struct job_series *job_series_new(const struct job_data *d, int dtype, size_t itemsize)
{
    struct job_series *s = mem_new(sizeof *s);
    mem_assert(job_data_is_progression(d) && d->itemsize == sizeof(double) &&
               itemsize <= JOB_SERIES_ITEM);
    *s = (struct job_series){.data = *d, .dtype = dtype, .itemsize = itemsize};
    return s;
}

struct job_series *job_series_free(struct job_series *s)
{
    free(s);
    return NULL;
}

void job_series_read(const struct job_series *s, int64_t at, int64_t n, void *ret)
{
    double piece[PIECE]; /* or integers */
    for (int64_t done = 0, some; done < n; done += some) {
        char *to = (char *)ret + (size_t)done * s->itemsize;
        some = n - done < PIECE ? n - done : PIECE;
        job_data_read(&s->data, (size_t)(at + done), (size_t)some, piece);
        if (s->dtype == s->data.dtype)
            memcpy(to, piece, (size_t)some * s->itemsize);
        else
            dtype_cast(s->data.dtype, s->data.itemsize, piece, s->dtype, s->itemsize, to,
                       (size_t)some);
    }
}

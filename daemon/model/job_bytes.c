/* SPDX-License-Identifier: Apache-2.0 */
#include "model/job_parts.h"

#include <string.h>

static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t size_in(const struct ndarray *a, const char *dim)
{
    for (int i = 0; i < a->ndim; i++)
        if (!strcmp(a->dims[i], dim))
            return a->shape[i];
    return -1;
}

/* As the job's inputs and coordinates have it; where none does, 1 at least. */
static int64_t size_of(const struct job *j, const char *dim)
{
    int64_t size = -1;
    for (int i = 0; i < j->n_inputs && size < 0; i++)
        size = size_in(&j->inputs[i].given, dim);
    for (int i = 0; i < j->n_coords && size < 0; i++)
        size = size_in(&j->coords[i].values, dim);
    return size < 0 ? 1 : size;
}

/* Of one value: of the alternatives that it may have, the smallest. */
static int64_t value_bytes(const struct job *j, const struct variable *v)
{
    int64_t least = -1;
    for (int k = 0; k < v->n_dims; k++) {
        int64_t n = v->itemsize > 0 ? (int64_t)v->itemsize : 1;
        for (int i = 0; i < v->dims[k].ndim; i++)
            n = times(n, size_of(j, v->dims[k].names[i]));
        least = least < 0 || n < least ? n : least;
    }
    return least < 0 ? 1 : least;
}

/* Members may end before all labels of a clock have come. */
static int64_t labels(const struct job *j, const struct job_output *o)
{
    return o->clock < 0 || j->n_stop_when > 0 ? 1 : j->clocks[o->clock].n;
}

int64_t job_least_bytes(const struct job *j)
{
    int64_t sum = 0;
    for (int i = 0; i < j->n_outputs; i++) {
        const struct job_output *o = &j->outputs[i];
        int64_t n = times(value_bytes(j, o->variable), labels(j, o));
        if (!o->is_index)
            n = times(n, j->n_members);
        if (__builtin_add_overflow(sum, n, &sum))
            return INT64_MAX;
    }
    return sum;
}

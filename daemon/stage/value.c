/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/simulation.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

static bool count(int ndim, const int64_t *shape, int64_t *ret_size)
{
    int64_t size = 1;
    for (int i = 0; i < ndim; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(size, shape[i], &size))
            return false;
    *ret_size = size;
    return true;
}

int value_shape(struct simulation *s, int slot, int ndim, const int64_t *shape)
{
    struct value *v = &s->values[slot];
    int64_t size;
    size_t bytes;
    if (!count(ndim, shape, &size) || !mem_mul((size_t)size, (size_t)v->view.itemsize, &bytes))
        return -ENOMEM;
    if (bytes > v->capacity || !v->buffer) {
        size_t capacity;
        void *buffer = arena_take(s->arena, bytes, &capacity);
        if (!buffer)
            return -ENOMEM;
        if (v->view.data) /* growing keeps what was there, as a resize would */
            memcpy(buffer, v->buffer, (size_t)v->view.size * (size_t)v->view.itemsize);
        arena_give(s->arena, v->buffer, v->capacity);
        v->buffer = buffer;
        v->capacity = capacity;
    }
    v->view.data = v->buffer;
    v->view.size = size;
    v->view.ndim = ndim;
    uint64_t stride = 1; /* of an empty array it may overflow, where it means nothing */
    for (int i = ndim - 1; i >= 0; i--) {
        v->view.shape[i] = shape[i];
        v->view.strides[i] = (int64_t)stride;
        stride *= (uint64_t)shape[i];
    }
    return 0;
}

void value_reset_all(struct simulation *s)
{
    for (int i = 0; i < s->model->n_slots; i++) {
        struct value *v = &s->values[i];
        if (v->object && v->destroy)
            v->destroy(v->object);
        v->object = NULL;
        v->destroy = NULL;
        v->view.data = NULL;
        v->view.size = 0;
        v->view.ndim = 0;
        v->stamp = 0;
        v->computing = false;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/value.h"

#include "base/mem.h"
#include "base/memory_limit.h"
#include "stage/debug.h"
#include "stage/kept.h"
#include "stage/state.h"

#include <errno.h>
#include <string.h>

enum { SMALL = 1 << 20 }; /* bytes that need not be counted */

static bool count(int ndim, const int64_t *shape, int64_t *ret_size)
{
    int64_t size = 1;
    for (int i = 0; i < ndim; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(size, shape[i], &size))
            return false;
    *ret_size = size;
    return true;
}

/* What a former member left in a buffer does not count: no member depends on the one before. */
static int count_in(struct state *s, struct value *v, size_t bytes)
{
    size_t most = memory_limit(), more = bytes - v->asked;
    size_t before = bytes > most ? most : atomic_fetch_add(&s->bytes, more);
    if (bytes <= most && before <= most - more) {
        v->asked = bytes;
        return 0;
    }
    if (bytes <= most)
        atomic_fetch_sub(&s->bytes, more);
    return -ENOMEM;
}

/* All around it says so if it is written. */
static void *take_guarded(struct state *s, size_t bytes)
{
    void *buffer = arena_take_guarded(&s->arena, bytes), *begin, *end;
    if (!buffer)
        return NULL;
    arena_guarded_pages(buffer, bytes, &begin, &end);
    memset(begin, DEBUG_CANARY, (size_t)((char *)end - (char *)begin));
    arena_hide_around(buffer, bytes);
    return buffer;
}

static int grow(struct state *s, struct value *v, size_t bytes)
{
    size_t capacity = bytes, had = (size_t)v->view.size * (size_t)v->view.itemsize;
    void *buffer = s->is_debug ? take_guarded(s, bytes) : arena_take(&s->arena, bytes, &capacity);
    if (!buffer)
        return -ENOMEM;
    if (v->view.data) /* growing keeps what was there, as a resize would */
        memcpy(buffer, v->buffer, had < bytes ? had : bytes);
    kept_leave(s, v);
    if (s->is_debug)
        arena_give_guarded(v->buffer, v->capacity);
    else
        arena_give(&s->arena, v->buffer, v->capacity);
    v->buffer = buffer;
    v->capacity = capacity;
    return 0;
}

int value_shape(struct state *s, struct value *v, int ndim, const int64_t *shape)
{
    size_t bytes, had = v->view.data ? (size_t)v->view.size * (size_t)v->view.itemsize : 0;
    int64_t size;
    if (!count(ndim, shape, &size) || !mem_mul((size_t)size, (size_t)v->view.itemsize, &bytes))
        return -EOVERFLOW;
    int r = bytes > SMALL && bytes > v->asked ? count_in(s, v, bytes) : 0;
    bool fits = s->is_debug ? bytes == v->capacity : bytes <= v->capacity;
    if (r == 0 && (!fits || !v->buffer))
        r = grow(s, v, bytes);
    if (r < 0)
        return r;
    if (s->is_debug && bytes > had)
        debug_fill(v, had, bytes);
    else if (bytes > had)
        memset((char *)v->buffer + had, 0, bytes - had);
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

void value_unsettle(struct value *v, const struct variable *declared)
{
    v->is_settled = false;
    v->view.dtype = declared->dtype;
    v->view.itemsize = (int32_t)declared->itemsize;
}

void value_reset(struct value *v, const struct variable *declared)
{
    value_unsettle(v, declared);
    v->view.data = NULL;
    v->view.mark = 0;
    v->view.size = 0;
    v->view.ndim = 0;
    v->asked = 0;
}

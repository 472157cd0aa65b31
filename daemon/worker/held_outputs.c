/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/held_outputs.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const struct held_value *v)
{
    return sizeof *v + (size_t)v->view.size * (size_t)v->view.itemsize;
}

static void drop_last(struct held_outputs *h)
{
    struct held_value *last = &h->values[--h->n];
    h->bytes -= bytes_of(last);
    free(last->view.data);
}

bool held_outputs_put(struct held_outputs *h, int64_t member, int output, int64_t at,
                      const struct simlab_view *view)
{
    struct held_value v = {.member = member, .at = at, .output = output, .view = *view};
    size_t bytes = bytes_of(&v), n = bytes - sizeof v;
    if (h->n > 0 && (h->bytes >= h->room || bytes > h->room - h->bytes))
        return false;
    v.view.data = mem_try_bytes(n ? n : 1);
    if (!v.view.data)
        return false;
    if (n > 0)
        memcpy(v.view.data, view->data, n);
    h->values = mem_grow(h->values, h->n, &h->capacity, sizeof *h->values);
    h->values[h->n++] = v;
    h->bytes += bytes;
    return true;
}

void held_outputs_forget(struct held_outputs *h, int64_t member)
{
    while (h->n > 0 && h->values[h->n - 1].member == member)
        drop_last(h);
}

void held_outputs_clear(struct held_outputs *h)
{
    while (h->n > 0)
        drop_last(h);
    free(h->values);
    h->values = NULL;
    h->capacity = 0;
}

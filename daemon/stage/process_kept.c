/* SPDX-License-Identifier: Apache-2.0 */
/* Values whose memory libraries keep. */
#include "stage/kept.h"
#include "stage/process_api.h"

/* NULL: it is none of the state's. */
static struct value *value_of(const struct simulation *s, const struct simlab_view *view)
{
    uintptr_t at = (uintptr_t)view - (uintptr_t)s->values;
    size_t slot = at / sizeof *s->values;
    return at % sizeof *s->values == 0 && slot < (size_t)s->model->n_slots ? &s->values[slot]
                                                                           : NULL;
}

struct simlab_kept *process_kept_keep(simlab_context *shared, const struct simlab_view *view)
{
    const struct simulation *s = context_simulation(process_api_context(shared));
    struct value *value = value_of(s, view);
    return value ? kept_new(s->state, value) : NULL;
}

void process_kept_leave(simlab_context *shared, int32_t row)
{
    struct context *c = process_api_context(shared);
    struct state *state = context_simulation(c)->state;
    const struct variable *v = process_api_variable(c, row);
    struct value *value = v ? value_of(context_simulation(c), c->shared.views[row]) : NULL;
    if (!value || !value->kept || !process_api_may_write(c, row, v))
        return;
    kept_leave(state, value);
    if (!value->view.data && value_shape(state, value, value->view.ndim, value->view.shape) < 0)
        context_refuse(c->run, "there is no memory for another value of variable '%s'", v->name);
}

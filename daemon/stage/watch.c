/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks that a job declares: stop_when and log_every, both after run_step at model level. */
#include "stage/simulation.h"

#include "base/dtype.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>

static void log_step(struct simulation *s, int64_t step)
{
    if (!s->events->log || s->job->log_every <= 0 || (step + 1) % s->job->log_every != 0)
        return;
    char line[160], clock[NUMBER_TEXT_SIZE];
    snprintf(line, sizeof line, "step %lld of %lld done, clock at %s", (long long)step + 1,
             (long long)s->state->runtime.nsteps, number_text(s->state->runtime.step_end, clock));
    s->events->log(s->events->userdata, s->state->member, line);
}

static bool is_passed(const struct stop_when *w, double value)
{
    switch (w->kind) {
    case STOP_ABOVE:
        return value > w->bound;
    case STOP_BELOW:
        return value < w->bound;
    default:
        return !isfinite(value);
    }
}

/* Any element beyond the bound. */
static bool is_beyond(const struct simlab_view *view, const struct stop_when *w)
{
    for (int64_t i = 0; i < view->size; i++)
        if (is_passed(w, dtype_to_double(view->dtype, view->data, (size_t)i)))
            return true;
    return false;
}

int watch_step(struct simulation *s, int64_t step, int *ret_signal, struct error *e)
{
    log_step(s, step);
    int signal = SIMLAB_NONE;
    for (int i = 0; i < s->job->n_stop_when; i++) {
        const struct stop_when *w = &s->job->stop_when[i];
        const struct slot *slot = &s->model->slots[w->slot];
        int r = demand_for_loop(s, w->slot, e);
        if (r)
            return r;
        const struct simlab_view *view = &context_value(&s->runs[slot->process], w->slot)->view;
        if (view->data && is_beyond(view, w))
            signal = SIMLAB_BREAK;
    }
    *ret_signal = signal;
    return 0;
}

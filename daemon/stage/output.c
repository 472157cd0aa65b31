/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: which outputs are saved when, and to which label of their clock. */
#include "stage/simulation.h"

/* `step`: that comes next; -1: none does. */
static int save(struct simulation *s, int output, int64_t at, int64_t step, struct error *e)
{
    const struct job_output *o = &s->job->outputs[output];
    const struct slot *slot = &s->model->slots[o->slot];
    int r = demand_for_loop(s, o->slot, e);
    if (r)
        return r;
    const struct simlab_view *view = &context_value(&s->runs[slot->process], o->slot)->view;
    if (!view->data) {
        if (o->is_index || o->is_own_index) /* nobody asked for it by name, and it was never set */
            return 0;
        return error_set(e, STAGE_FAILED, NULL, "output %s has no value: process '%s' never set it",
                         o->name, s->model->processes[slot->process].name);
    }
    r = finite_check(s, output, step, view, e);
    if (r)
        return r;
    return s->events->output
               ? s->events->output(s->events->userdata, s->state->member, output, at, view)
               : 0;
}

static int save_clock(struct simulation *s, int clock, int64_t step, struct error *e)
{
    for (int o = 0; o < s->job->n_outputs; o++) {
        if (s->job->outputs[o].clock != clock)
            continue;
        int r = save(s, o, clock < 0 ? 0 : s->state->saved[clock], step, e);
        if (r)
            return r;
    }
    if (clock >= 0)
        s->state->saved[clock]++;
    return 0;
}

/* A label's number follows from how many were saved, as in xarray-simlab: a run that BREAK ends
 * early has its last state at the next label, and the fill value after it. */
static int save_label(struct simulation *s, int c, int64_t step, struct error *e)
{
    const struct clock *clock = &s->job->clocks[c];
    int64_t k = s->state->saved[c];
    int r = 0;
    /* Labels that CONTINUE or BREAK passed over do not come back. */
    while (k < clock->n && clock->at[k] < step)
        k++;
    if (k < clock->n && clock->at[k] == step) {
        r = save_clock(s, c, step, e);
        k++;
    }
    if (k < clock->n && clock->at[k] < s->save_due)
        s->save_due = clock->at[k];
    return r;
}

int output_save_step(struct simulation *s, int64_t step, struct error *e)
{
    int r = 0;
    s->save_step = step;
    s->save_due = INT64_MAX;
    for (int c = 0; c < s->job->n_clocks && r == 0; c++)
        if (s->job->clocks[c].has_outputs)
            r = save_label(s, c, step, e);
    return r;
}

int output_save_last(struct simulation *s, struct error *e)
{
    s->state->stamp++;
    int64_t last = s->job->clocks[s->job->main_clock].n - 1;
    for (int c = 0; c < s->job->n_clocks; c++) {
        const struct clock *clock = &s->job->clocks[c];
        if (clock->n == 0 || clock->at[clock->n - 1] != last || s->state->saved[c] >= clock->n)
            continue;
        int r = save_clock(s, c, -1, e);
        if (r)
            return r;
    }
    return save_clock(s, -1, -1, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One after the other, in the model's order. */
#include "stage/simulation.h"

#include <string.h>

/* An ancestor gave BREAK, or was itself skipped for one. */
static bool is_broken(const struct model_process *p, const bool *broken)
{
    for (int i = 0; i < p->n_before; i++)
        if (broken[p->before[i]])
            return true;
    return false;
}

static int serial_run(void *state, const struct stage_plan *plan, struct simulation *s,
                      struct error *e)
{
    (void)state;
    bool has_broken = false; /* s->broken means something */
    int r = 0;
    for (int i = 0; i < plan->n && r == 0; i++) {
        int p = plan->order[i];
        if (has_broken && is_broken(&plan->model->processes[p], s->broken)) {
            s->broken[p] = true;
            continue;
        }
        if (!plan->has_stage[p])
            continue;
        int signal;
        r = simulation_call(s, p, plan->stage, &signal, e);
        if (r == 0 && signal == SIMLAB_BREAK) {
            if (!has_broken)
                memset(s->broken, 0, (size_t)plan->n * sizeof *s->broken);
            s->broken[p] = has_broken = true;
        }
    }
    return r;
}

const struct scheduler scheduler_serial = {.name = "serial", .run = serial_run};

/* SPDX-License-Identifier: Apache-2.0 */
/* The models as a process library: its configuration is a number. */
#include "types.h"

#include <stdlib.h>

static const struct simlab_library *open_model(const struct simlab_opening *o)
{
    static const struct simlab_process *list[MOST_PROCESSES];
    static struct simlab_library opened;
    if (!o->configuration)
        return simlab_open_fail(o, "which model? A number belongs into its configuration");
    draw_model(atoi(o->configuration));
    types_make();
    for (int p = 0; p < drawn.n_processes; p++)
        list[p] = &types[p];
    opened = (struct simlab_library)SIMLAB_LIBRARY_INIT("1.0", "a random model", list,
                                                        drawn.n_processes);
    opened.hooks = types_hooks;
    opened.n_hooks = N_HOOKS;
    return &opened;
}

SIMLAB_LIBRARY_WITH_OPEN("1.0", "random models", open_model, NULL)

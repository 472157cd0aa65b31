/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include "stages.h"

#include <stdio.h>
#include <string.h>

static struct simlab_variable rows[MOST_PROCESSES][ROWS];
struct simlab_process types[MOST_PROCESSES];
static char texts[MOST_PROCESSES][3 + MOST_READS][24];

static void make_type(int p)
{
    const struct spec *s = &drawn.specs[p];
    char(*text)[24] = texts[p];
    struct simlab_variable *v = rows[p];
    memset(v, 0, sizeof rows[p]);
    snprintf(text[0], sizeof text[0], "T%d", p);
    snprintf(text[1], sizeof text[1], "%d", p);
    v[ID] = (struct simlab_variable){.name = "id", .dtype = SIMLAB_I8, .default_value = text[1]};
    v[X] = (struct simlab_variable){.name = "x", .intent = SIMLAB_OUT, .dims = "n"};
    v[X].groups = s->is_member ? "g" : NULL;
    v[IO] = (struct simlab_variable){.name = "io",
                                     .intent = SIMLAB_INOUT,
                                     .dims = "m",
                                     .default_value = "[1, 2, 3]",
                                     .reads = s->io_reads,
                                     .writes = s->io_writes};
    v[ONCE] = (struct simlab_variable){.name = "once",
                                       .kind = SIMLAB_ON_DEMAND,
                                       .dims = "k",
                                       .flags = SIMLAB_CACHED,
                                       .compute = stages_compute};
    v[LAZY] = (struct simlab_variable){
        .name = "lazy", .kind = SIMLAB_ON_DEMAND, .dims = "k", .compute = stages_compute};
    if (p == drawn.object_setter)
        v[OBJECT] =
            (struct simlab_variable){.name = "object", .kind = SIMLAB_OBJECT, .intent = SIMLAB_OUT};
    else if (s->uses_object) {
        snprintf(text[2], sizeof text[2], "t.T%d", drawn.object_setter);
        v[OBJECT] =
            (struct simlab_variable){.name = "object", .kind = SIMLAB_FOREIGN, .type = text[2]};
    } else
        v[OBJECT] = (struct simlab_variable){.name = "object", .default_value = "0"};
    v[GROUP] = (struct simlab_variable){
        .name = "group", .kind = SIMLAB_GROUP, .group = s->is_reader ? "g" : "nobody"};
    for (int i = 0; i < MOST_READS; i++) {
        snprintf(text[3 + i], sizeof text[0], i < s->n_reads ? "t.T%d" : "r%d",
                 i < s->n_reads ? s->reads[i] : i);
        static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
        v[FIRST_READ + i] = (struct simlab_variable){.name = names[i], .default_value = "0"};
        if (i < s->n_reads)
            v[FIRST_READ + i] = (struct simlab_variable){.name = names[i],
                                                         .kind = SIMLAB_FOREIGN,
                                                         .type = text[3 + i],
                                                         .var = draw_row_names[s->reads_row[i]]};
    }
    types[p] = (struct simlab_process){.name = text[0],
                                       .variables = v,
                                       .n_variables = ROWS,
                                       .flags = (s->is_unsafe ? SIMLAB_NOT_THREAD_SAFE : 0) |
                                                (s->is_pinned ? SIMLAB_PINNED : 0) |
                                                (s->is_movable ? SIMLAB_MOVABLE : 0),
                                       .instance_size = s->is_pinned ? sizeof(struct pinned *) : 0,
                                       .initialize = stages_any,
                                       .finalize = stages_finalize,
                                       .run_step = s->has_step ? stages_any : NULL,
                                       .finalize_step = s->has_finalize_step ? stages_any : NULL};
    if (s->is_pinned || p == drawn.object_setter) {
        types[p].save = stages_save;
        types[p].restore = stages_restore;
    }
}

void types_make(void)
{
    for (int p = 0; p < drawn.n_processes; p++)
        make_type(p);
}

const struct simlab_hook types_hooks[N_HOOKS] = {
    {.name = "all", .stage = SIMLAB_RUN_STEP, .when = SIMLAB_AFTER, .call = stages_watch},
    {.name = "each",
     .stage = SIMLAB_RUN_STEP,
     .level = SIMLAB_PROCESS_LEVEL,
     .when = SIMLAB_AFTER,
     .call = stages_watch}};

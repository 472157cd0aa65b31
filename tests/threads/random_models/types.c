/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include "stages.h"

#include <stdio.h>
#include <string.h>

static struct simlab_variable rows[MOST_PROCESSES][ROWS];
struct simlab_process types[MOST_PROCESSES];
static char texts[MOST_PROCESSES][2 + MOST_READS][24];

/* In the place of a row that is not wanted: no value, and no input. */
static struct simlab_variable nothing(const char *name)
{
    return (struct simlab_variable){.name = name, .kind = SIMLAB_GROUP, .group = "nobody"};
}

static void make_object(int p)
{
    struct simlab_variable *v = &rows[p][OBJECT];
    *v = nothing("object");
    if (p == drawn.object_setter)
        *v =
            (struct simlab_variable){.name = "object", .kind = SIMLAB_OBJECT, .intent = SIMLAB_OUT};
    else if (drawn.specs[p].uses_object) {
        snprintf(texts[p][1], sizeof texts[p][1], "t.T%d", drawn.object_setter);
        *v =
            (struct simlab_variable){.name = "object", .kind = SIMLAB_FOREIGN, .type = texts[p][1]};
    }
}

static void make_rows(int p)
{
    const struct spec *s = &drawn.specs[p];
    struct simlab_variable *v = rows[p];
    v[X] = (struct simlab_variable){.name = "x", .intent = SIMLAB_OUT, .dims = "n"};
    v[X].groups = s->is_member ? "g" : NULL;
    v[IO] = nothing("io");
    if (s->has_io)
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
    make_object(p);
    v[GROUP] = nothing("group");
    if (s->is_reader)
        v[GROUP].group = "g";
}

/* The first process has an input that differs by member, too. */
static void make_reads(int p)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    const struct spec *s = &drawn.specs[p];
    for (int i = 0; i < MOST_READS; i++) {
        struct simlab_variable *v = &rows[p][FIRST_READ + i];
        *v = (struct simlab_variable){.name = names[i], .default_value = "0"};
        if (i >= s->n_reads)
            continue;
        snprintf(texts[p][2 + i], sizeof texts[p][0], "t.T%d", s->reads[i]);
        *v = (struct simlab_variable){.name = names[i],
                                      .kind = SIMLAB_FOREIGN,
                                      .type = texts[p][2 + i],
                                      .var = draw_row_names[s->reads_row[i]]};
    }
}

static void make_type(int p)
{
    const struct spec *s = &drawn.specs[p];
    char *name = texts[p][0];
    snprintf(name, sizeof texts[p][0], "T%d", p);
    make_rows(p);
    make_reads(p);
    types[p] = (struct simlab_process){.name = name,
                                       .variables = rows[p],
                                       .n_variables = p == 0 ? ROWS : FIRST_READ + s->n_reads,
                                       .userdata = &drawn.specs[p],
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

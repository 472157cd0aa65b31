/* SPDX-License-Identifier: Apache-2.0 */
/* A number gives a model. */
#include "draw.h"

#include <string.h>

struct random_model drawn;

/* ---- numbers ---- */

static uint64_t chance_state;
uint64_t draw_chance(void)
{
    chance_state += 0x9e3779b97f4a7c15u;
    uint64_t z = chance_state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
int draw_below(int n)
{
    return (int)(draw_chance() % (uint64_t)n);
}
bool draw_one_in(int n)
{
    return draw_below(n) == 0;
}

const char *const draw_row_names[FIRST_READ] = {"x", "io", "once", "lazy", "object", "group"};

bool draw_has_row(const struct spec *s, int row)
{
    return row == IO ? s->has_io : row == ONCE ? s->has_once : row == LAZY ? s->has_lazy : true;
}

static void choose_reads(int p)
{
    struct spec *s = &drawn.specs[p];
    int wanted = draw_below(MOST_READS + 1);
    for (int i = 0; i < wanted; i++) {
        static const int kinds[] = {X, X, X, IO, IO, ONCE, LAZY};
        int row = kinds[draw_below(7)];
        /* inout gives no order: those of later processes may be read, too. */
        int other = row == IO ? draw_below(drawn.n_processes) : p > 0 ? draw_below(p) : -1;
        if (other < 0 || other == p || !draw_has_row(&drawn.specs[other], row))
            continue;
        s->reads[s->n_reads] = other;
        s->reads_row[s->n_reads++] = row;
    }
}

void draw_model(int number)
{
    chance_state = (uint64_t)number * 7919 + 1;
    drawn.n_processes = 3 + draw_below(MOST_PROCESSES - 2);
    bool layered = draw_one_in(3), fails = draw_one_in(3), quiet = draw_one_in(4);
    drawn.has_hooks = draw_one_in(5);
    drawn.validates = draw_one_in(5);
    drawn.object_setter = draw_one_in(3) ? draw_below(drawn.n_processes) : -1;
    memset(drawn.specs, 0, sizeof drawn.specs);
    for (int p = 0; p < drawn.n_processes; p++) {
        struct spec *s = &drawn.specs[p];
        s->has_io = draw_one_in(3);
        s->has_once = draw_one_in(3);
        s->has_lazy = draw_one_in(3);
        s->is_unsafe = draw_one_in(6);
        s->is_pinned = draw_one_in(8);
        s->is_movable = draw_one_in(2);
        s->loops = draw_one_in(5);
        s->draws = draw_one_in(2);
        s->logs = !quiet && draw_one_in(2);
        s->has_step = !draw_one_in(6);
        s->has_finalize_step = draw_one_in(2);
        s->resizes = draw_one_in(2);
        s->is_member = p < drawn.n_processes / 2 && draw_one_in(2);
        s->is_reader = p >= drawn.n_processes / 2 && draw_one_in(3);
        s->uses_object = drawn.object_setter >= 0 &&
                         (p == drawn.object_setter || (p > drawn.object_setter && draw_one_in(4)));
        s->fails_at = fails && draw_one_in(8) ? (draw_one_in(5)   ? 100
                                                 : draw_one_in(5) ? 200
                                                                  : draw_below(STEPS))
                                              : -1;
        s->breaks_at = draw_one_in(10) ? draw_below(STEPS) : -1;
        s->continues_at = draw_one_in(8) ? draw_below(STEPS) : -1;
        s->after = p > 0 && draw_one_in(6) ? draw_below(p) : -1;
        s->io_reads = draw_one_in(2) ? SIMLAB_AT_RUN_STEP : 0;
        s->io_writes = draw_one_in(2) ? SIMLAB_AT_FINALIZE_STEP : 0;
    }
    for (int p = 0; p < drawn.n_processes; p++) {
        choose_reads(p);
        if (layered && p >= 8)
            drawn.specs[p].after = p - 8 + draw_below(4);
    }
}

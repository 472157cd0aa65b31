/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/simulation.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct lane *lane_new(struct simulation *s, int number)
{
    struct lane *lane = mem_lines(1, sizeof *lane);
    lane->simulation = s;
    lane->number = number;
    lane->position = s->board ? &s->board->lanes[s->first_lane + number] : &lane->own;
    lane->failed_call = INT_MAX;
    lane->into = &lane->lines;
    lane->runs = mem_array((size_t)s->model->n_processes, sizeof *lane->runs);
    lane->values = mem_array((size_t)s->program->n_uncached, sizeof *lane->values);
    lane_reset(lane);
    return lane;
}

struct lane *lane_free(struct lane *lane)
{
    if (!lane)
        return NULL;
    for (int p = 0; p < lane->simulation->model->n_processes; p++)
        context_run_free(lane->runs[p]);
    for (int i = 0; i < LANE_LOOPS_MOST; i++)
        free(lane->partials[i]);
    if (lane->scratch.data)
        munmap(lane->scratch.data, lane->scratch_bytes);
    lines_free(&lane->lines);
    free(lane->runs);
    free(lane->values);
    free(lane);
    return NULL;
}

void lane_take(struct lane *lane)
{
    if (!atomic_load_explicit(&lane->position->thread, memory_order_relaxed))
        atomic_store_explicit(&lane->position->thread, gettid(), memory_order_relaxed);
}

void lane_reset(struct lane *lane)
{
    const struct simulation *s = lane->simulation;
    for (int i = 0; i < s->model->n_slots; i++)
        if (s->program->slots[i].kind == PROGRAM_UNCACHED)
            value_reset(&lane->values[s->program->slots[i].number], s->model->slots[i].declared);
}

void lane_forget_values(struct lane *lane)
{
    lane_reset(lane);
    for (int i = 0; i < lane->simulation->program->n_uncached; i++) {
        lane->values[i].buffer = NULL;
        lane->values[i].capacity = 0;
    }
}

/* ---- lines ---- */

void lines_add(struct lines *l, int call, int cached, const char *text)
{
    l->at = mem_grow(l->at, l->n, &l->capacity, sizeof *l->at);
    l->at[l->n++] = (struct line){.call = call, .cached = cached, .text = l->text.size};
    if (text)
        buffer_append(&l->text, text, strlen(text) + 1);
}

void lane_log(struct lane *lane, const char *text)
{
    const struct stage_events *events = lane->simulation->events;
    if (!events || !events->log)
        return;
    if (lane->gathers)
        lines_add(lane->into, lane->call, -1, text);
    else
        events->log(events->userdata, lane->simulation->state->member, text);
}

void lane_log_cached(struct lane *lane, int cached)
{
    if (lane->gathers && lane->simulation->state->computed[cached].has_lines)
        lines_add(lane->into, lane->call, cached, NULL);
}

void lines_clear(struct lines *l)
{
    l->n = 0;
    buffer_clear(&l->text);
}

void lines_free(struct lines *l)
{
    free(l->at);
    buffer_free(&l->text);
}

/* ---- errors ---- */

void lane_fail(struct lane *lane, int call, int result)
{
    if (call >= lane->failed_call)
        return;
    lane->failed_call = call;
    lane->result = result;
    lane->error = lane->why;
}

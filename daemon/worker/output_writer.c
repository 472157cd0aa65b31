/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/output_writer.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The store's own failure: never blamed on a member. */
static int broken(struct output_writer *g, int r)
{
    if (r)
        g->is_broken = true;
    return worker_result_of_store(r);
}

static int no_room(const struct output_writer *g, int output, struct error *e)
{
    return error_set(e, WORKER_REFUSED, NULL, "there is no memory to hold output %s",
                     g->job->outputs[output].name);
}

/* ---- arrays ---- */

static int64_t clock_length(const struct writer_output *o)
{
    return o->array.has_clock ? o->array.meta.shape[o->array.lead - 1] : 1;
}

/* A buffer is a chunk row with all labels; where one member fills chunks alone, a chunk's labels;
 * less where either is too much. */
static void plan_buffer(struct writer_output *o, size_t value_bytes, size_t room)
{
    const struct output_array *a = &o->array;
    int64_t n = clock_length(o), chunk = a->has_clock ? a->meta.chunks[a->lead - 1] : 1, most = 1;
    if (value_bytes < room)
        most = (int64_t)(room / (value_bytes ? value_bytes : 1));
    o->rows = a->has_batch ? a->meta.chunks[0] : 1;
    if (n > 0 && o->rows > most / n)
        o->rows = 1;
    o->labels = o->rows > 1 || chunk > n ? n : chunk;
    if (o->labels > most)
        o->labels = most;
    if (o->labels < 1)
        o->labels = 1;
}

static int ready_array(struct output_writer *g, int output, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = output_array_create(g->job, output, &o->array, g->store, e);
    if (r)
        return broken(g, r);
    o->is_known = true;
    o->part = o->single = -1;
    o->buffer.array = &o->array;
    o->buffer.name = g->job->outputs[output].name;
    size_t bytes;
    plan_buffer(o, output_buffer_value_bytes(&o->buffer, NULL, &bytes) ? bytes : SIZE_MAX, g->room);
    return 0;
}

/* The first member to save an output shows its sizes. */
static int propose_array(struct output_writer *g, int output, const struct simlab_view *view,
                         struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = output_array_init(g->job, output, view, &o->array, e);
    if (r == 0)
        json_object_set_new(g->layout, g->job->outputs[output].name,
                            output_array_to_json(&o->array));
    return r ? r : ready_array(g, output, e);
}

static int read_layout(struct output_writer *g, const char *text, struct error *e)
{
    g->layout = json_read(text, strlen(text), e);
    if (!json_is_object(g->layout))
        return error_set(e, WORKER_STORE, NULL, "the job's recorded layout is broken");
    for (int i = 0; i < g->job->n_outputs; i++) {
        const json_t *recorded = json_object_get(g->layout, g->job->outputs[i].name);
        if (!recorded)
            continue; /* an index variable that was never set */
        int r = output_array_from_json(g->job, i, recorded, &g->outputs[i].array, e);
        if (r == 0)
            r = ready_array(g, i, e);
        if (r)
            return r;
    }
    return 0;
}

/* As if no member had run. */
static int remove_arrays(struct output_writer *g, struct error *e)
{
    json_object_clear(g->layout);
    int r = 0;
    for (int i = 0; i < g->job->n_outputs && r == 0; i++) {
        struct writer_output *o = &g->outputs[i];
        output_buffer_clear(&o->buffer);
        output_array_clear(&o->array);
        o->is_known = false;
        r = broken(g, store_remove_array(g->store, g->job->outputs[i].name, e));
    }
    return r;
}

int output_writer_open(struct output_writer *g, const struct job *job, struct store *s,
                       const char *layout, struct error *e)
{
    g->job = job;
    g->store = s;
    g->room = g->room ? g->room : OUTPUT_WRITER_BYTES;
    g->outputs = mem_array((size_t)job->n_outputs, sizeof *g->outputs);
    if (layout)
        return read_layout(g, layout, e);
    g->layout = json_object();
    g->proposes = true;
    return remove_arrays(g, e);
}

void output_writer_close(struct output_writer *g)
{
    for (int i = 0; g->outputs && i < g->job->n_outputs; i++) {
        output_buffer_clear(&g->outputs[i].buffer);
        output_array_clear(&g->outputs[i].array);
    }
    free(g->outputs);
    json_decref(g->layout);
    *g = (struct output_writer){0};
}

/* ---- buffers ---- */

static int flush(struct output_writer *g, struct writer_output *o, int64_t end, struct error *e)
{
    if (!o->buffer.is_dirty)
        return 0;
    o->buffer.is_dirty = false;
    int r = output_buffer_write(&o->buffer, end, g->store, e);
    return broken(g, r);
}

/* To the buffer that holds this row and label. Buffers begin at multiples of their rows and labels,
 * or where the range begins; those of a row that goes by itself hold one label each. */
static int move_to(struct output_writer *g, int output, int64_t row, int64_t label, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int64_t end = (row / o->rows + 1) * o->rows, n = clock_length(o);
    int64_t first = label / o->labels * o->labels, labels = o->labels;
    end = end < g->end ? end : g->end;
    labels = first + labels > n ? n - first : labels;
    int r = o->single == row ? output_buffer_move(&o->buffer, row, 1, label, 1)
                             : output_buffer_move(&o->buffer, row, end - row, first, labels);
    return r < 0 ? no_room(g, output, e) : 0;
}

/* Writes what there is of a member before its next labels find room. */
static int flush_part(struct output_writer *g, struct writer_output *o, int64_t row,
                      struct error *e)
{
    if (o->part != row)
        memset(o->part_own, 0, sizeof o->part_own);
    o->part = row;
    for (int i = 0; i < SIMLAB_MAX_DIMS; i++)
        if (o->buffer.own[i] > o->part_own[i])
            o->part_own[i] = o->buffer.own[i];
    return flush(g, o, row + 1, e);
}

static int make_room(struct output_writer *g, int output, int64_t row, int64_t at, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = 0;
    if (output_buffer_holds(&o->buffer, row, o->buffer.label))
        r = flush_part(g, o, row, e);
    return r ? r : move_to(g, output, row, at, e);
}

/* A value that has grown so that a whole window of such would be too much. To be decided by the
 * value alone: the range must not matter. */
static bool goes_single(const struct output_writer *g, const struct writer_output *o,
                        const struct simlab_view *view)
{
    int64_t own[SIMLAB_MAX_DIMS];
    int n_own = o->array.meta.ndim - o->array.lead;
    bool grows = false;
    for (int i = 0; i < n_own; i++) {
        int64_t first = o->array.meta.shape[o->array.lead + i];
        own[i] = view->shape[o->array.axes[i]];
        grows = grows || own[i] > first;
        own[i] = own[i] > first ? own[i] : first;
    }
    size_t bytes;
    return grows && o->rows * o->labels > 1 &&
           (!output_buffer_value_bytes(&o->buffer, own, &bytes) ||
            bytes > g->room / ((size_t)o->rows * (size_t)o->labels));
}

/* An index variable belongs to all members: the first one's is stored; a longer one of another
 * member makes room, so that dims agree. */
static int put_index(struct output_writer *g, int output, int64_t member,
                     const struct simlab_view *view, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    if (member == 0 || g->proposes) {
        int r = output_buffer_move(&o->buffer, 0, 1, 0, 1);
        if (r == 0)
            r = output_buffer_put(&o->buffer, 0, 0, view);
        return r < 0 ? no_room(g, output, e) : flush(g, o, 1, e);
    }
    for (int i = 0; i < view->ndim; i++) {
        if (view->shape[o->array.axes[i]] <= o->array.meta.shape[i])
            continue;
        int64_t shape[SIMLAB_MAX_DIMS];
        for (int k = 0; k < view->ndim; k++)
            shape[k] = view->shape[o->array.axes[k]];
        int r = store_grow(g->store, o->buffer.name, shape, e);
        return broken(g, r);
    }
    return 0;
}

/* ---- what range_runner_run calls ---- */

void output_writer_begin(struct output_writer *g, int64_t begin, int64_t end)
{
    g->end = end;
    for (int i = 0; i < g->job->n_outputs; i++) {
        g->outputs[i].written = begin;
        g->outputs[i].part = g->outputs[i].single = -1;
        output_buffer_clear(&g->outputs[i].buffer);
    }
}

void output_writer_end(struct output_writer *g, int64_t end)
{
    g->end = end;
}

int output_writer_put(struct output_writer *g, int64_t member, int output, int64_t at,
                      const struct simlab_view *view, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = o->is_known ? 0 : propose_array(g, output, view, e);
    if (r)
        return r;
    if (g->job->outputs[output].is_index)
        return put_index(g, output, member, view, e);
    int64_t row = o->array.has_batch ? member : 0;
    if (o->single != row && goes_single(g, o, view)) {
        if (output_buffer_holds(&o->buffer, row, o->buffer.label))
            r = flush_part(g, o, row, e);
        o->single = row;
        o->buffer.n_rows = 0;
    }
    if (r == 0 && !output_buffer_holds(&o->buffer, row, at))
        r = make_room(g, output, row, at, e);
    if (r)
        return r;
    return output_buffer_put(&o->buffer, row, at, view) < 0 ? no_room(g, output, e) : 0;
}

/* Fill values over the labels below `end` that flush_part wrote. */
static int forget_part(struct output_writer *g, int output, int64_t row, int64_t end,
                       struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = 0;
    for (int64_t label = 0; label < end && r == 0; label += o->buffer.n_labels) {
        r = move_to(g, output, row, label, e);
        if (r == 0 && output_buffer_reserve(&o->buffer, o->part_own) < 0)
            r = no_room(g, output, e);
        o->buffer.is_dirty = true;
        if (r == 0)
            r = flush(g, o, row + 1, e);
    }
    return r;
}

int output_writer_forget(struct output_writer *g, int64_t member, struct error *e)
{
    if (g->proposes)
        return remove_arrays(g, e);
    for (int i = 0; i < g->job->n_outputs; i++) {
        struct writer_output *o = &g->outputs[i];
        int64_t row = o->array.has_batch ? member : 0;
        if (!o->is_known || g->job->outputs[i].is_index)
            continue;
        output_buffer_forget(&o->buffer, row);
        int r = o->part == row ? forget_part(g, i, row, o->buffer.label, e) : 0;
        if (r)
            return broken(g, r);
    }
    return 0;
}

int output_writer_write(struct output_writer *g, int64_t member, int64_t *ret_written,
                        struct error *e)
{
    int64_t written = member + 1;
    for (int i = 0; i < g->job->n_outputs; i++) {
        struct writer_output *o = &g->outputs[i];
        if (!o->is_known || g->job->outputs[i].is_index)
            continue;
        int64_t row = o->array.has_batch ? member : 0;
        bool is_full = member + 1 == g->end || row + 1 == o->buffer.row + o->buffer.n_rows;
        if (is_full) {
            int r = flush(g, o, row + 1, e);
            if (r)
                return r;
            o->written = member + 1;
        }
        if (o->written < written)
            written = o->written;
    }
    *ret_written = written;
    return 0;
}

int output_writer_is_regular(const struct output_writer *g, int output, bool *ret, struct error *e)
{
    const struct writer_output *o = &g->outputs[output];
    struct store_meta now;
    *ret = false;
    /* Labels after a stop were not written. */
    if (!o->is_known || g->job->n_stop_when > 0 || g->job->n_hooks > 0)
        return 0;
    int r = store_array(g->store, o->buffer.name, &now, NULL, NULL, e);
    if (r)
        return worker_result_of_store(r);
    *ret = !memcmp(now.shape, o->array.meta.shape, (size_t)now.ndim * sizeof *now.shape);
    store_meta_clear(&now);
    return 0;
}

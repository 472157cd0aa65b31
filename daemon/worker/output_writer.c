/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/output_writer.h"

#include "base/json.h"
#include "base/mem.h"
#include "worker/writer_output.h"

#include <stdlib.h>
#include <string.h>

/* ---- arrays ---- */

int writer_output_ready(struct output_writer *g, int output, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = output_array_create(g->job, output, &o->array, g->store, e);
    if (r)
        return writer_output_broken(g, r);
    o->is_known = true;
    o->part = o->single = -1;
    o->buffer.array = &o->array;
    o->buffer.name = g->job->outputs[output].name;
    writer_output_plan(o, g->room);
    return 0;
}

/* The first member to save an output shows its sizes. */
static int propose_array(struct output_writer *g, int64_t member, int output,
                         const struct simlab_view *view, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = output_array_init(g->job, output, member, view, &o->array, e);
    if (r == 0)
        json_object_set_new(g->layout, g->job->outputs[output].name,
                            output_array_to_json(&o->array));
    return r ? r : writer_output_ready(g, output, e);
}

/* A value for which there is no array yet: its first one in this member tells the sizes. */
static int note_late(struct output_writer *g, int64_t member, int output,
                     const struct simlab_view *view, struct error *e)
{
    const char *name = g->job->outputs[output].name;
    struct output_array a;
    if (json_object_get(g->late, name))
        return 0;
    int r = output_array_init(g->job, output, member, view, &a, e);
    if (r)
        return r;
    json_object_set_new(g->late, name, output_array_to_json(&a));
    output_array_clear(&a);
    return 0;
}

static int ready_all(struct output_writer *g, struct error *e)
{
    int r = 0;
    for (int i = 0; i < g->job->n_outputs && r == 0; i++) {
        const json_t *recorded = json_object_get(g->layout, g->job->outputs[i].name);
        if (!recorded)
            continue; /* nobody has saved it yet */
        r = output_array_from_json(g->job, i, recorded, &g->outputs[i].array, e);
        if (r == 0)
            r = writer_output_ready(g, i, e);
    }
    return r;
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
        r = writer_output_broken(g, store_remove_array(g->store, g->job->outputs[i].name, e));
    }
    return r;
}

static void begin(struct output_writer *g, const struct job *job, struct store *s)
{
    g->job = job;
    g->store = s;
    g->room = g->room ? g->room : OUTPUT_WRITER_BYTES;
    g->outputs = mem_array((size_t)job->n_outputs, sizeof *g->outputs);
    g->late = json_object();
}

int output_writer_open(struct output_writer *g, const struct job *job, struct store *s,
                       const char *layout, struct error *e)
{
    begin(g, job, s);
    if (layout) {
        int r = layout_read(layout, &g->layout, e);
        return r ? r : ready_all(g, e);
    }
    g->layout = json_object();
    g->proposes = true;
    return remove_arrays(g, e);
}

int output_writer_join(struct output_writer *g, const struct job *job, struct store *s,
                       const json_t *layout, struct error *e)
{
    begin(g, job, s);
    g->layout = json_deep_copy(layout);
    g->proposes = true;
    return ready_all(g, e);
}

void output_writer_close(struct output_writer *g)
{
    for (int i = 0; g->outputs && i < g->job->n_outputs; i++) {
        output_buffer_clear(&g->outputs[i].buffer);
        output_array_clear(&g->outputs[i].array);
    }
    free(g->outputs);
    json_decref(g->layout);
    json_decref(g->late);
    *g = (struct output_writer){0};
}

/* ---- what range_runner_run calls ---- */

void output_writer_begin(struct output_writer *g, int64_t begin, int64_t end)
{
    g->end = end;
    g->done = begin;
    json_object_clear(g->late);
    store_discard_staged(g->store);
    for (int i = 0; i < g->job->n_outputs; i++) {
        struct writer_output *o = &g->outputs[i];
        o->written = begin;
        o->part = o->single = -1;
        o->is_put = o->is_larger = false;
        output_buffer_clear(&o->buffer);
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
    if (!o->is_known && !g->proposes)
        return note_late(g, member, output, view, e);
    int r = o->is_known ? 0 : propose_array(g, member, output, view, e);
    if (r)
        return r;
    return writer_output_put(g, output, member, at, view, e);
}

int output_writer_keep(struct output_writer *g, int64_t member, struct error *e)
{
    int r = 0;
    for (int i = 0; i < g->job->n_outputs && r == 0; i++)
        if (g->outputs[i].is_known)
            r = writer_output_keep(g, i, member, e);
    return r;
}

int output_writer_forget(struct output_writer *g, int64_t member, struct error *e)
{
    json_object_clear(g->late);
    if (g->proposes)
        return remove_arrays(g, e);
    store_discard_staged(g->store);
    int r = 0;
    for (int i = 0; i < g->job->n_outputs && r == 0; i++)
        if (g->outputs[i].is_known)
            r = writer_output_forget(g, i, member, e);
    return r;
}

int output_writer_write(struct output_writer *g, int64_t member, int64_t *ret_written,
                        struct error *e)
{
    int64_t written = member + 1;
    int r = 0;
    for (int i = 0; i < g->job->n_outputs && r == 0; i++) {
        const struct writer_output *o = &g->outputs[i];
        if (!o->is_known || g->job->outputs[i].is_index)
            continue;
        r = writer_output_write(g, i, member, e);
        if (o->written < written)
            written = o->written;
    }
    if (r == 0)
        *ret_written = written;
    return r;
}

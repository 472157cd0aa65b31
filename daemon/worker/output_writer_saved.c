/* SPDX-License-Identifier: Apache-2.0 */
/* What a member has saved so far, for a run that goes on in another process: a JSON text with its
 * NUL, and then the values that the outputs' buffers hold of it, in the outputs' order.
 *
 *   {"layout": {…} or null, "late": {…}, "staged": "…",
 *    "outputs": {name: {"label": n, "labels": n, "own": […], "bytes": n (0: nothing is held),
 *                       "part": […] or null, "single": b, "put": b, "larger": […] or null}}} */
#include "worker/output_writer.h"

#include "base/json.h"
#include "base/mem.h"
#include "worker/writer_output.h"

#include <stdlib.h>
#include <string.h>

static int64_t row_of(const struct output_writer *g, int output, int64_t member)
{
    if (g->job->outputs[output].is_index)
        return 0;
    return g->outputs[output].array.has_batch ? member : 0;
}

/* ---- saving ---- */

static json_t *extents(const int64_t *from, bool is_given)
{
    json_t *list = is_given ? json_array() : json_null();
    for (int i = 0; is_given && i < SIMLAB_MAX_DIMS; i++)
        json_array_append_new(list, json_integer(from[i]));
    return list;
}

/* What the buffer holds of the member; NULL: nothing. */
static const void *held(const struct output_writer *g, int output, int64_t member,
                        size_t *ret_bytes)
{
    const struct writer_output *o = &g->outputs[output];
    bool is_index = g->job->outputs[output].is_index;
    const void *data = output_buffer_row(&o->buffer, row_of(g, output, member), ret_bytes);
    return (is_index ? o->is_put : o->buffer.is_dirty) ? data : NULL;
}

static json_t *describe(const struct output_writer *g, int output, int64_t member)
{
    const struct writer_output *o = &g->outputs[output];
    int64_t row = row_of(g, output, member);
    size_t bytes = 0;
    bool is_held = held(g, output, member, &bytes) != NULL;
    return json_pack("{s:I, s:I, s:o, s:I, s:o, s:b, s:b, s:o}", "label",
                     (json_int_t)o->buffer.label, "labels", (json_int_t)o->buffer.n_labels, "own",
                     extents(o->buffer.own, true), "bytes", (json_int_t)(is_held ? bytes : 0),
                     "part", extents(o->part_own, o->part == row), "single", o->single == row,
                     "put", o->is_put, "larger", extents(o->shape, o->is_larger));
}

void output_writer_save(const struct output_writer *g, int64_t member, struct buffer *ret)
{
    struct buffer staged = {0};
    store_staged_text(g->store, &staged);
    json_t *outputs = json_object();
    json_t *all =
        json_pack("{s:O?, s:O, s:s, s:o}", "layout", g->proposes ? g->layout : NULL, "late",
                  g->late, "staged", staged.data ? staged.data : "", "outputs", outputs);
    for (int i = 0; i < g->job->n_outputs; i++)
        if (g->outputs[i].is_known)
            json_object_set_new(outputs, g->job->outputs[i].name, describe(g, i, member));
    char *text = json_write(all);
    buffer_append(ret, text, strlen(text) + 1);
    for (int i = 0; i < g->job->n_outputs; i++) {
        size_t bytes = 0;
        const void *data = g->outputs[i].is_known ? held(g, i, member, &bytes) : NULL;
        if (data)
            buffer_append(ret, data, bytes);
    }
    free(text);
    json_decref(all);
    buffer_free(&staged);
}

/* ---- reading ---- */

static json_t *read_text(const char *saved, size_t n, struct error *e)
{
    size_t length = strnlen(saved, n);
    json_t *all = length < n ? json_read(saved, length, NULL) : NULL;
    if (!all)
        error_set(e, WORKER_REFUSED, NULL, "what it has saved cannot be read");
    return all;
}

json_t *output_writer_saved_layout(const char *saved, size_t n)
{
    json_t *all = read_text(saved, n, NULL);
    json_t *layout = json_incref(json_object_get(all, "layout"));
    json_decref(all);
    if (json_is_object(layout))
        return layout;
    json_decref(layout);
    return NULL;
}

static int refuse(struct error *e)
{
    return error_set(e, WORKER_REFUSED, NULL, "what it has saved is not of this job's outputs");
}

static bool read_extents(const json_t *list, int64_t *ret)
{
    for (size_t i = 0; i < SIMLAB_MAX_DIMS; i++) {
        const json_t *n = json_array_get(list, i);
        if (!json_is_integer(n) || json_integer_value(n) < 0)
            return false;
        ret[i] = json_integer_value(n);
    }
    return true;
}

/* ---- does it fit? ---- */

/* Arrays that it had shown may have been decided since: then they are the same ones. */
static bool is_decided(const struct output_writer *g, const json_t *layout)
{
    const char *name;
    const json_t *array;
    json_object_foreach((json_t *)(uintptr_t)layout, name, array)
    {
        if (!json_equal(json_object_get(g->layout, name), array))
            return false;
    }
    return true;
}

/* What it saved and nobody stored is to be saved again, from the start. */
static bool is_late_still(const struct output_writer *g, const json_t *late)
{
    const char *name;
    const json_t *array;
    json_object_foreach((json_t *)(uintptr_t)late, name, array)
    {
        if (json_object_get(g->layout, name))
            return false;
    }
    return true;
}

static int check(const struct output_writer *g, const json_t *all, struct error *e)
{
    const json_t *layout = json_object_get(all, "layout"), *late = json_object_get(all, "late");
    if (!json_is_object(late) || !json_is_string(json_object_get(all, "staged")))
        return refuse(e);
    if (!json_is_object(layout) && g->proposes)
        return error_set(e, WORKER_REFUSED, NULL,
                         "it was saved when the outputs' arrays were decided, and they are not");
    if (json_is_object(layout) && !is_decided(g, layout))
        return error_set(e, WORKER_REFUSED, NULL,
                         "the outputs' arrays were decided otherwise since");
    if (!is_late_still(g, late))
        return error_set(e, WORKER_REFUSED, NULL,
                         "outputs that it has saved have got their arrays since");
    return 0;
}

/* ---- putting back ---- */

struct held_row {
    int64_t label, n_labels, own[SIMLAB_MAX_DIMS];
    size_t bytes;
};

static bool read_row(const json_t *given, struct held_row *ret)
{
    json_int_t label, labels, bytes;
    if (json_unpack((json_t *)(uintptr_t)given, "{s:I, s:I, s:I}", "label", &label, "labels",
                    &labels, "bytes", &bytes) < 0 ||
        label < 0 || labels < 0 || bytes < 0)
        return false;
    *ret = (struct held_row){.label = label, .n_labels = labels, .bytes = (size_t)bytes};
    return read_extents(json_object_get(given, "own"), ret->own);
}

/* The buffer takes the place that it had. */
static int place(struct output_writer *g, int output, int64_t member, const struct held_row *row,
                 struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    if (!g->job->outputs[output].is_index)
        return writer_output_place(g, output, row_of(g, output, member), row->label, e);
    return output_buffer_move(&o->buffer, 0, 1, 0, 1) < 0
               ? error_set(e, WORKER_REFUSED, NULL, "there is no memory to hold it")
               : 0;
}

static int restore_row(struct output_writer *g, int output, int64_t member,
                       const struct held_row *row, const char **data, size_t *n, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    size_t value, bytes;
    int n_own = o->array.meta.ndim - o->array.lead;
    if (row->bytes == 0)
        return 0;
    for (int i = 0; i < n_own; i++)
        if (row->own[i] < o->array.meta.shape[o->array.lead + i])
            return refuse(e);
    if (!output_buffer_value_bytes(&o->buffer, row->own, &value) ||
        !mem_mul(value, (size_t)row->n_labels, &bytes) || bytes != row->bytes || bytes > *n)
        return refuse(e);
    int r = place(g, output, member, row, e);
    if (r)
        return r;
    if (o->buffer.label != row->label || o->buffer.n_labels != row->n_labels)
        return refuse(e);
    if (output_buffer_restore(&o->buffer, row_of(g, output, member), row->own, *data) < 0)
        return error_set(e, WORKER_REFUSED, NULL, "there is no memory to hold it");
    *data += bytes;
    *n -= bytes;
    return 0;
}

static int restore_output(struct output_writer *g, int output, int64_t member, const json_t *given,
                          const char **data, size_t *n, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    struct held_row row;
    int64_t at = row_of(g, output, member);
    if (!o->is_known || !read_row(given, &row))
        return refuse(e);
    if (json_is_true(json_object_get(given, "single")))
        o->single = at;
    if (read_extents(json_object_get(given, "part"), o->part_own))
        o->part = at;
    o->is_put = json_is_true(json_object_get(given, "put"));
    o->is_larger = read_extents(json_object_get(given, "larger"), o->shape);
    return restore_row(g, output, member, &row, data, n, e);
}

int output_writer_restore(struct output_writer *g, int64_t member, const char *saved, size_t n,
                          struct error *e)
{
    json_t *all = read_text(saved, n, e);
    if (!all)
        return WORKER_REFUSED;
    const json_t *outputs = json_object_get(all, "outputs");
    const char *data = saved + strlen(saved) + 1;
    size_t left = n - (size_t)(data - saved);
    int r = check(g, all, e);
    for (int i = 0; i < g->job->n_outputs && r == 0; i++) {
        const json_t *given = json_object_get(outputs, g->job->outputs[i].name);
        if (given)
            r = restore_output(g, i, member, given, &data, &left, e);
    }
    if (r == 0)
        r = store_take_staged(g->store, json_member_string(all, "staged"), e);
    if (r > 0)
        r = WORKER_REFUSED;
    else if (r == 0)
        json_object_update(g->late, json_object_get(all, "late"));
    json_decref(all);
    return r < 0 ? writer_output_broken(g, r) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/writer_output.h"

#include "base/dtype.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The store's own failure: never blamed on a member. */
int writer_output_broken(struct output_writer *g, int r)
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

static int64_t clock_length(const struct writer_output *o)
{
    return o->array.has_clock ? o->array.meta.shape[o->array.lead - 1] : 1;
}

/* A buffer is a chunk row with all labels; where one member fills chunks alone, a chunk's labels;
 * less where either is too much. */
static void plan(struct writer_output *o, size_t value_bytes, size_t room)
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

void writer_output_plan(struct writer_output *o, size_t room)
{
    size_t bytes;
    plan(o, output_buffer_value_bytes(&o->buffer, NULL, &bytes) ? bytes : SIZE_MAX, room);
}

/* ---- into the store ---- */

/* Nobody else's rows that may be done are in the chunks of these rows. Behind the last member of an
 * open batch there may be others by now. */
static bool is_alone(const struct output_writer *g, const struct writer_output *o, int64_t begin,
                     int64_t end)
{
    int64_t chunk = o->array.meta.chunks[0], n = g->job->is_open ? INT64_MAX : g->job->n_members;
    int64_t first = begin / chunk * chunk, last = ((end - 1) / chunk + 1) * chunk;
    return first >= g->done && (last < n ? last : n) <= g->end;
}

/* Rows of the buffer into the store; the array grows for them. */
static int write_rows(struct output_writer *g, struct writer_output *o, int64_t begin, int64_t end,
                      struct error *e)
{
    struct output_box box;
    if (!output_buffer_box(&o->buffer, begin, end, &box))
        return 0;
    const char *name = o->buffer.name;
    int r = box.is_larger ? store_grow(g->store, name, box.shape, e) : 0;
    if (r == 0 && o->array.has_batch)
        r = store_write_rows(g->store, name, box.start, box.count, box.data,
                             is_alone(g, o, begin, end), e);
    else if (r == 0)
        r = store_write(g->store, name, box.start, box.count, box.data, e);
    return writer_output_broken(g, r);
}

/* The row's labels below `end`: those that come later are staged as they come, so that labels
 * ascend. */
static int stage_row(struct output_writer *g, struct writer_output *o, int64_t row, int64_t end,
                     struct error *e)
{
    struct output_box box;
    int64_t labels = end - o->buffer.label;
    if (!output_buffer_box(&o->buffer, row, row + 1, &box) || labels <= 0)
        return 0;
    if (o->array.has_clock && labels < o->buffer.n_labels)
        box.count[o->array.lead - 1] = labels;
    return writer_output_broken(g, store_stage(g->store, o->buffer.name, box.start, box.count,
                                               box.data, o->array.has_batch, e));
}

static int flush(struct output_writer *g, struct writer_output *o, int64_t end, struct error *e)
{
    if (!o->buffer.is_dirty)
        return 0;
    o->buffer.is_dirty = o->buffer.is_kept_dirty = false;
    return write_rows(g, o, o->buffer.row, end, e);
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

static void note_part(struct writer_output *o, int64_t row)
{
    if (o->part != row)
        memset(o->part_own, 0, sizeof o->part_own);
    o->part = row;
    for (int i = 0; i < SIMLAB_MAX_DIMS; i++)
        if (o->buffer.own[i] > o->part_own[i])
            o->part_own[i] = o->buffer.own[i];
}

/* What there is of a member leaves the buffer before its labels from `at` find room, and the rows
 * before it are written. */
static int part_with(struct output_writer *g, int output, int64_t row, int64_t at, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    note_part(o, row);
    if (g->proposes)
        return flush(g, o, row + 1, e);
    int r = o->buffer.is_dirty ? stage_row(g, o, row, at, e) : 0;
    if (r == 0 && output_buffer_forget(&o->buffer, row) < 0)
        r = no_room(g, output, e);
    return r == 0 && row > o->buffer.row ? flush(g, o, row, e) : r;
}

int writer_output_place(struct output_writer *g, int output, int64_t row, int64_t label,
                        struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    bool is_there = output_buffer_holds(&o->buffer, row, o->buffer.label);
    if (is_there && o->single != row && o->buffer.label == label)
        return 0;
    int r = is_there && row > o->buffer.row ? flush(g, o, row, e) : 0;
    return r ? r : move_to(g, output, row, label, e);
}

static int make_room(struct output_writer *g, int output, int64_t row, int64_t at, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = 0;
    if (output_buffer_holds(&o->buffer, row, o->buffer.label))
        r = part_with(g, output, row, at, e);
    return r ? r : move_to(g, output, row, at, e);
}

/* A value that has grown so that a whole buffer of such would be too much. To be decided by the
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

/* ---- an index variable belongs to all members ---- */

/* The value of the member that decided the array is stored; a longer one of another member makes
 * room, so that dims agree. */
static int put_index(struct output_writer *g, int output, int64_t member,
                     const struct simlab_view *view, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    if (g->proposes || member == o->array.member) {
        int r = output_buffer_move(&o->buffer, 0, 1, 0, 1);
        if (r == 0)
            r = output_buffer_put(&o->buffer, 0, 0, view);
        o->is_put = r == 0;
        return r < 0 ? no_room(g, output, e) : 0;
    }
    for (int i = 0; i < view->ndim; i++) {
        o->shape[i] = view->shape[o->array.axes[i]];
        o->is_larger = o->is_larger || o->shape[i] > o->array.meta.shape[i];
    }
    return 0;
}

/* It stands already where the member is run again after it was told. Others read it: then it is not
 * touched. */
static bool stands(struct output_writer *g, struct writer_output *o)
{
    struct output_box box;
    size_t bytes;
    if (g->proposes || !output_buffer_box(&o->buffer, 0, 1, &box) || box.is_larger ||
        !output_buffer_value_bytes(&o->buffer, o->buffer.own, &bytes))
        return false;
    void *standing = mem_try_array(bytes, 1);
    bool same = standing &&
                store_read(g->store, o->buffer.name, box.start, box.count, standing, NULL) == 0 &&
                !memcmp(standing, box.data, bytes);
    free(standing);
    return same;
}

static int keep_index(struct output_writer *g, struct writer_output *o, struct error *e)
{
    int r = 0;
    if (o->is_put && !stands(g, o))
        r = write_rows(g, o, 0, 1, e);
    else if (o->is_larger)
        r = writer_output_broken(g, store_grow(g->store, o->buffer.name, o->shape, e));
    o->is_put = o->is_larger = false;
    return r;
}

/* ---- what a member saves ---- */

static void describe_kind(int dtype, size_t itemsize, int ndim, char ret[64])
{
    int n = dtype == SIMLAB_STR ? snprintf(ret, 64, "texts of %zu bytes", itemsize)
                                : snprintf(ret, 64, "%s", dtype_name(dtype));
    snprintf(ret + n, 64 - (size_t)n, " in %d dimension%s", ndim, ndim == 1 ? "" : "s");
}

/* Dtype and number of dims may be settled by the run: an array has those of one member. */
static int check_kind(const struct output_writer *g, int output, int64_t member,
                      const struct simlab_view *view, struct error *e)
{
    const struct output_array *a = &g->outputs[output].array;
    int ndim = a->meta.ndim - a->lead;
    char here[64], there[64];
    if (view->dtype == a->dtype && (size_t)view->itemsize == a->itemsize && view->ndim == ndim)
        return 0;
    describe_kind(view->dtype, (size_t)view->itemsize, view->ndim, here);
    describe_kind(a->dtype, a->itemsize, ndim, there);
    if (member == a->member)
        return error_set(e, WORKER_REFUSED, NULL, "output %s is %s here, but was %s at first",
                         g->job->outputs[output].name, here, there);
    return error_set(e, WORKER_REFUSED, NULL,
                     "output %s is %s here, but %s in member %lld, which decided its array",
                     g->job->outputs[output].name, here, there, (long long)a->member);
}

int writer_output_put(struct output_writer *g, int output, int64_t member, int64_t at,
                      const struct simlab_view *view, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int r = check_kind(g, output, member, view, e);
    if (r)
        return r;
    if (g->job->outputs[output].is_index)
        return put_index(g, output, member, view, e);
    int64_t row = o->array.has_batch ? member : 0;
    if (o->single != row && goes_single(g, o, view)) {
        if (output_buffer_holds(&o->buffer, row, o->buffer.label))
            r = part_with(g, output, row, at, e);
        o->single = row;
        o->buffer.n_rows = 0;
    }
    if (r == 0 && !output_buffer_holds(&o->buffer, row, at))
        r = make_room(g, output, row, at, e);
    if (r)
        return r;
    return output_buffer_put(&o->buffer, row, at, view) < 0 ? no_room(g, output, e) : 0;
}

/* The array grows to what the member's parts need, and they take their places. */
static int keep_parts(struct output_writer *g, struct writer_output *o, int64_t row,
                      struct error *e)
{
    const struct output_array *a = &o->array;
    int64_t shape[SIMLAB_MAX_DIMS];
    bool grows = false;
    for (int i = 0; i < a->meta.ndim; i++) {
        shape[i] = i < a->lead ? a->meta.shape[i] : o->part_own[i - a->lead];
        grows = grows || shape[i] > a->meta.shape[i];
    }
    int r = grows ? store_grow(g->store, o->buffer.name, shape, e) : 0;
    bool alone = !a->has_batch || is_alone(g, o, row, row + 1);
    return writer_output_broken(g,
                                r ? r : store_publish_staged(g->store, o->buffer.name, alone, e));
}

int writer_output_keep(struct output_writer *g, int output, int64_t member, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int64_t row = o->array.has_batch ? member : 0;
    int r = 0;
    if (g->job->outputs[output].is_index)
        r = keep_index(g, o, e);
    else if (o->part == row && !g->proposes)
        r = keep_parts(g, o, row, e);
    output_buffer_keep(&o->buffer);
    return r;
}

int writer_output_forget(struct output_writer *g, int output, int64_t member, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    o->is_put = o->is_larger = false;
    o->part = o->single = -1;
    if (g->job->outputs[output].is_index ||
        output_buffer_forget(&o->buffer, o->array.has_batch ? member : 0) == 0)
        return 0;
    return writer_output_broken(g, error_errno(e, -ENOMEM, "hold the outputs of other members"));
}

int writer_output_write(struct output_writer *g, int output, int64_t member, struct error *e)
{
    struct writer_output *o = &g->outputs[output];
    int64_t row = o->array.has_batch ? member : 0;
    if (member + 1 != g->end && row + 1 != o->buffer.row + o->buffer.n_rows)
        return 0;
    o->written = member + 1;
    return flush(g, o, row + 1, e);
}

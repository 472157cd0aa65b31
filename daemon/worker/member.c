/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/member.h"

#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "worker/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPORT_MS = 250 };

struct output {
    bool is_known; /* array is set, and stands in the store */
    struct output_array array;
    struct window window;
    int64_t written; /* members below it are on disk */
};

struct members {
    const struct job *job;
    const struct libraries *libraries;
    const struct simlab_hook **hooks;
    struct simulation *simulation;
    struct store *store;
    struct members_events events;
    struct output *outputs;
    json_t *layout;
    bool is_first;       /* no layout was given: this range proposes it */
    int64_t begin, end;  /* the range */
    int64_t reported;    /* done was said for members below it */
    int64_t reported_at; /* when: loop_now() */
    int64_t *failed;     /* members that failed in this range, ascending */
    size_t n_failed;
    size_t n_passed;     /* of them, said by leaving them out of a done range */
    struct error *e;     /* of the current member */
    bool storage_failed; /* e is not the member's fault */
};

/* How many members a window of this output holds, and labels: a member's labels are all gathered,
 * unless one member fills chunks alone. */
static int64_t window_rows(const struct output *o)
{
    return o->array.has_batch ? o->array.meta.chunks[0] : 1;
}

static int64_t window_labels(const struct output *o)
{
    if (!o->array.has_clock)
        return 1;
    int axis = o->array.lead - 1;
    int64_t n = o->array.meta.shape[axis], chunk = o->array.meta.chunks[axis];
    return window_rows(o) > 1 || chunk > n ? n : chunk;
}

static int64_t clock_length(const struct output *o)
{
    return o->array.has_clock ? o->array.meta.shape[o->array.lead - 1] : 1;
}

static int storage_error(struct members *m, int r, const char *doing)
{
    m->storage_failed = true;
    if (r < 0)
        error_explain(m->e, r, doing);
    return r < 0 ? ERROR_STORAGE : r;
}

static int flush(struct members *m, struct output *o, int64_t end)
{
    if (!o->window.is_dirty)
        return 0;
    o->window.is_dirty = false;
    int r = window_write(&o->window, end, m->store, m->e);
    return r ? storage_error(m, r, "write an output") : 0;
}

/* Windows begin at multiples of their rows and labels, or where the range begins. */
static int move_to(struct members *m, struct output *o, int64_t row, int64_t label)
{
    int64_t rows = window_rows(o), labels = window_labels(o), n = clock_length(o);
    int64_t end = (row / rows + 1) * rows, first = label / labels * labels;
    if (end > m->end)
        end = m->end;
    int r = window_move(&o->window, row, end - row, first, first + labels > n ? n - first : labels);
    return r < 0 ? storage_error(m, r, "buffer an output") : 0;
}

static bool window_holds(const struct output *o, int64_t row, int64_t label)
{
    const struct window *w = &o->window;
    return w->data && row >= w->row && row < w->row + w->n_rows && label >= w->label &&
           label < w->label + w->n_labels;
}

static int ready_array(struct members *m, int output)
{
    struct output *o = &m->outputs[output];
    int r = output_array_create(m->job, output, &o->array, m->store, m->e);
    if (r)
        return storage_error(m, r, "create an array");
    o->is_known = true;
    o->window.array = &o->array;
    o->window.name = m->job->outputs[output].name;
    return 0;
}

/* The first member shows an output's sizes. */
static int propose_array(struct members *m, int output, const struct simlab_view *view)
{
    struct output *o = &m->outputs[output];
    int r = output_array_init(m->job, output, view, &o->array, m->e);
    if (r == 0)
        json_object_set_new(m->layout, m->job->outputs[output].name,
                            output_array_to_json(&o->array));
    return r ? r : ready_array(m, output);
}

/* An index variable belongs to all members: the first one's is stored; a longer one of another
 * member makes room, so that dims agree. */
static int save_index(struct members *m, int output, int64_t member, const struct simlab_view *view)
{
    struct output *o = &m->outputs[output];
    if (member == 0 || m->is_first) {
        int r = move_to(m, o, 0, 0);
        if (r == 0 && (r = window_put(&o->window, 0, 0, view)) < 0)
            r = storage_error(m, r, "buffer an output");
        return r ? r : flush(m, o, 1);
    }
    for (int i = 0; i < view->ndim; i++) {
        if (view->shape[i] <= o->array.meta.shape[i])
            continue;
        int r = store_grow(m->store, o->window.name, view->shape, m->e);
        return r ? storage_error(m, r, "grow an array") : 0;
    }
    return 0;
}

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct members *m = userdata;
    struct output *o = &m->outputs[output];
    int r = o->is_known ? 0 : propose_array(m, output, view);
    if (r)
        return r;
    if (m->job->outputs[output].is_index)
        return save_index(m, output, member, view);
    int64_t row = o->array.has_batch ? member : 0;
    if (!window_holds(o, row, at)) {
        r = flush(m, o, o->window.row + o->window.n_rows);
        if (r == 0)
            r = move_to(m, o, row, at);
        if (r)
            return r;
    }
    r = window_put(&o->window, row, at, view);
    return r < 0 ? storage_error(m, r, "buffer an output") : 0;
}

static void on_log(void *userdata, int64_t member, const char *line)
{
    struct members *m = userdata;
    if (m->events.log)
        m->events.log(m->events.userdata, member, line);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct members *m = userdata;
    return m->events.step ? m->events.step(m->events.userdata, member, step) : 0;
}

static json_t *library_provenance(const struct job *job)
{
    json_t *libraries = json_object();
    for (int i = 0; i < job->model->n_processes; i++) {
        for (const struct type *t = job->model->processes[i].type; t; t = t->parent) {
            const struct library *l = registry_library(job->model->registry, t->library);
            if (l)
                json_object_set_new(libraries, l->name,
                                    json_pack("{s:s, s:s}", "version", l->version ? l->version : "",
                                              "sha256", l->hash));
        }
    }
    return libraries;
}

static int read_layout(struct members *m, const char *text, struct error *e)
{
    m->layout = json_read(text, strlen(text), e);
    if (!json_is_object(m->layout))
        return error_set(e, ERROR_STORAGE, NULL, "the job's recorded layout is broken");
    m->e = e;
    for (int i = 0; i < m->job->n_outputs; i++) {
        const json_t *recorded = json_object_get(m->layout, m->job->outputs[i].name);
        if (!recorded)
            continue; /* an index variable that was never set */
        int r = output_array_from_json(m->job, i, recorded, &m->outputs[i].array, e);
        if (r == 0)
            r = ready_array(m, i);
        if (r)
            return r;
    }
    return 0;
}

static int write_setup(struct members *m, struct error *e)
{
    m->layout = json_object();
    m->is_first = true;
    json_t *libraries = library_provenance(m->job);
    int r = layout_write_setup(m->job, libraries, m->store, e);
    json_decref(libraries);
    return r;
}

static int new_simulation(struct members *m, struct error *e)
{
    const struct model *model = m->job->model;
    const struct stage_code **codes = mem_array((size_t)model->n_processes, sizeof *codes);
    for (int i = 0; i < model->n_processes; i++)
        codes[i] = libraries_code(m->libraries, model->processes[i].type);
    m->hooks = mem_array((size_t)m->job->n_hooks, sizeof *m->hooks);
    int r = 0;
    for (int i = 0; i < m->job->n_hooks && r == 0; i++) {
        m->hooks[i] = libraries_hook(m->libraries, m->job->hooks[i]);
        if (!m->hooks[i])
            r = error_set(e, ERROR_FAILED, NULL, "there is no hook %s here", m->job->hooks[i]);
    }
    if (r == 0)
        r = simulation_new(m->job, codes, m->hooks, &m->simulation, e);
    free(codes);
    return r;
}

int members_new(const struct job *job, const struct libraries *l, const char *store_path,
                const char *layout, const struct members_events *events,
                struct members **ret_members, struct error *e)
{
    struct members *m = mem_new(sizeof *m);
    m->job = job;
    m->libraries = l;
    m->events = *events;
    m->outputs = mem_array((size_t)job->n_outputs, sizeof *m->outputs);
    int r = new_simulation(m, e);
    if (r == 0)
        r = store_open(store_path, false, &m->store, e);
    if (r == 0)
        r = layout ? read_layout(m, layout, e) : write_setup(m, e);
    if (r) {
        members_free(m);
        return r;
    }
    *ret_members = m;
    return 0;
}

struct members *members_free(struct members *m)
{
    if (!m)
        return NULL;
    for (int i = 0; m->outputs && i < m->job->n_outputs; i++) {
        window_clear(&m->outputs[i].window);
        output_array_clear(&m->outputs[i].array);
    }
    free(m->outputs);
    free(m->failed);
    json_decref(m->layout);
    simulation_free(m->simulation);
    free(m->hooks);
    store_close(m->store);
    free(m);
    return NULL;
}

/* What a failed member saved is forgotten: dead members are fill values. */
static int forget_member(struct members *m, int64_t member)
{
    for (int i = 0; i < m->job->n_outputs; i++) {
        struct output *o = &m->outputs[i];
        int64_t row = o->array.has_batch ? member : 0;
        if (!o->is_known || m->job->outputs[i].is_index || !o->window.data)
            continue;
        window_forget(&o->window, row);
        if (o->window.row != row || o->window.label == 0)
            continue;
        int64_t n = o->window.label;
        for (int64_t label = 0; label < n; label += o->window.n_labels) {
            int r = move_to(m, o, row, label);
            o->window.is_dirty = true;
            if (r == 0)
                r = flush(m, o, row + 1);
            if (r)
                return r;
        }
    }
    return 0;
}

/* Members up to `end`, less those that failed, in as few ranges as there are. */
static int say_done(struct members *m, int64_t end)
{
    while (m->reported < end) {
        bool gap = m->n_passed < m->n_failed && m->failed[m->n_passed] < end;
        int64_t upto = gap ? m->failed[m->n_passed] : end;
        int r = upto > m->reported ? m->events.done(m->events.userdata, m->reported, upto) : 0;
        if (r)
            return r;
        m->reported = gap ? upto + 1 : upto;
        m->n_passed += gap;
    }
    return 0;
}

/* Members are done when their chunks are on the disk: syncfs tells. It costs the same for one
 * member and for thousands, so it waits a moment, or for the end of the range. */
static int report(struct members *m, int64_t end)
{
    if (!m->events.done || m->reported >= end)
        return 0;
    if (end < m->end && loop_now() - m->reported_at < REPORT_MS)
        return 0;
    int r = store_sync(m->store, m->e);
    m->reported_at = loop_now();
    return r ? storage_error(m, r, "sync the store") : say_done(m, end);
}

/* After a member: flushes the windows that are full, and says what is on disk. */
static int after_member(struct members *m, int64_t member)
{
    int64_t on_disk = m->end;
    for (int i = 0; i < m->job->n_outputs; i++) {
        struct output *o = &m->outputs[i];
        if (!o->is_known || m->job->outputs[i].is_index)
            continue;
        int64_t row = o->array.has_batch ? member : 0;
        bool is_full = member + 1 == m->end || row + 1 == o->window.row + o->window.n_rows;
        if (is_full) {
            int r = flush(m, o, row + 1);
            if (r)
                return r;
            o->written = member + 1;
        }
        if (o->written < on_disk)
            on_disk = o->written;
    }
    if (m->job->n_outputs == 0 || on_disk > member + 1)
        on_disk = member + 1;
    return report(m, on_disk);
}

static int say_layout(struct members *m)
{
    if (!m->is_first)
        return 0;
    m->is_first = false;
    char *text = json_canonical(m->layout);
    int r = m->events.layout ? m->events.layout(m->events.userdata, text) : 0;
    free(text);
    if (r == 0 && (r = store_consolidate(m->store, m->e)))
        r = storage_error(m, r, "consolidate metadata");
    return r;
}

static int fail_member(struct members *m, int64_t member, struct error *e)
{
    struct error why = *e;
    m->failed = mem_resize(m->failed, m->n_failed + 1, sizeof *m->failed);
    m->failed[m->n_failed++] = member;
    int r = forget_member(m, member);
    return r || !m->events.failed ? r : m->events.failed(m->events.userdata, member, &why);
}

static int run_member(struct members *m, int64_t member, struct error *e)
{
    static const struct stage_events callbacks = {
        .output = on_output, .log = on_log, .step = on_step};
    struct stage_events events = callbacks;
    events.userdata = m;
    m->e = e;
    int r = simulation_run(m->simulation, member, &events, e);
    if ((r == ERROR_FAILED || r == ERROR_INVALID) && !m->storage_failed)
        r = fail_member(m, member, e);
    else if (r == 0)
        r = say_layout(m);
    return r ? r : after_member(m, member);
}

int members_run(struct members *m, int64_t begin, int64_t end, struct error *e)
{
    m->begin = begin;
    m->end = end;
    m->reported = begin;
    m->reported_at = loop_now();
    m->n_failed = 0;
    m->n_passed = 0;
    for (int i = 0; i < m->job->n_outputs; i++) {
        m->outputs[i].written = begin;
        window_clear(&m->outputs[i].window);
    }
    int r = 0;
    for (int64_t member = begin; member < end && r == 0; member++)
        r = run_member(m, member, e);
    return r;
}

/* Arrays whose sizes differ between members have chunks that nobody wrote. */
static bool is_regular(struct members *m, int output)
{
    struct output *o = &m->outputs[output];
    struct store_meta now;
    if (!o->is_known || store_array(m->store, m->job->outputs[output].name, &now, NULL, NULL, NULL))
        return false;
    bool same = !memcmp(now.shape, o->array.meta.shape, (size_t)now.ndim * sizeof *now.shape);
    store_meta_clear(&now);
    /* Nor were labels written after a stop. */
    return same && m->job->n_stop_when == 0 && m->job->n_hooks == 0;
}

static int fill_missing(struct members *m, struct error *e)
{
    int r = 0;
    for (int i = 0; i < m->job->n_outputs && r == 0; i++) {
        r = store_fill_missing(m->store, m->job->outputs[i].name, e);
        if (r == ERROR_NOT_FOUND) /* an index variable that was never set, or no member succeeded */
            r = 0;
    }
    return r;
}

int members_finish(struct members *m, bool complete, struct error *e)
{
    int r = 0;
    for (int i = 0; i < m->job->n_outputs && r == 0; i++)
        if (complete && is_regular(m, i))
            r = store_verify(m->store, m->job->outputs[i].name, e);
    r = r ? r : layout_level(m->job, m->store, e);
    r = r ? r : fill_missing(m, e);
    return r ? r : store_finish(m->store, e);
}

int members_check(const struct job *job, struct error *e)
{
    for (int i = 0; i < job->n_outputs; i++) {
        const struct job_output *o = &job->outputs[i];
        const struct variable *v = job->model->slots[o->slot].declared;
        int r = ERROR_INVALID;
        /* Any number of dims that the variable accepts may turn out to be right. */
        for (int d = 0; d < v->n_dims && r; d++) {
            struct simlab_view view = {.ndim = v->dims[d].ndim, .itemsize = (int32_t)v->itemsize};
            for (int k = 0; k < view.ndim; k++)
                view.shape[k] = 1;
            struct output_array a;
            r = output_array_init(job, i, &view, &a, e);
            if (r == 0)
                output_array_clear(&a);
        }
        if (r)
            return r;
    }
    return 0;
}

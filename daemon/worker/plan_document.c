/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/plan_document.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/layout.h"
#include "worker/plan_parts.h"

#include <stdlib.h>
#include <string.h>

static const char *role_of(const struct job *job, const char *name)
{
    for (int i = 0; i < job->n_outputs; i++)
        if (!strcmp(job->outputs[i].name, name))
            return "output";
    for (int i = 0; i < job->n_clocks; i++)
        if (!strcmp(job->clocks[i].name, name))
            return "clock";
    for (int i = 0; i < job->n_coords; i++)
        if (!strcmp(job->coords[i].name, name))
            return "coordinate";
    if (JOB_HAS_CRS(job) && !strcmp(name, JOB_CRS_ARRAY))
        return "coordinate";
    return "input";
}

/* ---- arrays ---- */

/* Where arrays have grown to the extents of others (layout_level), chunks that nobody has written
 * become files only where there is no fill value. */
static int measure_array(const struct job *job, int64_t members, struct store *store,
                         struct store *samples, struct planned_array *a, struct error *e)
{
    int64_t written = planned_chunks(a->meta.ndim, a->meta.shape, a->meta.chunks);
    store_meta_clear(&a->meta);
    json_decref(a->dims);
    a->dims = NULL;
    int r = store_array(store, a->name, &a->meta, &a->dims, NULL, e);
    if (r)
        a->meta = (struct store_meta){0};
    if (r == 0)
        r = planned_array_measure(job, members, store, samples, a, e);
    a->n_chunks =
        a->meta.has_fill ? written : planned_chunks(a->meta.ndim, a->meta.shape, a->meta.chunks);
    return r;
}

static int open_samples(const char *path, struct store **ret, struct error *e)
{
    char *beside = mem_printf("%s.samples", path);
    int r = store_open(beside, STORE_ANEW, ret, e);
    free(beside);
    if (r == 0)
        store_set_durable(*ret, false);
    return r;
}

static int read_arrays(struct store *s, const json_t *names, const struct job *job,
                       struct planned_array *arrays, struct error *e)
{
    int r = 0;
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)names, i, name)
    {
        arrays[i].name = json_string_value(name);
        arrays[i].role = role_of(job, arrays[i].name);
        r = r ? r : store_array(s, arrays[i].name, &arrays[i].meta, NULL, NULL, e);
    }
    return worker_result_of_store(r);
}

static int measure_arrays(const struct job *job, const struct plan_measures *measured,
                          struct store *store, const json_t *names, struct planned_array *arrays,
                          struct error *e)
{
    struct store *samples = NULL;
    int r = read_arrays(store, names, job, arrays, e);
    r = r ? r : layout_level(job, store, e);
    r = r ? r : worker_result_of_store(open_samples(store_path(store), &samples, e));
    for (size_t i = 0; i < json_array_size(names) && r == 0; i++)
        r = worker_result_of_store(
            measure_array(job, measured->members, store, samples, &arrays[i], e));
    store_close(samples);
    return r;
}

/* ---- JSON ---- */

static json_t *extents(int n, const int64_t *values)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

/* A count that a reader of JSON has exactly. */
static json_int_t count(double n)
{
    return n < 0x1p62 ? (json_int_t)n : INT64_MAX;
}

static json_int_t files_of(const struct planned_array *a)
{
    return a->n_chunks > INT64_MAX - a->n_others ? INT64_MAX : a->n_chunks + a->n_others;
}

static json_t *array_document(const struct planned_array *a)
{
    char dtype[16];
    dtype_to_numpy(a->meta.dtype, a->meta.itemsize, a->meta.big_endian, dtype);
    return json_pack("{s:s, s:s, s:O, s:s, s:o, s:o, s:I, s:I, s:I}", "name", a->name, "role",
                     a->role, "dims", a->dims, "dtype", dtype, "shape",
                     extents(a->meta.ndim, a->meta.shape), "chunks",
                     extents(a->meta.ndim, a->meta.chunks), "files", files_of(a), "bytes",
                     count(a->bytes), "stored_bytes", count(a->stored));
}

static json_t *not_saved(const struct job *job, const json_t *names)
{
    json_t *list = json_array();
    for (int i = 0; i < job->n_outputs; i++) {
        bool is_there = false;
        for (size_t k = 0; k < json_array_size(names) && !is_there; k++)
            is_there = !strcmp(json_string_value(json_array_get(names, k)), job->outputs[i].name);
        if (!is_there)
            json_array_append_new(list, json_string(job->outputs[i].name));
    }
    return list;
}

static json_t *document(const struct job *job, const struct plan_measures *m, const json_t *names,
                        const struct planned_array *arrays, int64_t n_others)
{
    size_t n = json_array_size(names);
    json_t *list = json_array();
    double files = (double)n_others, bytes = 0, stored = 0;
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, array_document(&arrays[i]));
        files += (double)files_of(&arrays[i]);
        bytes += arrays[i].bytes;
        stored += arrays[i].stored;
    }
    json_t *plan = json_pack(
        "{s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:I, s:f, s:f, s:f, s:i, s:{s:I, s:I}, s:o}",
        "members", (json_int_t)job->n_members, "steps",
        (json_int_t)(job->clocks[job->main_clock].n - 1), "arrays", list, "files", count(files),
        "bytes", count(bytes), "stored_bytes", count(stored), "not_saved", not_saved(job, names),
        "measured_members", (json_int_t)m->members, "set_up_seconds", m->set_up, "member_seconds",
        m->member, "seconds", m->set_up + m->member * (double)job->n_members, "workers", 1,
        "worker", "arena_bytes", (json_int_t)m->arena, "peak_bytes", (json_int_t)m->peak, "advice",
        plan_advice(job, m, arrays, n));
    mem_assert(plan);
    return plan;
}

int plan_document(const struct job *job, const struct plan_measures *measured, const char *store,
                  json_t **ret_plan, struct error *e)
{
    struct store *s = NULL;
    json_t *names = NULL;
    struct planned_array *arrays = NULL;
    int r = worker_result_of_store(store_open(store, STORE_JOIN, &s, e));
    if (r == 0) {
        store_set_durable(s, false);
        r = worker_result_of_store(store_arrays(s, &names, e));
    }
    size_t n = json_array_size(names);
    int64_t n_others = 0;
    arrays = mem_array(n + 1, sizeof *arrays);
    if (r == 0)
        r = measure_arrays(job, measured, s, names, arrays, e);
    if (r == 0)
        r = worker_result_of_store(store_consolidate(s, e));
    if (r == 0)
        r = error_errno(e, planned_others(store, &n_others), "look at the store");
    if (r == 0)
        *ret_plan = document(job, measured, names, arrays, n_others);
    for (size_t i = 0; i < n; i++)
        planned_array_clear(&arrays[i]);
    free(arrays);
    json_decref(names);
    store_close(s);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/provenance.h"

#include "base/json.h"
#include "base/mem.h"

#include <string.h>

enum { GIVEN_MAX_BYTES = 65536 };

/* {name: {"version", "sha256"}} */
static json_t *libraries_of(const struct job *job)
{
    json_t *libraries = job_libraries(job), *hash;
    const char *name;
    void *next;
    json_object_foreach_safe(libraries, next, name, hash)
    {
        const struct library *l = registry_library(job->model->registry, name);
        json_object_set_new(libraries, name,
                            json_pack("{s:s, s:s}", "version", l->version, "sha256", l->hash));
    }
    return libraries;
}

/* ---- the job without its arrays ----------------------------------------------------------------
 */

static void add_keys(const json_t *document, json_t *to)
{
    static const char *const keys[] = {"outputs",        "encoding",  "check_dims",  "validate",
                                       "hooks",          "stop_when", "zarr_format", "environment",
                                       "finite_outputs", "crs"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(document, keys[i]);
        if (value && (!json_is_null(value) || !strcmp(keys[i], "validate")))
            json_object_set(to, keys[i], value);
    }
}

/* In order, whatever order they were given in. */
static void insert_name(json_t *names, const char *name)
{
    size_t at = 0;
    while (at < json_array_size(names) &&
           strcmp(json_string_value(json_array_get(names, at)), name) < 0)
        at++;
    json_array_insert_new(names, at, json_string(name));
}

static void add_names(const struct job *job, json_t *to)
{
    json_t *clocks = json_array(), *coords = json_array();
    for (int i = 0; i < job->n_clocks; i++)
        insert_name(clocks, job->clocks[i].name);
    for (int i = 0; i < job->n_coords; i++)
        json_array_append_new(coords, json_string(job->coords[i].name));
    json_object_set_new(to, "main_clock", json_string(job->clocks[job->main_clock].name));
    json_t *processes = json_array();
    for (int i = 0; i < job->model->n_processes; i++)
        json_array_append_new(processes, json_string(job->model->processes[i].name));
    json_object_set_new(to, "processes", processes);
    json_object_set_new(to, "clocks", clocks);
    json_object_set_new(to, "coords", coords);
    if (job->batch_dim)
        json_object_set_new(to, "batch_dim", json_string(job->batch_dim));
    if (json_object_size(job->attrs) > 0)
        json_object_set(to, "attrs", job->attrs);
    if (job->is_open)
        json_object_set_new(to, "open", json_integer(job->expected));
    if (job->from.steps > 0)
        json_object_set_new(to, "from", json_integer(job->from.steps));
}

static void add_inputs(const struct job *job, json_t *to)
{
    json_t *given = json_object(), *any = json_array();
    for (int i = 0; i < job->n_inputs; i++) {
        const struct job_input *in = &job->inputs[i];
        const struct slot *slot = &job->model->slots[in->slot];
        bool is_small = in->given.data && ndarray_bytes(&in->given) <= GIVEN_MAX_BYTES;
        if (slot->declared->dtype == SIMLAB_ANY)
            json_array_append_new(any, json_string(slot->name));
        if (!in->is_output)
            continue;
        json_t *dims = json_array();
        for (int d = 0; d < in->given.ndim; d++)
            json_array_append_new(dims, json_string(in->given.dims[d]));
        json_object_set_new(given, slot->name,
                            is_small ? json_pack("{s:O, s:o, s:O}", "dims", dims, "data",
                                                 ndarray_to_json(&in->given), "attrs", in->attrs)
                                     : json_null());
        json_decref(dims);
    }
    if (json_object_size(given) > 0)
        json_object_set(to, "given", given);
    if (json_array_size(any) > 0)
        json_object_set(to, "any", any);
    json_decref(given);
    json_decref(any);
}

static int64_t extent_of(const struct job *job, const char *input)
{
    for (int i = 0; i < job->n_inputs; i++)
        if (!strcmp(job->model->slots[job->inputs[i].slot].name, input))
            return job->inputs[i].swept;
    return 0;
}

static void add_sweep(const struct job *job, json_t *to)
{
    static const char *const forms[] = {"product", "zip"};
    const json_t *sweep = json_object_get(job->document, "sweep");
    json_t *list = json_array(), *values;
    const char *name;
    for (int i = 0; i < 2; i++) {
        json_object_foreach(json_object_get(sweep, forms[i]), name, values)
        {
            json_array_append_new(
                list, json_pack("[s, s, I]", forms[i], name, (json_int_t)extent_of(job, name)));
        }
    }
    if (json_array_size(list) > 0)
        json_object_set(to, "sweep", list);
    json_decref(list);
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

json_t *provenance_new(const struct job *job)
{
    json_t *inputs = json_array(), *own = json_object();
    for (int i = 0; i < job->n_inputs; i++)
        json_array_append_new(inputs, json_string(job->model->slots[job->inputs[i].slot].name));
    add_keys(job->document, own);
    add_names(job, own);
    add_inputs(job, own);
    add_sweep(job, own);
    json_t *p =
        json_pack("{s:o, s:s, s:O, s:s, s:o, s:I, s:o}", "inputs", inputs, "version",
                  SIMLAB_VERSION, "model", job->model->definition, "model_hash", job->model->hash,
                  "libraries", libraries_of(job), "seed", (json_int_t)job->seed, "job", own);
    mem_assert(p);
    if (job->threads > 1)
        json_object_set_new(p, "threads", json_integer(job->threads));
    return p;
}

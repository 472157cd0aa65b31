/* SPDX-License-Identifier: Apache-2.0 */
#include "model/job_parts.h"

#include "base/mem.h"

#include <stdlib.h>

static void clear_clock(struct clock *c)
{
    free(c->name);
    ndarray_clear(&c->labels);
    free(c->values);
    json_decref(c->attrs);
    free(c->at);
}

static void clear_input(struct job_input *i)
{
    if (i->value.data == i->given.data)
        i->value.data = NULL;
    ndarray_clear(&i->value);
    ndarray_clear(&i->given);
    job_series_free(i->series);
    json_decref(i->attrs);
}

static void clear_output(struct job_output *o)
{
    free(o->name);
    free(o->labels);
    json_decref(o->labels_encoding);
    json_decref(o->attrs);
    json_decref(o->encoding);
}

static void clear_coord(struct job_coord *c)
{
    free(c->name);
    ndarray_clear(&c->values);
    json_decref(c->attrs);
}

struct job *job_free(struct job *j)
{
    if (!j)
        return NULL;
    for (int i = 0; i < j->n_clocks; i++)
        clear_clock(&j->clocks[i]);
    for (int i = 0; i < j->n_inputs; i++)
        clear_input(&j->inputs[i]);
    for (int i = 0; i < j->n_outputs; i++)
        clear_output(&j->outputs[i]);
    for (int i = 0; i < j->n_coords; i++)
        clear_coord(&j->coords[i]);
    free(j->clocks);
    free(j->inputs);
    free(j->outputs);
    free(j->coords);
    json_decref(j->attrs);
    free(j->crs.wkt);
    free(j->batch_dim);
    free(j->swept);
    free(j->scheduler);
    free(j->store);
    free(j->stop_when);
    free(j->checkpoint.keep);
    free(j->from.store);
    for (int i = 0; i < j->n_hooks; i++)
        free(j->hooks[i]);
    free(j->hooks);
    free(j->after);
    json_decref(j->document);
    model_free(j->own_model);
    free(j);
    return NULL;
}

static void make_inputs(struct job *j)
{
    j->n_inputs = j->model->n_inputs;
    j->inputs = mem_array((size_t)j->n_inputs, sizeof *j->inputs);
    for (int i = 0; i < j->n_inputs; i++)
        j->inputs[i].slot = j->model->inputs[i];
}

/* Clocks before inputs, since those may vary along one; what gives the dimensions their sizes
 * before what must agree with them; names that outputs take last. */
static int read_parts(struct making *m)
{
    int r = job_options_read(m);
    r = r ? r : job_clocks_read(m);
    r = r ? r : job_sweep_read(m);
    r = r ? r : job_coords_read(m);
    r = r ? r : job_inputs_read(m);
    r = r ? r : job_appended_read(m);
    r = r ? r : job_checkpoint_read(m);
    r = r ? r : job_from_read(m);
    return r ? r : job_outputs_read(m);
}

int job_new(const struct registry *r, const json_t *document, const struct job_sources *sources,
            struct job **ret_job, struct error *e)
{
    struct job *j = mem_new(sizeof *j);
    int result = job_document_normalize(r, document, sources, &j->document, &j->own_model, e);
    if (result)
        return job_free(j), result;
    j->model = j->own_model;
    make_inputs(j);
    struct making m = {
        .job = j,
        .document = j->document,
        .sources = sources,
        .sizes = json_object(),
        .sizers = json_object(),
        .swept = json_object(),
        .error = e,
    };
    result = read_parts(&m);
    json_decref(m.sizes);
    json_decref(m.sizers);
    json_decref(m.swept);
    if (result > 0)
        job_document_locate(document, e);
    if (result)
        return job_free(j), result;
    *ret_job = j;
    return 0;
}

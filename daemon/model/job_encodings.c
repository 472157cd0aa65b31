/* SPDX-License-Identifier: Apache-2.0 */
#include "model/job.h"

#include <stdio.h>
#include <string.h>

static int blame(const char *name, struct error *e)
{
    char token[300], prefix[320];
    struct error why = *e;
    error_pointer_token(name, token, sizeof token);
    snprintf(prefix, sizeof prefix, "/encoding/%s", token);
    error_set(e, MODEL_INVALID, why.pointer, "encoding of output %.200s: %.800s", name,
              why.message);
    error_prefix_pointer(e, prefix);
    return MODEL_INVALID;
}

/* What is stored as it is: its dtype alone may be one that the job's format does not have. */
static int check_plain(const struct job *job, const char *what, const char *name, int dtype,
                       size_t itemsize, int ndim, job_encoding_fn check, struct error *e)
{
    json_t *none = json_object();
    struct error why = {.message = ""};
    int r = check(job->zarr_format, none, dtype, itemsize, ndim, &why);
    json_decref(none);
    return r > 0 ? error_set(e, MODEL_INVALID, "/zarr_format", "%s %.200s cannot be stored: %.800s",
                             what, name, why.message)
                 : r;
}

/* A variable may accept several dims; which it will have, the run tells. */
static int check_array(const struct job *job, const struct variable *v, int leading,
                       const char *name, const json_t *encoding, job_encoding_fn check,
                       struct error *e)
{
    int r = 0, ndim = 0;
    if (v->dtype == SIMLAB_ANY)
        return 0; /* as for the dims */
    for (int i = 0; i < v->n_dims; i++) {
        ndim = leading + v->dims[i].ndim;
        r = ndim <= SIMLAB_MAX_DIMS
                ? check(job->zarr_format, encoding, v->dtype, v->itemsize, ndim, e)
                : 0;
        if (r == 0) {
            error_clear(e);
            return 0;
        }
    }
    if (r <= 0)
        return r;
    struct error why = {.message = ""};
    r = check_plain(job, "output", name, v->dtype, v->itemsize, ndim, check, &why);
    if (r == 0)
        return blame(name, e);
    *e = why;
    return r;
}

static int check_output(const struct job *job, const struct job_output *o, job_encoding_fn check,
                        struct error *e)
{
    const struct variable *v = job->model->slots[o->slot].declared;
    int leading = (o->clock >= 0) + (job->batch_dim && !o->is_index);
    int r = check_array(job, v, leading, o->name, o->encoding, check, e);
    return r || !o->labels ? r : check_array(job, v, 0, o->labels, o->labels_encoding, check, e);
}

static int check_given(const struct job *job, const char *what, const char *name,
                       const struct ndarray *a, job_encoding_fn check, struct error *e)
{
    return check_plain(job, what, name, a->dtype, a->itemsize, a->ndim, check, e);
}

static int check_all_given(const struct job *job, job_encoding_fn check, struct error *e)
{
    int r = 0;
    for (int i = 0; i < job->n_coords && r == 0; i++)
        r = check_given(job, "coordinate", job->coords[i].name, &job->coords[i].values, check, e);
    for (int i = 0; i < job->n_inputs && r == 0; i++)
        if (!job->inputs[i].is_output)
            r = check_given(job, "input", job->model->slots[job->inputs[i].slot].name,
                            &job->inputs[i].given, check, e);
    return r;
}

int job_check_encodings(const struct job *job, job_encoding_fn check, struct error *e)
{
    int r = 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        r = check_output(job, &job->outputs[i], check, e);
    return r ? r : check_all_given(job, check, e);
}

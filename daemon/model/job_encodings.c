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

/* A variable may accept several dims; which it will have, the run tells. */
static int check_array(const struct variable *v, int leading, const char *name,
                       const json_t *encoding, job_encoding_fn check, struct error *e)
{
    int r = 0;
    if (v->dtype == SIMLAB_ANY)
        return 0; /* as for the dims */
    for (int i = 0; i < v->n_dims; i++) {
        int ndim = leading + v->dims[i].ndim;
        r = ndim <= SIMLAB_MAX_DIMS ? check(encoding, v->dtype, v->itemsize, ndim, e) : 0;
        if (r == 0) {
            error_clear(e);
            return 0;
        }
    }
    return r > 0 ? blame(name, e) : r;
}

static int check_output(const struct job *job, const struct job_output *o, job_encoding_fn check,
                        struct error *e)
{
    const struct variable *v = job->model->slots[o->slot].declared;
    int leading = (o->clock >= 0) + (job->batch_dim && !o->is_index);
    int r = check_array(v, leading, o->name, o->encoding, check, e);
    return r || !o->labels ? r : check_array(v, 0, o->labels, o->labels_encoding, check, e);
}

int job_check_encodings(const struct job *job, job_encoding_fn check, struct error *e)
{
    int r = 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        r = check_output(job, &job->outputs[i], check, e);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/encoding.h"

#include "http/problem.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

static int check_with(const struct job_output *o, const struct variable *v, int ndim,
                      struct error *e)
{
    struct store_meta m;
    int64_t shape[SIMLAB_MAX_DIMS];
    for (int i = 0; i < ndim; i++)
        shape[i] = 1;
    store_meta_default(&m, v->dtype, v->itemsize, ndim, shape);
    int r = problem_of_store(store_meta_encode(&m, o->encoding, e));
    store_meta_clear(&m);
    return r;
}

/* A variable may accept several dims; which it will have, the run tells. */
static int check_output(const struct job *job, const struct job_output *o, struct error *e)
{
    const struct variable *v = job->model->slots[o->slot].declared;
    int leading = (o->clock >= 0) + (job->batch_dim && !o->is_index);
    int r = 0;
    for (int i = 0; i < v->n_dims; i++) {
        int ndim = leading + v->dims[i].ndim;
        r = ndim <= SIMLAB_MAX_DIMS ? check_with(o, v, ndim, e) : 0;
        if (r == 0) {
            error_clear(e);
            return 0;
        }
    }
    if (r <= 0)
        return r;
    char token[300], prefix[320], message[sizeof e->message];
    error_pointer_token(o->name, token, sizeof token);
    snprintf(prefix, sizeof prefix, "/encoding/%s", token);
    snprintf(message, sizeof message, "encoding of output %.200s: %.800s", o->name, e->message);
    memcpy(e->message, message, sizeof message);
    error_prefix_pointer(e, prefix);
    return r;
}

int encoding_check(const struct job *job, struct error *e)
{
    int r = 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        r = check_output(job, &job->outputs[i], e);
    return r;
}

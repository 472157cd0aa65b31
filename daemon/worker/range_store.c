/* SPDX-License-Identifier: Apache-2.0 */
/* How a runner opens its store. */
#include "stage/rest.h"
#include "worker/range_runner_parts.h"
#include "worker/setup_arrays.h"

static int make_store(struct range_runner *m, struct error *e)
{
    if (m->checkpoints && !m->where.layout)
        checkpoints_remove_all(m->checkpoints);
    int r = job_store_open(&m->where, &m->store, e);
    if (r)
        return r;
    if (!m->where.layout)
        r = setup_arrays_begin(m->job, m->store, e);
    if (r == 0)
        r = output_writer_open(&m->writer, m->job, m->store, m->where.layout, e);
    if (r == 0 && m->where.layout)
        r = setup_arrays_grow(m->job, m->store, e);
    return r;
}

int range_store_open(struct range_runner *m, struct error *e)
{
    int r = range_resume_open(m, e);
    if (r)
        return r;
    if (!m->checkpoints || m->where.layout || !range_resume_join(m))
        r = make_store(m, e);
    if (r == 0 && m->checkpoints)
        store_set_resumable(m->store);
    return job_store_explain(&m->where, r, e);
}

int range_store_fill(struct range_runner *m, struct error *e)
{
    int64_t began = rest_now();
    int r = setup_arrays_fill(m->job, m->store, m->begin, m->end, e);
    range_outcome_set_aside(m, began);
    return job_store_explain(&m->where, r, e);
}

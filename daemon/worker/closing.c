/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/closing.h"

#include "base/json.h"
#include "base/mem.h"
#include "store/checksums.h"
#include "worker/layout.h"
#include "worker/setup_arrays.h"
#include "worker/shared_labels.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct run {
    const struct closing *closing;
    struct store *store;
    struct output_array *arrays; /* of the outputs; those that the layout has */
    bool *is_known;
    int64_t done, total; /* chunks */
    bool is_broken;      /* something is to be written again that was known before */
    struct error *e;
};

int closing_read_ranges(const char *text, int64_t n_members, int64_t (**ret_ranges)[2],
                        size_t *ret_n, struct error *e)
{
    json_t *list = json_read(text, strlen(text), e);
    size_t n = json_array_size(list);
    int64_t(*ranges)[2] = mem_array(n + 1, sizeof *ranges), upto = 0;
    bool valid = json_is_array(list);
    for (size_t i = 0; i < n && valid; i++) {
        const json_t *range = json_array_get(list, i);
        ranges[i][0] = json_integer_value(json_array_get(range, 0));
        ranges[i][1] = json_integer_value(json_array_get(range, 1));
        valid = json_array_size(range) == 2 && json_is_integer(json_array_get(range, 0)) &&
                json_is_integer(json_array_get(range, 1)) && ranges[i][0] >= upto &&
                ranges[i][1] > ranges[i][0] && ranges[i][1] <= n_members;
        upto = ranges[i][1];
    }
    json_decref(list);
    if (!valid) {
        free(ranges);
        return error_set(e, WORKER_REFUSED, NULL, "a list of members is broken");
    }
    *ret_ranges = ranges;
    *ret_n = n;
    return 0;
}

/* ---- progress -------------------------------------------------------------------------------- */

static int on_look(void *userdata)
{
    struct run *x = userdata;
    x->done++;
    const struct closing *c = x->closing;
    if (!c->look)
        return 0;
    return c->look(c->userdata, x->done, x->done < x->total ? x->total : x->done);
}

/* Chunks of an array as it stands; one that is not there is found later. */
static int64_t count_chunks(struct run *x, const char *name)
{
    struct store_meta m;
    int64_t n = 1;
    if (store_array(x->store, name, &m, NULL, NULL, NULL) != 0)
        return 0;
    for (int d = 0; d < m.ndim; d++) {
        int64_t pieces = m.shape[d] > 0 ? (m.shape[d] - 1) / m.chunks[d] + 1 : 0;
        n = pieces > 0 && n > INT64_MAX / pieces ? INT64_MAX : n * pieces;
    }
    store_meta_clear(&m);
    return n;
}

static int add_chunks(void *run, const char *name)
{
    struct run *x = run;
    int64_t n = count_chunks(x, name);
    x->total = n > INT64_MAX - x->total ? INT64_MAX : x->total + n;
    return 0;
}

/* ---- what was known before the job ran ------------------------------------------------------- */

static int verify(struct run *x, const char *name)
{
    struct store_meta m;
    int r = store_array(x->store, name, &m, NULL, NULL, x->e);
    if (r != 0)
        return r;
    const struct store_end how = {.full = m.shape, .look = on_look, .userdata = x};
    r = store_end_array(x->store, name, &how, x->e);
    store_meta_clear(&m);
    return r;
}

static int remove_broken(void *run, const char *name)
{
    struct run *x = run;
    int r = x->closing->repairs ? WORKER_STORE : verify(x, name);
    if (r <= 0)
        return r;
    error_clear(x->e);
    x->is_broken = true;
    return worker_result_of_store(store_remove_array(x->store, name, x->e));
}

/* What is missing or broken of it is written again: it is the job's own. */
static int check_setup(struct run *x)
{
    const struct job *job = x->closing->job;
    int r = setup_arrays_check_attributes(job, x->store, x->e);
    if (r > 0) {
        error_clear(x->e);
        x->is_broken = true;
        r = 0;
    }
    if (r == 0)
        r = setup_arrays_fill(job, x->store, 0, job->n_members, x->e);
    if (r == 0)
        r = setup_arrays_each(job, remove_broken, x);
    return r == 0 && x->is_broken ? setup_arrays_write(job, x->store, x->e) : r;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static int read_layout(struct run *x)
{
    const struct job *job = x->closing->job;
    json_t *layout = NULL;
    x->arrays = mem_array((size_t)job->n_outputs, sizeof *x->arrays);
    x->is_known = mem_array((size_t)job->n_outputs, sizeof *x->is_known);
    int r = x->closing->store.layout ? layout_read(x->closing->store.layout, &layout, x->e) : 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++) {
        const json_t *recorded = json_object_get(layout, job->outputs[i].name);
        if (!recorded)
            continue;
        r = output_array_from_json(job, i, recorded, &x->arrays[i], x->e);
        x->is_known[i] = r == 0;
        if (r == 0)
            r = worker_result_of_store(output_array_create(job, i, &x->arrays[i], x->store, x->e));
    }
    json_decref(layout);
    return r;
}

static bool is_dead(const struct closing *c, int64_t member)
{
    for (size_t i = 0; i < c->n_dead; i++)
        if (c->dead[i][0] <= member && member < c->dead[i][1])
            return true;
    return false;
}

static bool all_are_dead(const struct closing *c)
{
    int64_t n = 0;
    for (size_t i = 0; i < c->n_dead; i++)
        n += c->dead[i][1] - c->dead[i][0];
    return n == c->job->n_members;
}

/* Without a member that lives, it is as if none had run. */
static int remove_outputs(struct run *x)
{
    const struct job *job = x->closing->job;
    int r = 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++) {
        r = worker_result_of_store(store_remove_array(x->store, job->outputs[i].name, x->e));
        if (r == 0 && job->outputs[i].labels)
            r = worker_result_of_store(store_remove_array(x->store, job->outputs[i].labels, x->e));
    }
    return r;
}

/* Each member that is done has written all labels, but where a condition or a hook may have ended
 * it before; an index is written by one. */
static int end_output(struct run *x, int output)
{
    const struct closing *c = x->closing;
    const struct output_array *a = &x->arrays[output];
    bool may_end_early = c->job->n_stop_when > 0 || c->job->n_hooks > 0;
    struct store_end how = {.has_rows = a->has_batch,
                            .dead = a->has_batch ? c->dead : NULL,
                            .n_dead = a->has_batch ? c->n_dead : 0,
                            .kept = a->has_batch ? c->kept : NULL,
                            .n_kept = a->has_batch ? c->n_kept : 0,
                            .drops_unwritten = c->repairs && !c->job->outputs[output].is_index &&
                                               (a->has_batch || c->n_kept == 0),
                            .full = may_end_early && a->has_clock ? NULL : a->meta.shape,
                            .look = on_look,
                            .userdata = x};
    const char *name = c->job->outputs[output].name;
    if (c->job->outputs[output].is_index && is_dead(c, a->member))
        return 0; /* nobody may have written it */
    return worker_result_of_store(store_end_array(x->store, name, &how, x->e));
}

static int end_outputs(struct run *x)
{
    const struct closing *c = x->closing;
    const struct job *job = c->job;
    int r = 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        if (x->is_known[i])
            add_chunks(x, job->outputs[i].name);
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        if (x->is_known[i])
            r = end_output(x, i);
    r = r ? r : layout_level(job, x->store, x->e);
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        if (x->is_known[i])
            r = worker_result_of_store(store_fill_missing(x->store, job->outputs[i].name, x->e));
    const struct shared_labels shared = {
        .job = job, .store = x->store, .dead = c->dead, .n_dead = c->n_dead};
    for (int i = 0; i < job->n_outputs && r == 0; i++)
        if (job->outputs[i].labels)
            r = shared_labels_write(&shared, i, x->is_known[i], x->e);
    return r;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What is no output was known before, and is nobody's. */
static int write_checksums(struct run *x)
{
    const struct job *job = x->closing->job;
    struct checksums_array *arrays = mem_array((size_t)job->n_outputs + 1, sizeof *arrays);
    size_t n = 0;
    for (int i = 0; i < job->n_outputs; i++) {
        const struct output_array *a = &x->arrays[i];
        if (x->is_known && x->is_known[i])
            arrays[n++] = (struct checksums_array){job->outputs[i].name,
                                                   a->has_batch ? a->meta.chunks[0] : 0, a->member};
    }
    int r = checksums_write(x->store, arrays, n, x->e);
    free(arrays);
    return worker_result_of_store(r);
}

static int close_store(struct run *x)
{
    const struct closing *c = x->closing;
    int r = read_layout(x);
    setup_arrays_each(c->job, add_chunks, x);
    if (r == 0 && c->store.layout)
        r = setup_arrays_grow(c->job, x->store, x->e);
    if (r == 0)
        r = c->store.layout ? check_setup(x) : setup_arrays_write(c->job, x->store, x->e);
    if (r == 0)
        r = !c->store.layout || all_are_dead(c) ? remove_outputs(x) : end_outputs(x);
    r = r ? r : worker_result_of_store(store_tidy(x->store, x->e));
    if (r == 0 && c->has_checksums)
        r = write_checksums(x);
    return r ? r : worker_result_of_store(store_sync(x->store, x->e));
}

/* Room for chunks goes back to the system with the array that it was for: the heap would keep the
 * more, the larger those of different arrays are. */
static void keep_no_room(void)
{
    enum { ROOM = 768 * 1024 };
    mallopt(M_MMAP_THRESHOLD, ROOM);
}

int closing_run(const struct closing *c, struct error *e)
{
    struct run x = {.closing = c, .e = e};
    keep_no_room();
    int r = job_store_open(&c->store, &x.store, e);
    if (r)
        return r;
    store_be_alone(x.store);
    if (c->has_checksums)
        store_keep_checksums(x.store);
    r = job_store_explain(&c->store, close_store(&x), e);
    for (int i = 0; x.arrays && i < c->job->n_outputs; i++)
        if (x.is_known[i])
            output_array_clear(&x.arrays[i]);
    free(x.arrays);
    free(x.is_known);
    store_close(x.store);
    return r;
}

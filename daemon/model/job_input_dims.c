/* SPDX-License-Identifier: Apache-2.0 */
/* An input's dims: (batch, clock, own dims), the own ones in one of the orders that the variable
 * accepts, as xarray-simlab's check_dims has it. */
#include "model/job_parts.h"
#include "model/type_parts.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct slot *slot_of(const struct making *m, const struct job_input *input)
{
    return &m->job->model->slots[input->slot];
}

/* How a value's axes are matched: which are batch and clock (-1: none), and the own ones. */
struct match {
    int batch, clock, n_own;
    int own[SIMLAB_MAX_DIMS];
    const struct dims *accepted;
};

static int find_axis(const struct ndarray *a, const char *name)
{
    for (int i = 0; name && i < a->ndim; i++)
        if (!strcmp(a->dims[i], name))
            return i;
    return -1;
}

static bool is_lead(const struct match *match, int axis)
{
    return axis == match->batch || axis == match->clock;
}

/* Strict: (batch, clock, own…) in this order. */
static bool match_strict(const struct variable *v, const struct ndarray *a, struct match *match)
{
    int lead = (match->batch >= 0) + (match->clock >= 0);
    if (match->batch > 0 || match->clock > (match->batch == 0))
        return false;
    for (int k = 0; k < v->n_dims; k++) {
        bool same = v->dims[k].ndim == a->ndim - lead;
        for (int i = 0; same && i < v->dims[k].ndim; i++)
            same = !strcmp(v->dims[k].names[i], a->dims[lead + i]);
        if (!same)
            continue;
        match->accepted = &v->dims[k];
        match->n_own = v->dims[k].ndim;
        for (int i = 0; i < match->n_own; i++)
            match->own[i] = lead + i;
        return true;
    }
    return false;
}

/* Transpose: the same names in any order. */
static bool match_any_order(const struct variable *v, const struct ndarray *a, struct match *match)
{
    int lead = (match->batch >= 0) + (match->clock >= 0);
    for (int k = 0; k < v->n_dims; k++) {
        bool same = v->dims[k].ndim == a->ndim - lead;
        for (int i = 0; same && i < v->dims[k].ndim; i++) {
            match->own[i] = find_axis(a, v->dims[k].names[i]);
            same = match->own[i] >= 0 && !is_lead(match, match->own[i]);
        }
        if (!same)
            continue;
        match->accepted = &v->dims[k];
        match->n_own = v->dims[k].ndim;
        return true;
    }
    return false;
}

static int refuse_dims(struct making *m, const struct job_input *input)
{
    const struct slot *slot = slot_of(m, input);
    struct dims given = {.ndim = input->given.ndim};
    memcpy(given.names, input->given.dims, sizeof given.names);
    char *found = dims_text(&given);
    char *accepted = dims_text_all(slot->declared->dims, slot->declared->n_dims);
    int r = job_making_fault(
        m, "inputs", slot->name, "/dims",
        "its dims %s are not accepted: they must be one of %s, after '%s'%s%s%s if "
        "it varies in time%s%s",
        found, accepted, m->job->clocks[m->job->main_clock].name, m->job->batch_dim ? " or '" : "",
        m->job->batch_dim ? m->job->batch_dim : "", m->job->batch_dim ? "' (first)" : "",
        m->job->batch_dim ? " or member" : "",
        m->job->check_dims == JOB_DIMS_STRICT
            ? " (in this order, unless check_dims is \"transpose\")"
            : "");
    free(found);
    free(accepted);
    return r;
}

static int share_value(struct job_input *input)
{
    input->value = input->given;
    for (int i = 0; i < input->given.ndim; i++)
        input->value.dims[i] = mem_strdup(input->given.dims[i]);
    return 0;
}

/* What is not along the batch, or is to be turned, is an array. */
static int settle_series(struct making *m, struct job_input *input)
{
    struct ndarray *a = &input->given;
    a->data = mem_try_array(ndarray_size(a), a->itemsize);
    if (!a->data)
        return error_errno(m->error, -ENOMEM, "hold an input");
    int r = job_series_read(input->series, 0, a->shape[0], a->data);
    if (r < 0)
        return error_errno(m->error, r, "read an upload");
    input->series = job_series_free(input->series);
    return 0;
}

/* Sets `value` from `given`: batch, clock, own dims in the accepted order. */
static int arrange(struct making *m, struct job_input *input, const struct match *match)
{
    int axes[SIMLAB_MAX_DIMS], n = 0;
    bool moved = false;
    if (match->batch >= 0)
        axes[n++] = match->batch;
    if (match->clock >= 0)
        axes[n++] = match->clock;
    for (int i = 0; i < match->n_own; i++)
        axes[n++] = match->own[i];
    for (int i = 0; i < n; i++)
        moved = moved || axes[i] != i;
    int r = input->series && (moved || !input->has_batch) ? settle_series(m, input) : 0;
    if (r)
        return r;
    return moved ? ndarray_transpose(&input->given, axes, &input->value) : share_value(input);
}

int job_input_dims_match(struct making *m, struct job_input *input)
{
    const struct slot *slot = slot_of(m, input);
    const struct ndarray *a = &input->given;
    struct match match = {.batch = find_axis(a, m->job->batch_dim),
                          .clock = find_axis(a, m->job->clocks[m->job->main_clock].name)};
    bool matched = m->job->check_dims == JOB_DIMS_STRICT
                       ? match_strict(slot->declared, a, &match)
                       : match_any_order(slot->declared, a, &match);
    if (!matched)
        return refuse_dims(m, input);
    if (match.clock >= 0 && slot->declared->is_static)
        return job_making_fault(m, "inputs", slot->name, "/dims",
                                "process '%s' declares it static: it cannot vary along '%s'",
                                m->job->model->processes[slot->process].name,
                                m->job->clocks[m->job->main_clock].name);
    input->has_batch = match.batch >= 0;
    input->has_clock = match.clock >= 0;
    input->ndim = match.n_own;
    for (int i = 0; i < a->ndim; i++) {
        int r = job_making_size(m, "inputs", slot->name, a->dims[i], a->shape[i]);
        if (r)
            return r;
    }
    return arrange(m, input, &match);
}

/* No dims were given: those of the alternative with as many, as in xarray-simlab. */
int job_input_dims_guess(struct making *m, struct job_input *input)
{
    const struct slot *slot = slot_of(m, input);
    const struct dims *found = NULL;
    for (int k = 0; k < slot->declared->n_dims; k++)
        if (slot->declared->dims[k].ndim == input->given.ndim)
            found = &slot->declared->dims[k];
    if (!found) {
        char *accepted = dims_text_all(slot->declared->dims, slot->declared->n_dims);
        int r = job_making_fault(
            m, "inputs", slot->name, "",
            "its value has %d dimensions, but it accepts %s; where it varies in "
            "time or by member, say so: {\"dims\": [\"%s\"], \"data\": …}",
            input->given.ndim, accepted,
            m->job->batch_dim ? m->job->batch_dim : m->job->clocks[m->job->main_clock].name);
        free(accepted);
        return r;
    }
    ndarray_set_dims(&input->given, (const char *const *)found->names);
    return 0;
}

int job_input_dims_name(struct making *m, struct job_input *input, const json_t *dims)
{
    const char *name = slot_of(m, input)->name;
    const char *names[SIMLAB_MAX_DIMS];
    size_t n = json_is_string(dims) ? 1 : json_array_size(dims);
    if (!json_is_string(dims) && !json_is_array(dims))
        return job_making_fault(m, "inputs", name, "/dims", "dims is not a list of names");
    if (n != (size_t)input->given.ndim)
        return job_making_fault(m, "inputs", name, "/dims",
                                "dims names %zu dimensions, but the data have %d", n,
                                input->given.ndim);
    for (size_t i = 0; i < n; i++) {
        names[i] = json_is_string(dims) ? json_string_value(dims)
                                        : json_string_value(json_array_get(dims, i));
        if (!names[i] || !*names[i] || strlen(names[i]) > 200)
            return job_making_fault(m, "inputs", name, "/dims", "dims is not a list of names");
        for (size_t k = 0; k < i; k++)
            if (!strcmp(names[k], names[i]))
                return job_making_fault(m, "inputs", name, "/dims", "'%s' stands twice in dims",
                                        names[i]);
    }
    ndarray_set_dims(&input->given, names);
    return 0;
}

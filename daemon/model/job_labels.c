/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks' labels, wherever they are: one after another. */
#include "base/json.h"
#include "base/mem.h"
#include "model/label.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking at a clock's labels, one after another ---- */

struct label_look {
    struct making *m;
    struct clock *clock;
    const char *below;
    bool has_last;
    struct label last;
};

/* The label does not come after the one before it, or no double tells them apart: then a step would
 * take no time. */
static int refuse_order(const struct label_look *k, const char *below, const struct label *l)
{
    char label[NUMBER_TEXT_SIZE], last[NUMBER_TEXT_SIZE];
    label_text(l, label);
    label_text(&k->last, last);
    if (label_compare(l, &k->last) <= 0)
        return job_making_fault(k->m, "clocks", k->clock->name, below,
                                "labels must ascend: %s comes after %s", label, last);
    return job_making_fault(k->m, "clocks", k->clock->name, below,
                            "labels %s and %s differ by less than a double can tell, as which "
                            "processes see them: count from a later origin, or in longer units",
                            last, label);
}

static int refuse_large(struct making *m, const struct clock *c, const char *below, size_t i,
                        uint64_t label)
{
    return job_making_fault(m, "clocks", c->name, below,
                            "label %zu, %llu, is too large: at most %lld", i,
                            (unsigned long long)label, (long long)INT64_MAX);
}

static int look_at_label(struct label_look *k, const struct job_data *d, const void *element,
                         size_t i)
{
    char below[LABEL_BELOW_SIZE];
    uint64_t large;
    if (d->dtype == SIMLAB_U8 && (memcpy(&large, element, sizeof large), large > INT64_MAX))
        return refuse_large(k->m, k->clock, label_below(k->below, i, below), i, large);
    struct label l = label_of(d->dtype, d->itemsize, element);
    if (!isfinite(l.value))
        return job_making_fault(k->m, "clocks", k->clock->name, label_below(k->below, i, below),
                                "label %zu is not finite", i);
    if (k->has_last && !(l.value > k->last.value))
        return refuse_order(k, label_below(k->below, i, below), &l);
    k->last = l;
    k->has_last = true;
    return 0;
}

static int look_at_labels(void *look, const struct job_data *d, const void *elements, size_t at,
                          size_t n)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = look_at_label(look, d, (const char *)elements + i * d->itemsize, at + i);
    return r;
}

static int check_form(struct making *m, const struct clock *c, const struct job_data *d)
{
    const char *data = label_below_clock(m, c);
    if (d->ndim != 1 || d->shape[0] == 0)
        return job_making_fault(m, "clocks", c->name, data,
                                "its data are not a list of at least one label");
    if (!dtype_is_integer(d->dtype) && !dtype_is_float(d->dtype))
        return job_making_fault(
            m, "clocks", c->name, data,
            "labels are numbers (dates: a number, with units such as \"days since "
            "2000-01-01\")");
    return 0;
}

/* ---- a clock's labels ---- */

/* A list in place; what the short forms make is numbers. */
static int check_numbers(struct making *m, const struct clock *c, const json_t *data,
                         const char *below)
{
    const json_t *label;
    uint64_t large;
    size_t i;
    json_array_foreach(data, i, label)
    {
        char at[LABEL_BELOW_SIZE];
        if (json_is_large(label, &large))
            return refuse_large(m, c, label_below(below, i, at), i, large);
        if (!json_is_number(label))
            return job_making_fault(
                m, "clocks", c->name, label_below(below, i, at),
                "label %zu is not a finite number (dates: a number, with units such "
                "as \"days since 2000-01-01\")",
                i);
    }
    return 0;
}

/* Labels become f8 or i8, whatever an uploaded array has, and doubles beside them. */
static int widen_labels(struct clock *c)
{
    int dtype = dtype_is_integer(c->labels.dtype) ? SIMLAB_I8 : SIMLAB_F8;
    struct ndarray wide;
    if (dtype != c->labels.dtype) {
        int r = ndarray_init(&wide, dtype, 0, 1, c->labels.shape);
        if (r)
            return r;
        dtype_cast(c->labels.dtype, c->labels.itemsize, c->labels.data, dtype, wide.itemsize,
                   wide.data, (size_t)c->n);
        ndarray_clear(&c->labels);
        c->labels = wide;
    }
    c->values = mem_try_array((size_t)c->n, sizeof *c->values);
    if (!c->values)
        return -ENOMEM;
    for (int64_t i = 0; i < c->n; i++)
        c->values[i] = dtype_to_double(dtype, c->labels.data, (size_t)i);
    return 0;
}

/* What a run needs of each label: itself, its value, and its place in the main clock. */
enum { LABEL_BYTES = sizeof(int64_t) + sizeof(double) + sizeof(int64_t) };

int job_labels_read(struct making *m, struct clock *c, struct job_data *d, const json_t *data,
                    const char *below)
{
    struct label_look k = {.m = m, .clock = c, .below = below};
    const struct job_look look = {.fn = look_at_labels, .userdata = &k, .kind = JOB_LOOK_ORDER};
    int r = check_numbers(m, c, data, below);
    if (r)
        return r;
    r = job_data_open(m, data, -1, 0, d);
    if (r)
        return job_making_blame(m, r, "clocks", c->name, below);
    r = check_form(m, c, d);
    if (r)
        return r;
    c->n = d->shape[0];
    r = job_making_count(m, (size_t)c->n, LABEL_BYTES);
    if (r)
        return job_making_blame(m, r, "clocks", c->name, below);
    r = job_values_take(m, d, -1, 0, 0, &look, &c->labels);
    if (r == 0 && !job_making_is_check(m))
        r = widen_labels(c);
    if (r == 0)
        ndarray_set_dims(&c->labels, (const char *const[]){c->name});
    return r;
}

int job_labels_take(struct making *m, struct clock *c)
{
    const struct ndarray *from = &m->job->clocks[m->job->main_clock].labels;
    ndarray_clear(&c->labels);
    free(c->values);
    c->values = NULL;
    if (job_making_is_check(m)) {
        job_values_shape(from->dtype, from->itemsize, 1, &c->n, &c->labels);
    } else {
        c->values = mem_try_array((size_t)c->n, sizeof *c->values);
        if (!c->values || ndarray_init(&c->labels, from->dtype, from->itemsize, 1, &c->n))
            return -ENOMEM;
        for (int64_t k = 0; k < c->n; k++) {
            size_t at = (size_t)c->at[k];
            c->values[k] = dtype_to_double(from->dtype, from->data, at);
            memcpy((char *)c->labels.data + (size_t)k * from->itemsize,
                   (const char *)from->data + at * from->itemsize, from->itemsize);
        }
    }
    ndarray_set_dims(&c->labels, (const char *const[]){c->name});
    return 0;
}

int job_labels_thin(struct making *m, struct clock *c, int64_t every)
{
    c->n = 1 + (m->job->clocks[m->job->main_clock].n - 1) / every;
    int r = job_making_count(m, (size_t)c->n, LABEL_BYTES);
    if (r)
        return job_making_blame(m, r, "clocks", c->name, "/every");
    if (!job_making_is_check(m)) {
        c->at = mem_try_array((size_t)c->n, sizeof *c->at);
        if (!c->at)
            return -ENOMEM;
        for (int64_t k = 0; k < c->n; k++)
            c->at[k] = k * every;
    }
    return job_labels_take(m, c);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs that are NaN or infinite: a member of which one has to be finite has failed, others say
 * so in their log, once. What is missing from the first label on, such as cells outside a domain,
 * is nobody's fault; what is missing everywhere is. */
#include "stage/simulation.h"

#include "base/dtype.h"
#include "base/mem.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>

/* "[3, 5]", or nothing for a scalar. */
static const char *cell_text(const struct simlab_view *view, int64_t i, char *ret, size_t size)
{
    int64_t at[SIMLAB_MAX_DIMS] = {0};
    size_t n = 0;
    ret[0] = '\0';
    for (int d = view->ndim; d-- > 0; i /= view->shape[d])
        at[d] = i % view->shape[d];
    for (int d = 0; d < view->ndim && n < size; d++)
        n += (size_t)snprintf(ret + n, size - n, "%s%lld%s", d ? ", " : ", in cell [",
                              (long long)at[d], d == view->ndim - 1 ? "]" : "");
    return ret;
}

static bool can_be_missing(int dtype)
{
    return dtype_is_float(dtype) || dtype == SIMLAB_C8 || dtype == SIMLAB_C16;
}

/* "output u is nan before step 3, in cell [4]", of the first such element; false: all are finite.
 */
static bool describe(const struct simulation *s, int output, int64_t step,
                     const struct simlab_view *view, char *ret, size_t size)
{
    char number[NUMBER_TEXT_SIZE], cell[SIMLAB_MAX_DIMS * 24], when[40] = "at the end";
    for (int64_t i = 0; i < view->size; i++) {
        double value = dtype_to_double(view->dtype, view->data, (size_t)i);
        if (isfinite(value))
            continue;
        if (step >= 0)
            snprintf(when, sizeof when, "before step %lld", (long long)step);
        snprintf(ret, size, "output %s is %s %s%s", s->job->outputs[output].name,
                 number_text(value, number), when, cell_text(view, i, cell, sizeof cell));
        return true;
    }
    return false;
}

static int64_t count_missing(const struct simlab_view *view)
{
    int64_t n = 0;
    if (view->dtype == SIMLAB_F8) {
        const double *values = view->data;
        for (int64_t i = 0; i < view->size; i++)
            n += !isfinite(values[i]);
    } else if (view->dtype == SIMLAB_F4) {
        const float *values = view->data;
        for (int64_t i = 0; i < view->size; i++)
            n += !isfinite(values[i]);
    } else {
        for (int64_t i = 0; i < view->size; i++)
            n += !isfinite(dtype_to_double(view->dtype, view->data, (size_t)i));
    }
    return n;
}

/* Whether it has become so, or is so altogether; notes how many there are at first. */
static bool has_become_missing(struct simulation *s, int output, const struct simlab_view *view)
{
    int64_t *at_first = &s->missing_at_first[output], n = count_missing(view);
    if (*at_first < 0)
        *at_first = n;
    return n > *at_first || (n > 0 && n == view->size);
}

static void begin_member(struct simulation *s)
{
    if (!s->missing_at_first)
        s->missing_at_first = mem_array((size_t)s->job->n_outputs, sizeof *s->missing_at_first);
    for (int i = 0; i < s->job->n_outputs; i++)
        s->missing_at_first[i] = -1;
    s->missing_in = s->n_begun;
    s->missing_is_said = false;
}

static void warn(struct simulation *s, int output, int64_t step, const struct simlab_view *view)
{
    char what[600], line[700];
    if (s->missing_in != s->n_begun)
        begin_member(s);
    if (s->missing_is_said || !s->events->log || !has_become_missing(s, output, view) ||
        !describe(s, output, step, view, what, sizeof what))
        return;
    s->missing_is_said = true;
    snprintf(line, sizeof line, "warning: %s", what);
    s->events->log(s->events->userdata, s->state->member, line);
}

int finite_check(struct simulation *s, int output, int64_t step, const struct simlab_view *view,
                 struct error *e)
{
    char what[600];
    if (!can_be_missing(view->dtype))
        return 0;
    if (!s->job->finite_outputs) {
        warn(s, output, step, view);
        return 0;
    }
    const struct slot *slot = &s->model->slots[s->job->outputs[output].slot];
    return describe(s, output, step, view, what, sizeof what)
               ? error_set(e, STAGE_FAILED, NULL, "process '%s': %s",
                           s->model->processes[slot->process].name, what)
               : 0;
}

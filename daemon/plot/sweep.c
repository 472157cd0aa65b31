/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/sweep.h"

#include "base/buffer.h"
#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "plot/scale.h"
#include "plot/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEP_MAX_BYTES = 1 << 28 };

static void axis_clear(struct sweep_axis *a, int64_t n)
{
    for (int64_t i = 0; a->texts && i < n; i++)
        free(a->texts[i]);
    free(a->name);
    free(a->description);
    free(a->texts);
    free(a->values);
    free(a->index);
    free(a->distinct);
}

void sweep_clear(struct sweep *s)
{
    for (int i = 0; i < s->n_axes; i++)
        axis_clear(&s->axes[i], s->n);
    free(s->axes);
    *s = (struct sweep){0};
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool all_the_same(const struct sweep_axis *a, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (strcmp(a->texts[i], a->texts[0]) != 0)
            return false;
    return true;
}

static void index_values(struct sweep_axis *a, int64_t n)
{
    if (n > SWEEP_MAX_INDEXED) {
        a->n_distinct = all_the_same(a, n) ? 1 : 2;
        return;
    }
    a->index = mem_array((size_t)n, sizeof *a->index);
    a->distinct = mem_array((size_t)n, sizeof *a->distinct);
    for (int64_t i = 0; i < n; i++) {
        int k = 0;
        while (k < a->n_distinct && strcmp(a->distinct[k], a->texts[i]) != 0)
            k++;
        if (k == a->n_distinct)
            a->distinct[a->n_distinct++] = a->texts[i];
        a->index[i] = k;
    }
}

static char *value_text(const struct store_meta *m, const char *data, int64_t i)
{
    if (m->dtype == SIMLAB_STR)
        return mem_printf("%.*s", (int)strnlen(data + (size_t)i * m->itemsize, m->itemsize),
                          data + (size_t)i * m->itemsize);
    char number[32];
    scale_number(number, sizeof number, dtype_to_double(m->dtype, data, (size_t)i), 6);
    return mem_strdup(number);
}

static int read_axis(struct store *s, const char *name, const struct store_meta *m,
                     const json_t *attrs, int64_t n, struct sweep_axis *ret, struct error *e)
{
    const int64_t start = 0;
    char *data = mem_array((size_t)n + 1, m->itemsize);
    int r = store_read(s, name, &start, &n, data, e);
    if (r == 0) {
        *ret = (struct sweep_axis){.name = mem_strdup(name),
                                   .description = subject_label(name, attrs),
                                   .texts = mem_array((size_t)n, sizeof *ret->texts)};
        if (m->dtype != SIMLAB_STR)
            ret->values = mem_array((size_t)n + 1, sizeof *ret->values);
        for (int64_t i = 0; i < n; i++) {
            ret->texts[i] = value_text(m, data, i);
            if (ret->values)
                ret->values[i] = dtype_to_double(m->dtype, data, (size_t)i);
        }
        index_values(ret, n);
    }
    free(data);
    return r;
}

static int add_axis(struct store *s, const char *dim, const char *name, struct sweep *sweep,
                    struct error *e)
{
    struct store_meta m;
    json_t *dims = NULL, *attrs = NULL;
    int r = store_array(s, name, &m, &dims, &attrs, e);
    if (r != 0)
        return r;
    const char *its = json_string_value(json_array_get(dims, 0));
    bool is_small = m.itemsize <= SWEEP_MAX_BYTES / ((size_t)sweep->n + 1);
    if (is_small && m.ndim == 1 && !strcmp(its, dim) && strcmp(name, dim) != 0 &&
        m.shape[0] == sweep->n) {
        struct sweep_axis a = {0};
        r = read_axis(s, name, &m, attrs, sweep->n, &a, e);
        if (r == 0 && a.n_distinct > 1) {
            sweep->axes = mem_resize(sweep->axes, (size_t)sweep->n_axes + 1, sizeof a);
            sweep->axes[sweep->n_axes++] = a;
        } else {
            axis_clear(&a, sweep->n);
        }
    }
    json_decref(dims);
    json_decref(attrs);
    store_meta_clear(&m);
    return r;
}

/* The inputs that the root's provenance names; where it names none (a store of somebody else),
 * every array. */
static int candidates(struct store *s, json_t **ret_names, struct error *e)
{
    json_t *attrs = NULL;
    int r = store_attributes(s, &attrs, e);
    if (r)
        return r;
    json_t *provenance = store_provenance(attrs), *inputs = json_object_get(provenance, "inputs");
    if (json_is_array(inputs))
        *ret_names = json_incref(inputs);
    else
        r = store_arrays(s, ret_names, e);
    json_decref(provenance);
    json_decref(attrs);
    return r;
}

int sweep_read(struct store *s, const char *dim, int64_t n, const char *variable, struct sweep *ret,
               struct error *e)
{
    struct sweep sweep = {.n = n};
    json_t *names = NULL, *name;
    size_t i;
    int r = 0;
    if (n > SUBJECT_MAX_LABELS)
        r = error_set(e, STORE_INVALID, NULL, "%lld members are too many for a picture: select one",
                      (long long)n);
    else
        r = candidates(s, &names, e);
    json_array_foreach(names, i, name)
    {
        if (r == 0 && json_is_string(name) && strcmp(json_string_value(name), variable) != 0)
            r = add_axis(s, dim, json_string_value(name), &sweep, e);
    }
    json_decref(names);
    if (r == 0)
        *ret = sweep;
    else
        sweep_clear(&sweep);
    return r;
}

/* ---- use --------------------------------------------------------------------------------- */

static bool each_pair_once(const struct sweep_axis *a, const struct sweep_axis *b, int64_t n)
{
    if ((int64_t)a->n_distinct * b->n_distinct != n)
        return false;
    char *seen = mem_new((size_t)n);
    bool once = true;
    for (int64_t i = 0; once && i < n; i++) {
        char *cell = &seen[(int64_t)a->index[i] * b->n_distinct + b->index[i]];
        once = !*cell;
        *cell = 1;
    }
    free(seen);
    return once;
}

bool sweep_is_product(const struct sweep *s, const struct sweep_axis **ret_rows,
                      const struct sweep_axis **ret_columns)
{
    /* Outputs along the batch dimension vary too: any two that make the product will do, inputs
     * hardly ever being fewer than the rest. */
    for (int i = 0; i < s->n_axes; i++)
        for (int j = i + 1; j < s->n_axes; j++) {
            const struct sweep_axis *a = &s->axes[i], *b = &s->axes[j];
            if (!a->index || a->n_distinct < 2 || b->n_distinct < 2 || !each_pair_once(a, b, s->n))
                continue;
            bool a_first = a->index[1] == a->index[0];
            *ret_rows = a_first ? a : b;
            *ret_columns = a_first ? b : a;
            return true;
        }
    return false;
}

static const char *short_name(const struct sweep *s, const struct sweep_axis *a)
{
    const char *after = strstr(a->name, "__");
    if (!after || !after[2])
        return a->name;
    for (int i = 0; i < s->n_axes; i++) {
        const char *other = strstr(s->axes[i].name, "__");
        if (&s->axes[i] != a && other && !strcmp(other + 2, after + 2))
            return a->name;
    }
    return after + 2;
}

char *sweep_label(const struct sweep *s, int64_t member)
{
    if (s->n_axes == 0)
        return NULL;
    struct buffer b = {0};
    for (int i = 0; i < s->n_axes; i++)
        buffer_printf(&b, "%s%s=%s", i ? ", " : "", short_name(s, &s->axes[i]),
                      s->axes[i].texts[member]);
    return buffer_take(&b);
}

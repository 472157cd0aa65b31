/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/coordinate.h"

#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COORDINATE_MAX_TEXTS = 4096, COORDINATE_MAX_LENGTH = 4096 };

void coordinate_clear(struct coordinate *c)
{
    for (int64_t i = 0; c->texts && i < c->n; i++)
        free(c->texts[i]);
    free(c->texts);
    free(c->values);
    free(c->label);
    free(c->units);
    *c = (struct coordinate){0};
}

static int read_texts(const struct subject *s, const char *name, const struct store_meta *m,
                      struct coordinate *c, struct error *e)
{
    const int64_t zero = 0;
    if (c->n > COORDINATE_MAX_TEXTS || m->itemsize > COORDINATE_MAX_LENGTH)
        return 0;
    char *data = mem_array((size_t)c->n, m->itemsize);
    int r = store_read(s->store, name, &zero, &c->n, data, e);
    if (r == 0) {
        c->texts = mem_array((size_t)c->n, sizeof *c->texts);
        for (int64_t i = 0; i < c->n; i++)
            c->texts[i] =
                mem_printf("%.*s", (int)strnlen(data + (size_t)i * m->itemsize, m->itemsize),
                           data + (size_t)i * m->itemsize);
    }
    free(data);
    return r;
}

static int read_numbers(const struct subject *s, const char *name, const struct store_meta *m,
                        struct coordinate *c, struct error *e)
{
    const int64_t zero = 0;
    double *values;
    int r = subject_read_array(s->store, name, m, &zero, &c->n, &values, e);
    if (r != 0)
        return r;
    bool all = true;
    for (int64_t i = 0; all && i < c->n; i++)
        all = isfinite(values[i]);
    if (all) {
        free(c->values);
        c->values = values;
        c->is_index = false;
    } else {
        free(values);
    }
    return 0;
}

static int read_labels(const struct subject *s, const char *name, struct coordinate *c,
                       struct error *e)
{
    struct store_meta m;
    json_t *dims = NULL, *attrs = NULL;
    int r = store_array(s->store, name, &m, &dims, &attrs, e);
    if (r != 0)
        return r;
    if (m.shape[0] == c->n)
        r = m.dtype == SIMLAB_STR ? read_texts(s, name, &m, c, e) : read_numbers(s, name, &m, c, e);
    const char *axis = json_member_string(attrs, "axis");
    c->is_north = axis && strcmp(axis, "Y") == 0;
    free(c->label);
    c->label = subject_label(name, attrs);
    c->units = mem_strdup(subject_units(attrs));
    json_decref(dims);
    json_decref(attrs);
    store_meta_clear(&m);
    return r;
}

int coordinate_read(const struct subject *s, int d, struct coordinate *ret, struct error *e)
{
    const char *name = subject_dim(s, d);
    struct coordinate c = {.n = s->meta.shape[d], .label = mem_strdup(name), .is_index = true};
    int r = 0;
    if (c.n > SUBJECT_MAX_LABELS)
        r = error_set(
            e, STORE_INVALID, NULL,
            "\"%s\" has %lld labels along \"%s\", and a picture has room for %d: select one",
            s->variable, (long long)c.n, name, SUBJECT_MAX_LABELS);
    if (r == 0) {
        c.values = mem_array((size_t)c.n, sizeof *c.values);
        for (int64_t i = 0; i < c.n; i++)
            c.values[i] = (double)i;
        if (subject_has_coordinate(s, d))
            r = read_labels(s, name, &c, e);
    }
    if (r == 0)
        *ret = c;
    else
        coordinate_clear(&c);
    return r;
}

char *coordinate_text(const struct subject *s, int d, const struct coordinate *c, int64_t i)
{
    if (c->texts)
        return mem_strdup(c->texts[i]);
    if (!subject_has_coordinate(s, d))
        return mem_printf("%s %lld", subject_dim(s, d), (long long)i);
    char number[32];
    scale_number(number, sizeof number, c->values[i], 6);
    bool has_units = c->units && *c->units && !strstr(c->units, " since ");
    return mem_printf("%s%s%s", number, has_units ? " " : "", has_units ? c->units : "");
}

char *coordinate_name(const struct subject *s, int d, const struct coordinate *c, int64_t i)
{
    char *text = coordinate_text(s, d, c, i);
    if (c->texts || !subject_has_coordinate(s, d))
        return text;
    char *name = mem_printf("%s = %s", subject_dim(s, d), text);
    free(text);
    return name;
}

bool coordinate_is_even(const struct coordinate *c)
{
    if (c->texts)
        return false;
    double first = c->values[0],
           step = c->n > 1 ? (c->values[c->n - 1] - first) / (double)(c->n - 1) : 1;
    if (step == 0)
        return false;
    for (int64_t i = 0; i < c->n; i++)
        if (!(fabs(c->values[i] - first - step * (double)i) <= 0.01 * fabs(step)))
            return false;
    return true;
}

double coordinate_spacing(const struct coordinate *c)
{
    return c->n > 1 && coordinate_is_even(c)
               ? fabs(c->values[c->n - 1] - c->values[0]) / (double)(c->n - 1)
               : 1;
}

/* Ticks at whole indices. */
static int bounded(const struct coordinate *c, int wanted, int64_t most)
{
    return c->is_index && wanted > most ? (int)most : wanted;
}

void coordinate_scale(const struct coordinate *c, int wanted, struct scale *ret)
{
    if (c->texts) {
        scale_init_texts(ret, c->texts, (int)c->n, wanted);
        return;
    }
    double low = c->values[0], high = low;
    for (int64_t i = 0; i < c->n; i++) {
        low = fmin(low, c->values[i]);
        high = fmax(high, c->values[i]);
    }
    scale_init(ret, low, high, bounded(c, wanted, c->n - 1));
}

void coordinate_scale_cells(const struct coordinate *c, int wanted, struct scale *ret)
{
    if (coordinate_is_even(c)) {
        double first = c->values[0], last = c->values[c->n - 1];
        double half = coordinate_spacing(c) / 2;
        scale_init(ret, fmin(first, last) - half, fmax(first, last) + half,
                   bounded(c, wanted, c->n));
        return;
    }
    if (wanted > SCALE_MAX_TICKS)
        wanted = SCALE_MAX_TICKS;
    *ret = (struct scale){.low = -0.5, .high = (double)c->n - 0.5};
    int64_t every = wanted > 0 ? (c->n + wanted - 1) / wanted : c->n;
    for (int64_t i = 0; i < c->n && ret->n_ticks < SCALE_MAX_TICKS; i += every) {
        struct scale_tick *t = &ret->ticks[ret->n_ticks++];
        t->value = (double)i;
        if (c->texts)
            snprintf(t->text, sizeof t->text, "%s", c->texts[i]);
        else
            scale_number(t->text, sizeof t->text, c->values[i], 6);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/series.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

void series_clear(struct series *s)
{
    free(s->values);
    coordinate_clear(&s->x);
    *s = (struct series){0};
}

/* The box has the store's order of dims, of which only two are longer than one label. */
static int order_lines(const struct view *v, struct series *s, struct error *e)
{
    if (v->along < v->x || v->along < 0)
        return 0;
    double *ordered = mem_try_array((size_t)s->n_lines * (size_t)s->n_points, sizeof *ordered);
    if (!ordered)
        return error_errno(e, -ENOMEM, "read what is to be drawn");
    for (int64_t i = 0; i < s->n_lines; i++)
        for (int64_t j = 0; j < s->n_points; j++)
            ordered[i * s->n_points + j] = s->values[j * s->n_lines + i];
    free(s->values);
    s->values = ordered;
    return 0;
}

static void count(struct view *v, const struct series *s)
{
    v->n_members = s->n_lines;
    for (int64_t i = 0; i < s->n_lines; i++) {
        int64_t before = v->n_missing;
        view_count(v, s->values + i * s->n_points, s->n_points);
        v->n_empty += v->along >= 0 && v->n_missing - before == s->n_points;
    }
}

int series_read(struct view *v, struct series *ret, struct error *e)
{
    const struct store_meta *m = &v->subject->meta;
    int64_t start[SIMLAB_MAX_DIMS], n[SIMLAB_MAX_DIMS];
    struct series s = {.n_lines = v->along < 0 ? 1 : m->shape[v->along],
                       .n_points = m->shape[v->x]};
    for (int d = 0; d < m->ndim; d++) {
        bool whole = d == v->x || d == v->along;
        start[d] = whole ? 0 : v->subject->index[d];
        n[d] = whole ? m->shape[d] : 1;
    }
    int r = coordinate_read(v->subject, v->x, &s.x, e);
    if (r == 0)
        r = view_read(v, start, n, &s.values, e);
    if (r == 0)
        r = order_lines(v, &s, e);
    if (r != 0) {
        series_clear(&s);
        return r;
    }
    count(v, &s);
    *ret = s;
    return 0;
}

void series_size(const struct view *v, struct chart *c)
{
    c->width = v->o->panel_width ? v->o->panel_width : SERIES_WIDTH;
    c->height = c->width * 3 / 5;
    if (c->height < 60)
        c->height = 60;
}

void series_chart(const struct view *v, const struct series *s, struct chart *ret)
{
    *ret = (struct chart){.title = view_title(v),
                          .x_label = mem_strdup(s->x.label),
                          .y_label = view_value_label(v),
                          .note = view_note(v)};
    series_size(v, ret);
    coordinate_scale(&s->x, ret->width / 90, &ret->x);
    view_scale(v, s->values, s->n_lines * s->n_points, ret->height / 60, &ret->y);
}

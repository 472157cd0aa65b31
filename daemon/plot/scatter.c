/* SPDX-License-Identifier: Apache-2.0 */
/* One value of each member against an input that was swept, coloured by another one. */
#include "base/mem.h"
#include "plot/series.h"
#include "plot/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLOURS = 8 };

struct scatter {
    struct sweep sweep;
    const struct sweep_axis *x, *colour; /* colour NULL: all are alike */
    int64_t n;
    double *values; /* owned */
};

static void scatter_clear(struct scatter *s)
{
    sweep_clear(&s->sweep);
    free(s->values);
}

static int no_axis(const struct view *v, const struct scatter *s, struct error *e)
{
    struct buffer names = {0};
    for (int i = 0; i < s->sweep.n_axes; i++)
        buffer_printf(&names, "%s%s", i ? ", " : "", s->sweep.axes[i].name);
    int r;
    if (v->o->against)
        r = error_set(e, STORE_INVALID, NULL,
                      "--against %.100s: it does not vary along \"%s\"; what does: %s",
                      v->o->against, subject_dim(v->subject, v->along),
                      names.size ? names.data : "nothing");
    else
        r = error_set(e, STORE_INVALID, NULL,
                      "\"%s\" cannot be drawn so: a scatter needs an input of one number for each "
                      "member of \"%s\"; --kind histogram does not",
                      v->subject->variable, subject_dim(v->subject, v->along));
    buffer_free(&names);
    return r;
}

static int pick_axes(const struct view *v, struct scatter *s, struct error *e)
{
    for (int i = 0; i < s->sweep.n_axes; i++) {
        const struct sweep_axis *axis = &s->sweep.axes[i];
        bool is_x = v->o->against ? !strcmp(axis->name, v->o->against)
                                  : !s->x && (axis->values || s->n <= SWEEP_MAX_INDEXED);
        if (is_x && (axis->values || axis->index))
            s->x = axis;
        else if (!s->colour && (axis->values || (axis->index && axis->n_distinct <= MOST_COLOURS)))
            s->colour = axis;
    }
    return s->x ? 0 : no_axis(v, s, e);
}

static int read_all(struct view *v, struct scatter *s, struct error *e)
{
    const struct store_meta *m = &v->subject->meta;
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS];
    for (int d = 0; d < m->ndim; d++) {
        start[d] = d == v->along ? 0 : v->subject->index[d];
        count[d] = d == v->along ? m->shape[d] : 1;
    }
    s->n = m->shape[v->along];
    int r = view_read(v, start, count, &s->values, e);
    if (r == 0)
        r = sweep_read(v->subject->store, subject_dim(v->subject, v->along), s->n,
                       v->subject->variable, &s->sweep, e);
    if (r != 0)
        return r;
    view_count(v, s->values, s->n);
    v->n_members = s->n;
    return pick_axes(v, s, e);
}

/* ---- axes -------------------------------------------------------------------------------- */

static double x_of(const struct scatter *s, int64_t i)
{
    return s->x->values ? s->x->values[i] : s->x->index[i];
}

static void range_of(const double *values, int64_t n, double *ret_low, double *ret_high)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(values[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    *ret_low = low <= high ? low : 0;
    *ret_high = low <= high ? high : 1;
}

static void make_x(const struct scatter *s, struct chart *c)
{
    double low, high;
    if (!s->x->values) {
        scale_init_texts(&c->x, s->x->distinct, s->x->n_distinct, c->width / 80);
        return;
    }
    range_of(s->x->values, s->n, &low, &high);
    if (scale_suits_logarithm(s->x->values, s->n)) {
        scale_init_logarithmic(&c->x, low, high, c->width / 90);
    } else {
        double room = 0.04 * (high - low);
        scale_init(&c->x, low - room, high + room, c->width / 90);
    }
}

/* ---- colours ----------------------------------------------------------------------------- */

static bool has_few_colours(const struct scatter *s)
{
    return s->colour->index && s->colour->n_distinct <= MOST_COLOURS;
}

/* Of the k-th distinct value: by its rank where values are numbers. */
static struct colour distinct_colour(const struct scatter *s, int k)
{
    if (!s->colour->values)
        return palette_distinct(k);
    double values[MOST_COLOURS] = {0}, own;
    int below = 0;
    for (int64_t i = 0; i < s->n; i++)
        values[s->colour->index[i]] = s->colour->values[i];
    own = values[k];
    for (int i = 0; i < s->colour->n_distinct; i++)
        below += values[i] < own;
    return palette_ordered((double)below / (s->colour->n_distinct - 1));
}

static struct colour colour_of(const struct scatter *s, const struct chart *c, int64_t i)
{
    if (!s->colour)
        return palette_distinct(0);
    if (has_few_colours(s))
        return c->entries[s->colour->index[i]].pen.colour;
    return palette_ordered(scale_place(&c->bar_scale, s->colour->values[i]));
}

static void make_legend(const struct scatter *s, struct chart *c)
{
    if (!s->colour)
        return;
    c->legend_title = mem_strdup(s->colour->description);
    if (has_few_colours(s)) {
        for (int k = 0; k < s->colour->n_distinct; k++) {
            struct chart_entry *entry = chart_add_entry(c, mem_strdup(s->colour->distinct[k]));
            entry->is_disc = true;
            entry->pen = (struct canvas_pen){.colour = distinct_colour(s, k), .width = 4};
        }
        return;
    }
    c->bar = palette_ordered;
    scale_init_values(&c->bar_scale, s->colour->values, s->n, c->height / 60);
}

/* ---- drawing ----------------------------------------------------------------------------- */

static void make_chart(const struct view *v, const struct scatter *s, struct chart *c)
{
    char *more = mem_printf("%lld members of %s", (long long)(v->n_values - v->n_missing),
                            subject_dim(v->subject, v->along));
    *c = (struct chart){.title = view_title(v),
                        .subtitle = view_subtitle(v, more),
                        .y_label = view_value_label(v),
                        .x_label = mem_strdup(s->x->description),
                        .note = view_note(v)};
    free(more);
    series_size(v, c);
    make_x(s, c);
    view_scale(v, s->values, s->n, c->height / 60, &c->y);
    make_legend(s, c);
}

static void draw_points(const struct scatter *s, const struct chart *c, struct canvas *canvas)
{
    double radius = s->n <= 100 ? 4 : s->n <= 2000 ? 2.6 : 1.4;
    double opacity = s->n <= 100 ? 0.9 : s->n <= 2000 ? 0.7 : 0.35;
    for (int64_t i = 0; i < s->n; i++)
        canvas_disc(canvas, chart_x(c, x_of(s, i)), chart_y(c, s->values[i]), radius,
                    colour_of(s, c, i), opacity);
}

int scatter_draw(struct view *v, struct canvas *ret, struct error *e)
{
    struct scatter s = {0};
    struct chart chart = {0};
    struct canvas canvas = {0};
    int r = read_all(v, &s, e);
    if (r == 0) {
        make_chart(v, &s, &chart);
        r = chart_begin(&chart, &canvas, e);
    }
    if (r == 0) {
        draw_points(&s, &chart, &canvas);
        chart_end(&chart, &canvas);
        v->what = mem_printf("%lld points of %s against %s%s%s",
                             (long long)(v->n_values - v->n_missing), v->subject->variable,
                             s.x->name, s.colour ? " by " : "", s.colour ? s.colour->name : "");
        *ret = canvas;
    }
    chart_clear(&chart);
    scatter_clear(&s);
    return r;
}

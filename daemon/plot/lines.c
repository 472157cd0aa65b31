/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: one for each member or label, with a legend, or where they are many a colour bar. */
#include "base/mem.h"
#include "plot/series.h"
#include "plot/sweep.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What tells the lines apart. */
struct parting {
    int64_t n;
    double *values;     /* owned: by which they have an order; NULL: they have none */
    char **texts;       /* owned: of each; NULL where they are too many … */
    struct scale scale; /* … and colours tell the values, or the numbers, along a bar */
    char *title;        /* owned */
    char *by;           /* owned: a short name */
};

static void parting_clear(struct parting *p)
{
    for (int64_t i = 0; p->texts && i < p->n; i++)
        free(p->texts[i]);
    free(p->texts);
    free(p->values);
    free(p->title);
    free(p->by);
}

static bool are_finite(const double *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static char *names_of(const struct sweep *sweep)
{
    struct buffer b = {0};
    for (int i = 0; i < sweep->n_axes; i++)
        buffer_printf(&b, "%s%s", i ? ", " : "", sweep->axes[i].name);
    return buffer_take(&b);
}

static void part_by_sweep(struct parting *p, const struct sweep *sweep)
{
    const struct sweep_axis *axis = &sweep->axes[0];
    bool is_one = sweep->n_axes == 1;
    bool names_each = p->texts && !is_one; /* else colours tell the first one's values */
    if (!names_each && axis->values && are_finite(axis->values, p->n)) {
        p->values = mem_array((size_t)p->n, sizeof *p->values);
        memcpy(p->values, axis->values, (size_t)p->n * sizeof *p->values);
    }
    p->title = names_each ? NULL : mem_strdup(axis->description);
    p->by = names_of(sweep);
    if (!p->texts)
        return;
    for (int64_t i = 0; i < p->n; i++)
        p->texts[i] = is_one ? mem_strdup(axis->texts[i]) : sweep_label(sweep, i);
}

static int part_by_coordinate(const struct view *v, struct parting *p, struct error *e)
{
    struct coordinate c;
    int r = coordinate_read(v->subject, v->along, &c, e);
    if (r != 0)
        return r;
    if (!c.texts) {
        p->values = c.values;
        c.values = NULL;
    }
    p->title = mem_strdup(c.label);
    p->by = mem_strdup(subject_dim(v->subject, v->along));
    for (int64_t i = 0; p->texts && i < p->n; i++) {
        char number[SCALE_TEXT];
        if (!c.texts)
            scale_number(number, sizeof number, p->values[i], 6);
        p->texts[i] = mem_strdup(c.texts ? c.texts[i] : number);
    }
    coordinate_clear(&c);
    return 0;
}

static int find_parting(const struct view *v, const struct series *s, struct parting *p,
                        struct error *e)
{
    struct sweep sweep = {0};
    int r = 0;
    p->n = s->n_lines;
    if (p->n <= VIEW_MAX_LEGEND)
        p->texts = mem_array((size_t)p->n, sizeof *p->texts);
    if (v->subject->role[v->along] == SUBJECT_BATCH)
        r = sweep_read(v->subject->store, subject_dim(v->subject, v->along), p->n,
                       v->subject->variable, &sweep, e);
    if (r == 0 && sweep.n_axes > 0)
        part_by_sweep(p, &sweep);
    else if (r == 0)
        r = part_by_coordinate(v, p, e);
    sweep_clear(&sweep);
    return r;
}

/* ---- colours ----------------------------------------------------------------------------- */

static void make_scale(struct parting *p, int wanted)
{
    if (p->values)
        scale_init_values(&p->scale, p->values, p->n, wanted);
    else
        scale_init(&p->scale, 0, (double)(p->n - 1), wanted);
}

/* Few lines are evenly apart in colour, by their order; many as their values are. */
static double rank_of(const struct parting *p, int64_t line)
{
    int below = 0, others = 0;
    for (int64_t i = 0; i < p->n; i++) {
        below += p->values[i] < p->values[line];
        others += p->values[i] != p->values[line];
    }
    return others ? (double)below / fmax(others, p->n - 1) : 0;
}

static struct canvas_pen pen_of(const struct parting *p, int64_t line)
{
    struct canvas_pen pen = {.width = 2};
    if (p->n > VIEW_MAX_LEGEND) {
        double at = p->values ? p->values[line] : (double)line;
        pen.width = 1.3;
        pen.colour = palette_ordered(scale_place(&p->scale, at));
    } else if (p->values && p->n > 1) {
        pen.colour = palette_ordered(rank_of(p, line));
    } else {
        pen.colour = palette_distinct((int)line);
        pen.dash = line >= 7 ? 7 : 0;
    }
    return pen;
}

static void make_legend(struct parting *p, struct chart *c)
{
    if (p->n < 2)
        return;
    c->legend_title = mem_strdup(p->title);
    if (p->texts) {
        for (int64_t i = 0; i < p->n; i++) {
            struct chart_entry *entry = chart_add_entry(c, mem_strdup(p->texts[i]));
            if (entry)
                entry->pen = pen_of(p, i);
        }
        return;
    }
    if (!p->values && !c->legend_title)
        c->legend_title = mem_strdup("member");
    c->bar = palette_ordered;
    make_scale(p, c->height / 60);
    c->bar_scale = p->scale;
}

/* ---- drawing ----------------------------------------------------------------------------- */

static int draw_line(const struct chart *c, struct canvas *canvas, const struct series *s,
                     int64_t line, const struct canvas_pen *pen, struct canvas_point *points)
{
    const double *values = s->values + line * s->n_points;
    for (int64_t i = 0; i < s->n_points; i++) {
        points[i] = (struct canvas_point){chart_x(c, s->x.values[i]), chart_y(c, values[i])};
        if (s->n_points <= SERIES_MANY_POINTS && isfinite(values[i]))
            canvas_disc(canvas, points[i].x, points[i].y, pen->width + 0.8, pen->colour, 1);
    }
    return canvas_polyline(canvas, points, s->n_points, pen);
}

static int draw_all(const struct chart *c, struct canvas *canvas, const struct series *s,
                    const struct parting *p, struct error *e)
{
    struct canvas_point *points = mem_try_array((size_t)s->n_points, sizeof *points);
    int r = points ? 0 : -ENOMEM;
    int64_t shown = s->n_lines < VIEW_MAX_LINES ? s->n_lines : VIEW_MAX_LINES;
    for (int64_t k = 0; r == 0 && k < shown; k++) {
        int64_t line = shown > 1 ? k * (s->n_lines - 1) / (shown - 1) : 0;
        struct canvas_pen pen = pen_of(p, line);
        r = draw_line(c, canvas, s, line, &pen, points);
    }
    free(points);
    return r == 0 ? 0 : error_errno(e, r, "draw lines");
}

static char *lines_text(const struct view *v, const struct series *s)
{
    if (v->along < 0)
        return NULL;
    const char *dim = subject_dim(v->subject, v->along);
    bool members = v->subject->role[v->along] == SUBJECT_BATCH;
    if (s->n_lines > VIEW_MAX_LINES)
        return mem_printf("%d of %lld %s %s", VIEW_MAX_LINES, (long long)s->n_lines,
                          members ? "members of" : "labels of", dim);
    return mem_printf("%lld %s %s", (long long)s->n_lines, members ? "members of" : "labels of",
                      dim);
}

static void tell(struct view *v, const struct series *s, const struct parting *p)
{
    long long n = s->n_lines < VIEW_MAX_LINES ? s->n_lines : VIEW_MAX_LINES;
    v->what =
        mem_printf("%lld line%s of %s over %s%s%s", n, n == 1 ? "" : "s", v->subject->variable,
                   subject_dim(v->subject, v->x), p->by ? " by " : "", p->by ? p->by : "");
}

int lines_draw(struct view *v, struct canvas *ret, struct error *e)
{
    struct series s = {0};
    struct parting p = {.n = 1};
    struct chart chart = {0};
    struct canvas canvas = {0};
    int r = series_read(v, &s, e);
    if (r == 0 && v->along >= 0)
        r = find_parting(v, &s, &p, e);
    if (r == 0) {
        series_chart(v, &s, &chart);
        char *more = lines_text(v, &s);
        chart.subtitle = view_subtitle(v, more);
        free(more);
        make_legend(&p, &chart);
        r = chart_begin(&chart, &canvas, e);
    }
    if (r == 0)
        r = draw_all(&chart, &canvas, &s, &p, e);
    if (r == 0) {
        chart_end(&chart, &canvas);
        tell(v, &s, &p);
        *ret = canvas;
    } else {
        canvas_clear(&canvas);
    }
    chart_clear(&chart);
    parting_clear(&p);
    series_clear(&s);
    return r;
}

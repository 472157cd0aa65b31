/* SPDX-License-Identifier: Apache-2.0 */
/* An ensemble: its median, and how far its members lie apart. */
#include "base/mem.h"
#include "plot/quantile.h"
#include "plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { N_QUANTILES = 5, MEDIAN = 2 };

static const double at[N_QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};
static const struct colour blue = {0, 92, 158};
static const double outer = 0.18, inner = 0.30;

/* [quantile][point], in place of the members' values. */
static int reduce(struct series *s, struct error *e)
{
    double *reduced = mem_try_array((size_t)s->n_points, N_QUANTILES * sizeof *reduced);
    double *column = mem_try_array((size_t)s->n_lines, sizeof *column);
    if (!reduced || !column) {
        free(reduced);
        free(column);
        return error_errno(e, -ENOMEM, "take quantiles");
    }
    for (int64_t j = 0; j < s->n_points; j++) {
        double of_point[N_QUANTILES];
        for (int64_t i = 0; i < s->n_lines; i++)
            column[i] = s->values[i * s->n_points + j];
        quantiles(column, s->n_lines, at, N_QUANTILES, of_point);
        for (int k = 0; k < N_QUANTILES; k++)
            reduced[k * s->n_points + j] = of_point[k];
    }
    free(column);
    free(s->values);
    s->values = reduced;
    s->n_lines = N_QUANTILES;
    return 0;
}

static double between(double a, double b, double part)
{
    return a + part * (b - a);
}

/* Columns of pixels from one point to the next; each column belongs to one such piece. */
static void draw_piece(const struct chart *c, struct canvas *canvas, const struct series *s,
                       int64_t j, const double *low, const double *high, double opacity)
{
    double x0 = chart_x(c, s->x.values[j]), x1 = chart_x(c, s->x.values[j + 1]);
    if (!isfinite(low[j]) || !isfinite(low[j + 1]) || !(fabs(x1 - x0) > 0))
        return;
    int first = (int)ceil(fmin(x0, x1) - 0.5), last = (int)ceil(fmax(x0, x1) - 0.5);
    for (int x = first; x < last; x++) {
        double part = fmin(1, fmax(0, (x + 0.5 - x0) / (x1 - x0)));
        canvas_column(canvas, x, chart_y(c, between(low[j], low[j + 1], part)),
                      chart_y(c, between(high[j], high[j + 1], part)), blue, opacity);
    }
}

static void draw_band(const struct chart *c, struct canvas *canvas, const struct series *s,
                      int from, int to, double opacity)
{
    const double *low = s->values + from * s->n_points, *high = s->values + to * s->n_points;
    for (int64_t j = 0; j + 1 < s->n_points; j++)
        draw_piece(c, canvas, s, j, low, high, opacity);
    for (int64_t j = 0; j < s->n_points; j++) { /* with no neighbour: a bar */
        bool before = j > 0 && isfinite(low[j - 1]);
        bool after = j + 1 < s->n_points && isfinite(low[j + 1]);
        int middle = (int)chart_x(c, s->x.values[j]);
        for (int x = middle - 5; isfinite(low[j]) && !before && !after && x <= middle + 5; x++)
            canvas_column(canvas, x, chart_y(c, low[j]), chart_y(c, high[j]), blue, opacity);
    }
}

static int draw_median(const struct chart *c, struct canvas *canvas, const struct series *s,
                       const struct canvas_pen *pen, struct error *e)
{
    struct canvas_point *points = mem_try_array((size_t)s->n_points, sizeof *points);
    if (!points)
        return error_errno(e, -ENOMEM, "draw lines");
    for (int64_t j = 0; j < s->n_points; j++) {
        double median = s->values[MEDIAN * s->n_points + j];
        points[j] = (struct canvas_point){chart_x(c, s->x.values[j]), chart_y(c, median)};
    }
    int r = canvas_polyline(canvas, points, s->n_points, pen);
    free(points);
    return r == 0 ? 0 : error_errno(e, r, "draw lines");
}

static void make_legend(struct chart *c, const struct canvas_pen *median)
{
    chart_add_entry(c, mem_strdup("median"))->pen = *median;
    struct chart_entry *half = chart_add_entry(c, mem_strdup("25 to 75 %"));
    *half = (struct chart_entry){
        half->text, {.colour = blue}, .is_area = true, .opacity = 1 - (1 - outer) * (1 - inner)};
    struct chart_entry *most = chart_add_entry(c, mem_strdup("5 to 95 %"));
    *most = (struct chart_entry){most->text, {.colour = blue}, .is_area = true, .opacity = outer};
}

static char *members_text(const struct view *v)
{
    bool members = v->subject->role[v->along] == SUBJECT_BATCH;
    return mem_printf("%lld %s of %s", (long long)(v->n_members - v->n_empty),
                      members ? "members" : "labels", subject_dim(v->subject, v->along));
}

int bands_draw(struct view *v, struct canvas *ret, struct error *e)
{
    const struct canvas_pen median = {.colour = {0, 60, 110}, .width = 2.2};
    struct series s = {0};
    struct chart chart = {0};
    struct canvas canvas = {0};
    int r = series_read(v, &s, e);
    if (r == 0)
        r = reduce(&s, e);
    if (r == 0) {
        series_chart(v, &s, &chart);
        char *more = members_text(v);
        chart.subtitle = view_subtitle(v, more);
        make_legend(&chart, &median);
        v->what = mem_printf("median and quantiles of %s over %s, of %s", v->subject->variable,
                             subject_dim(v->subject, v->x), more);
        free(more);
        r = chart_begin(&chart, &canvas, e);
    }
    if (r == 0) {
        draw_band(&chart, &canvas, &s, 0, N_QUANTILES - 1, outer);
        draw_band(&chart, &canvas, &s, 1, N_QUANTILES - 2, inner);
        r = draw_median(&chart, &canvas, &s, &median, e);
    }
    if (r == 0) {
        chart_end(&chart, &canvas);
        *ret = canvas;
    } else {
        canvas_clear(&canvas);
    }
    chart_clear(&chart);
    series_clear(&s);
    return r;
}

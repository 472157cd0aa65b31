/* SPDX-License-Identifier: Apache-2.0 */
/* How often values occur: of all labels but those of a clock. */
#include "base/mem.h"
#include "plot/quantile.h"
#include "plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_BINS = 60 };

struct histogram {
    int64_t n;      /* finite values … */
    double *values; /* … sorted; owned */
    double low, width;
    int n_bins;
    int64_t counts[MAX_BINS];
    double quartiles[3];
};

static int read_values(struct view *v, struct histogram *h, struct error *e)
{
    const struct store_meta *m = &v->subject->meta;
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS], n = 1;
    for (int d = 0; d < m->ndim; d++) {
        bool whole = !v->subject->given[d] && v->subject->role[d] != SUBJECT_CLOCK;
        start[d] = whole ? 0 : v->subject->index[d];
        count[d] = whole ? m->shape[d] : 1;
        n = count[d] > SUBJECT_MAX_ELEMENTS / n ? SUBJECT_MAX_ELEMENTS : n * count[d];
    }
    int r = view_read(v, start, count, &h->values, e);
    if (r != 0)
        return r;
    static const double at[] = {0.25, 0.5, 0.75};
    view_count(v, h->values, n);
    quantiles(h->values, n, at, 3, h->quartiles);
    h->n = n - v->n_missing;
    if (h->n == 0)
        return error_set(e, STORE_INVALID, NULL,
                         "\"%s\" cannot be drawn: all %lld values are missing",
                         v->subject->variable, (long long)n);
    return 0;
}

static bool are_few_integers(const struct histogram *h)
{
    if (!(h->values[h->n - 1] - h->values[0] < MAX_BINS - 1))
        return false;
    for (int64_t i = 0; i < h->n; i++)
        if (h->values[i] != floor(h->values[i]))
            return false;
    return true;
}

/* A bin for each integer; else the rule of Freedman and Diaconis (1981), within bounds. */
static void make_bins(struct histogram *h)
{
    double low = h->values[0], high = h->values[h->n - 1];
    if (are_few_integers(h)) {
        h->low = low - 0.5;
        h->width = 1;
        h->n_bins = (int)(high - low) + 1;
    } else {
        double width = 2 * (h->quartiles[2] - h->quartiles[0]) / cbrt((double)h->n);
        double wish = width > 0 ? ceil((high - low) / width) : sqrt((double)h->n);
        h->n_bins = wish > MAX_BINS ? MAX_BINS : wish > 5 ? (int)wish : 5;
        struct scale whole; /* parts ends that are too near to one another */
        scale_init(&whole, low, high, 5);
        h->low = whole.low;
        h->width = (whole.high - whole.low) / h->n_bins;
    }
    for (int64_t i = 0; i < h->n; i++) {
        double bin = (h->values[i] - h->low) / h->width;
        h->counts[bin >= h->n_bins ? h->n_bins - 1 : bin > 0 ? (int)bin : 0]++;
    }
}

/* "members" where each has one value. */
static const char *unit_of(const struct view *v)
{
    for (int d = 0; d < v->subject->meta.ndim; d++)
        if (!v->subject->given[d] && v->subject->role[d] == SUBJECT_SPACE)
            return "values";
    return subject_first(v->subject, SUBJECT_BATCH) >= 0 ? "members" : "values";
}

static void make_chart(const struct view *v, const struct histogram *h, struct chart *c)
{
    int64_t most = 0;
    for (int i = 0; i < h->n_bins; i++)
        most = h->counts[i] > most ? h->counts[i] : most;
    char *more = mem_printf("%lld %s", (long long)h->n, unit_of(v));
    *c = (struct chart){.title = view_title(v),
                        .subtitle = view_subtitle(v, more),
                        .x_label = view_value_label(v),
                        .y_label = mem_strdup(unit_of(v)),
                        .note = view_note(v)};
    free(more);
    series_size(v, c);
    double room = 0.03 * h->width * h->n_bins;
    scale_init(&c->x, h->low - room, h->low + h->width * h->n_bins + room, c->width / 90);
    int ticks = most < c->height / 60 ? (int)most : c->height / 60;
    scale_init(&c->y, 0, 1.05 * (double)most, ticks);
}

static void draw_bars(const struct histogram *h, const struct chart *c, struct canvas *canvas)
{
    const struct colour blue = {86, 145, 190};
    for (int i = 0; i < h->n_bins; i++) {
        int left = (int)lround(chart_x(c, h->low + i * h->width));
        int right = (int)lround(chart_x(c, h->low + (i + 1) * h->width));
        double top = chart_y(c, (double)h->counts[i]);
        int gap = right - left > 4;
        for (int x = left + gap; x < right && h->counts[i] > 0; x++)
            canvas_column(canvas, x, top, c->top + c->height, blue, 1);
    }
}

static void draw_median(const struct histogram *h, struct chart *c, struct canvas *canvas)
{
    double x = chart_x(c, h->quartiles[1]);
    const struct canvas_point line[] = {{x, c->top}, {x, c->top + c->height}};
    canvas_polyline(canvas, line, 2, &c->entries[0].pen);
}

static void make_legend(const struct histogram *h, struct chart *c)
{
    char number[SCALE_TEXT];
    scale_number(number, sizeof number, h->quartiles[1], 4);
    chart_add_entry(c, mem_printf("median %s", number))->pen =
        (struct canvas_pen){.colour = {170, 70, 0}, .width = 2, .dash = 7};
}

int histogram_draw(struct view *v, struct canvas *ret, struct error *e)
{
    struct histogram h = {0};
    struct chart chart = {0};
    struct canvas canvas = {0};
    int r = read_values(v, &h, e);
    if (r == 0) {
        make_bins(&h);
        make_chart(v, &h, &chart);
        make_legend(&h, &chart);
        r = chart_begin(&chart, &canvas, e);
    }
    if (r == 0) {
        draw_bars(&h, &chart, &canvas);
        draw_median(&h, &chart, &canvas);
        chart_end(&chart, &canvas);
        v->what = mem_printf("%lld %s of %s in %d bins", (long long)h.n, unit_of(v),
                             v->subject->variable, h.n_bins);
        *ret = canvas;
    }
    chart_clear(&chart);
    free(h.values);
    return r;
}

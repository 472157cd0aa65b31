/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/view.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "plot/coordinate.h"
#include "plot/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const struct view *v, struct error *e, const char *why)
{
    char *dims = subject_dims_text(v->subject);
    int r = error_set(e, STORE_INVALID, NULL, "\"%s\" cannot be drawn so: %s; its dims are (%s)",
                      v->subject->variable, why, dims);
    free(dims);
    return r;
}

/* ---- which dims -------------------------------------------------------------------------- */

static bool is_free(const struct view *v, int d)
{
    return !v->subject->given[d] && d != v->along && d != v->frames;
}

/* The last free dim before `before`, in order of preference: one of space, a clock, members. */
static int last_free(const struct view *v, int before, bool space_only)
{
    static const enum subject_role order[] = {SUBJECT_SPACE, SUBJECT_CLOCK, SUBJECT_BATCH};
    for (int k = 0; k < (space_only ? 1 : 3); k++)
        for (int d = before - 1; d >= 0; d--)
            if (is_free(v, d) && v->subject->role[d] == order[k])
                return d;
    return -1;
}

static int count_free(const struct view *v, enum subject_role role)
{
    int n = 0;
    for (int d = 0; d < v->subject->meta.ndim; d++)
        n += is_free(v, d) && v->subject->role[d] == role;
    return n;
}

static int first_free(const struct view *v, enum subject_role role)
{
    for (int d = 0; d < v->subject->meta.ndim; d++)
        if (is_free(v, d) && v->subject->role[d] == role)
            return d;
    return -1;
}

static int named_dim(const struct view *v, const char *name, const char *option, int *ret,
                     struct error *e)
{
    if (!name)
        return 0;
    int d = subject_find(v->subject, name);
    char *dims = subject_dims_text(v->subject);
    int r = 0;
    if (d < 0)
        r = error_set(e, STORE_INVALID, NULL,
                      "--%s: \"%s\" has no dim \"%.100s\": its dims are (%s)", option,
                      v->subject->variable, name, dims);
    else if (v->subject->given[d] || d == v->frames)
        r = error_set(e, STORE_INVALID, NULL, "--%s: one label of \"%.100s\" is shown already",
                      option, name);
    else
        *ret = d;
    free(dims);
    return r;
}

/* Two dims of space lie on a map; a clock or the members do where that was asked for. */
static int place_map(struct view *v, struct error *e)
{
    bool space_only = count_free(v, SUBJECT_SPACE) >= 2;
    v->x = last_free(v, v->subject->meta.ndim, space_only);
    if (v->x >= 0) {
        int x = v->x;
        v->subject->given[x] = true; /* for the search only */
        v->y = last_free(v, space_only ? x : v->subject->meta.ndim, space_only);
        v->subject->given[x] = false;
    }
    if (v->x < 0 || v->y < 0)
        return refuse(v, e, "a map needs two dims besides those of which one label is shown");
    if (v->y > v->x) {
        int swapped = v->x;
        v->x = v->y;
        v->y = swapped;
    }
    int batch = first_free(v, SUBJECT_BATCH);
    if (v->along < 0 && batch >= 0 && batch != v->y && batch != v->x)
        v->along = batch;
    return 0;
}

static int place_lines(struct view *v, struct error *e)
{
    v->x = last_free(v, v->subject->meta.ndim, false);
    if (v->x < 0)
        return refuse(v, e, "lines need a dim besides those of which one label is shown");
    static const enum subject_role order[] = {SUBJECT_BATCH, SUBJECT_CLOCK};
    for (int k = 0; k < 2 && v->along < 0; k++) {
        int d = first_free(v, order[k]);
        if (d >= 0 && d != v->x)
            v->along = d;
    }
    if (v->kind == PLOT_BANDS && v->along < 0)
        return refuse(v, e, "bands need members, or --along a dim, to take the quantiles of");
    return 0;
}

static int place_scatter(struct view *v, struct error *e)
{
    if (v->along < 0)
        v->along = first_free(v, SUBJECT_BATCH);
    if (v->along < 0)
        return refuse(v, e, "a scatter needs members");
    if (count_free(v, SUBJECT_SPACE) > 0)
        return refuse(v, e,
                      "a scatter needs one value of each member: select a label of the others");
    return 0;
}

/* Members with an input of numbers that was swept can be shown against it. */
static bool has_swept_numbers(const struct view *v, int batch)
{
    struct sweep sweep;
    if (sweep_read(v->subject->store, subject_dim(v->subject, batch), v->subject->meta.shape[batch],
                   v->subject->variable, &sweep, NULL) != 0)
        return false;
    bool has = false;
    for (int i = 0; i < sweep.n_axes; i++)
        has = has || sweep.axes[i].values;
    sweep_clear(&sweep);
    return has;
}

static enum plot_kind kind_of(const struct view *v)
{
    int space = count_free(v, SUBJECT_SPACE), clock = first_free(v, SUBJECT_CLOCK);
    int batch = v->along >= 0 ? v->along : first_free(v, SUBJECT_BATCH);
    if (space >= 2)
        return PLOT_MAP;
    if (space == 1 || clock >= 0)
        return batch >= 0 && v->subject->role[batch] == SUBJECT_BATCH &&
                       v->subject->meta.shape[batch] > VIEW_MAX_LEGEND
                   ? PLOT_BANDS
                   : PLOT_LINES;
    if (batch < 0)
        return PLOT_BY_DATA;
    return has_swept_numbers(v, batch) ? PLOT_SCATTER : PLOT_HISTOGRAM;
}

int view_choose(struct view *v, struct error *e)
{
    v->x = v->y = v->along = v->frames = -1;
    int r = named_dim(v, v->o->animate, "animate", &v->frames, e);
    if (r == 0)
        r = named_dim(v, v->o->along, "along", &v->along, e);
    if (r != 0)
        return r;
    v->kind = v->o->kind ? v->o->kind : kind_of(v);
    if (v->o->is_logarithmic &&
        (v->kind == PLOT_HISTOGRAM || (v->kind == PLOT_MAP && v->o->style == PLOT_DIVERGING)))
        return refuse(v, e, "--log is not of histograms, nor of diverging colours");
    switch (v->kind) {
    case PLOT_MAP:
        return place_map(v, e);
    case PLOT_LINES:
    case PLOT_BANDS:
        return place_lines(v, e);
    case PLOT_SCATTER:
        return place_scatter(v, e);
    case PLOT_HISTOGRAM:
        return 0;
    default:
        return refuse(v, e, "one number is no picture");
    }
}

void view_clear(struct view *v)
{
    free(v->what);
    v->what = NULL;
}

/* ---- texts ------------------------------------------------------------------------------- */

/* Names and descriptions are a store's, who knows whose. Takes the text. */
static char *printable(char *text)
{
    size_t n = strlen(text), size = 6 * n + 4;
    char *line = mem_new(size);
    text_printable(text, n, line, size);
    free(text);
    return line;
}

char *view_title(const struct view *v)
{
    const char *description = subject_description(v->subject->attrs);
    return printable(description ? mem_printf("%s: %s", v->subject->variable, description)
                                 : mem_strdup(v->subject->variable));
}

char *view_value_label(const struct view *v)
{
    char *label = subject_label(v->subject->variable, v->subject->attrs);
    int dtype = v->subject->meta.dtype;
    if (dtype != SIMLAB_C8 && dtype != SIMLAB_C16)
        return label;
    char *real = mem_printf("real part of %s", label);
    free(label);
    return real;
}

/* What a selected member varied. */
static char *member_text(const struct view *v, int d)
{
    struct subject *s = v->subject;
    struct sweep sweep = {0};
    char *text = NULL;
    if (s->role[d] == SUBJECT_BATCH &&
        sweep_read(s->store, subject_dim(s, d), s->meta.shape[d], s->variable, &sweep, NULL) == 0)
        text = sweep_label(&sweep, s->index[d]);
    sweep_clear(&sweep);
    return text;
}

/* "otime = 1000 (5 of 5)" */
static void describe_index(const struct view *v, int d, struct buffer *b)
{
    struct subject *s = v->subject;
    struct coordinate c = {0};
    char *name = coordinate_read(s, d, &c, NULL) == 0 ? coordinate_name(s, d, &c, s->index[d])
                                                      : mem_strdup(subject_dim(s, d));
    coordinate_clear(&c);
    char *member = member_text(v, d);
    buffer_printf(b, "%s%s (%lld of %lld)%s%s", b->size ? ", " : "", name,
                  (long long)s->index[d] + 1, (long long)s->meta.shape[d], member ? ": " : "",
                  member ? member : "");
    free(member);
    free(name);
}

/* A histogram is of all labels but those of a clock. */
static bool is_drawn(const struct view *v, int d)
{
    if (v->kind == PLOT_HISTOGRAM)
        return !v->subject->given[d] && v->subject->role[d] != SUBJECT_CLOCK && d != v->frames;
    return d == v->x || d == v->y || d == v->along;
}

char *view_subtitle(const struct view *v, const char *more)
{
    struct buffer b = {0};
    for (int d = 0; d < v->subject->meta.ndim; d++)
        if (!is_drawn(v, d))
            describe_index(v, d, &b);
    if (more)
        buffer_printf(&b, "%s%s", b.size ? ", " : "", more);
    return b.size ? buffer_take(&b) : NULL;
}

char *view_note(const struct view *v)
{
    if (v->n_missing == 0)
        return NULL;
    const char *where = v->kind == PLOT_MAP     ? "hatched"
                        : v->kind == PLOT_LINES ? "gaps"
                                                : "left out";
    const char *what = v->o->is_logarithmic ? "missing or not above 0" : "missing";
    if (v->n_empty > 0)
        return mem_printf("%s: %lld of %lld values are %s, all of %lld of %lld along %s", where,
                          (long long)v->n_missing, (long long)v->n_values, what,
                          (long long)v->n_empty, (long long)v->n_members,
                          subject_dim(v->subject, v->along));
    return mem_printf("%s: %lld of %lld values are %s", where, (long long)v->n_missing,
                      (long long)v->n_values, what);
}

char *view_said(const struct view *v)
{
    struct buffer b = {0};
    buffer_text(&b, v->what);
    if (v->frames >= 0)
        buffer_printf(&b, "; %lld frames over %s", (long long)v->subject->meta.shape[v->frames],
                      subject_dim(v->subject, v->frames));
    char *note = view_note(v);
    if (note)
        buffer_printf(&b, "; %s", note);
    free(note);
    return printable(buffer_take(&b));
}

/* ---- values ------------------------------------------------------------------------------ */

int view_read(const struct view *v, const int64_t *start, const int64_t *count, double **ret_values,
              struct error *e)
{
    double *values;
    int64_t n = 1;
    int r = subject_read(v->subject, start, count, &values, e);
    if (r != 0)
        return r;
    for (int d = 0; d < v->subject->meta.ndim; d++)
        n *= count[d];
    for (int64_t i = 0; v->o->is_logarithmic && i < n; i++)
        values[i] = values[i] > 0 ? values[i] : (double)NAN;
    *ret_values = values;
    return 0;
}

void view_count(struct view *v, const double *values, int64_t n)
{
    v->n_values += n;
    for (int64_t i = 0; i < n; i++)
        v->n_missing += !isfinite(values[i]);
}

void view_range(const struct view *v, const double *values, int64_t n, double *ret_low,
                double *ret_high)
{
    double low = v->is_fixed ? v->low : HUGE_VAL, high = v->is_fixed ? v->high : -HUGE_VAL;
    for (int64_t i = 0; !v->is_fixed && i < n; i++)
        if (isfinite(values[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    *ret_low = low;
    *ret_high = high;
}

void view_scale(const struct view *v, const double *values, int64_t n, int wanted,
                struct scale *ret)
{
    double low, high;
    view_range(v, values, n, &low, &high);
    if (v->o->is_logarithmic)
        scale_init_logarithmic(ret, low <= high ? low : 0.1, low <= high ? high : 1, wanted);
    else
        scale_init_roomy(ret, low <= high ? low : 0, low <= high ? high : 1, wanted);
}

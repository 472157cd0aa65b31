/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks' labels, wherever they are: one after another, and the other clocks' among the main one's.
 */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where the labels stand below the clock: a list may stand for the object. */
static const char *labels_below(const struct making *m, const struct clock *c)
{
    const json_t *given = json_object_get(json_object_get(m->document, "clocks"), c->name);
    return json_object_get(given, "data") ? "/data" : "";
}

enum { BELOW_SIZE = 64 };

/* The pointer from a clock to label i. */
static const char *below_at(const char *below, size_t i, char ret[BELOW_SIZE])
{
    snprintf(ret, BELOW_SIZE, "%s/%zu", below, i);
    return ret;
}

/* A label as it is told from others. */
struct label {
    bool is_integer;
    int64_t integer;
    double value;
};

static struct label label_of(int dtype, size_t itemsize, const void *element)
{
    struct label l = {.is_integer = dtype_is_integer(dtype),
                      .value = dtype_to_double(dtype, element, 0)};
    if (l.is_integer)
        dtype_cast(dtype, itemsize, element, SIMLAB_I8, sizeof l.integer, &l.integer, 1);
    return l;
}

/* -1, 0 or 1: a before, at or after b. Integers are told apart where doubles are not. */
static int compare_labels(const struct label *a, const struct label *b)
{
    if (a->is_integer && b->is_integer)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return (a->value > b->value) - (a->value < b->value);
}

static const char *label_text(const struct label *l, char ret[NUMBER_TEXT_SIZE])
{
    if (!l->is_integer)
        return number_text(l->value, ret);
    snprintf(ret, NUMBER_TEXT_SIZE, "%lld", (long long)l->integer);
    return ret;
}

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
    if (compare_labels(l, &k->last) <= 0)
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
    char below[BELOW_SIZE];
    uint64_t large;
    if (d->dtype == SIMLAB_U8 && (memcpy(&large, element, sizeof large), large > INT64_MAX))
        return refuse_large(k->m, k->clock, below_at(k->below, i, below), i, large);
    struct label l = label_of(d->dtype, d->itemsize, element);
    if (!isfinite(l.value))
        return job_making_fault(k->m, "clocks", k->clock->name, below_at(k->below, i, below),
                                "label %zu is not finite", i);
    if (k->has_last && !(l.value > k->last.value))
        return refuse_order(k, below_at(k->below, i, below), &l);
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
    const char *data = labels_below(m, c);
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
        char at[BELOW_SIZE];
        if (json_is_large(label, &large))
            return refuse_large(m, c, below_at(below, i, at), i, large);
        if (!json_is_number(label))
            return job_making_fault(
                m, "clocks", c->name, below_at(below, i, at),
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

int job_labels_thin(struct making *m, struct clock *c, int64_t every)
{
    const struct clock *main = &m->job->clocks[m->job->main_clock];
    const struct ndarray *labels = &main->labels;
    c->n = 1 + (main->n - 1) / every;
    int r = job_making_count(m, (size_t)c->n, LABEL_BYTES);
    if (r)
        return job_making_blame(m, r, "clocks", c->name, "/every");
    if (job_making_is_check(m)) {
        job_values_shape(labels->dtype, labels->itemsize, 1, &c->n, &c->labels);
    } else {
        c->at = mem_try_array((size_t)c->n, sizeof *c->at);
        c->values = mem_try_array((size_t)c->n, sizeof *c->values);
        if (!c->at || !c->values ||
            ndarray_init(&c->labels, labels->dtype, labels->itemsize, 1, &c->n))
            return -ENOMEM;
        for (int64_t k = 0; k < c->n; k++) {
            c->at[k] = k * every;
            c->values[k] = main->values[c->at[k]];
            memcpy((char *)c->labels.data + (size_t)k * labels->itemsize,
                   (const char *)labels->data + (size_t)c->at[k] * labels->itemsize,
                   labels->itemsize);
        }
    }
    ndarray_set_dims(&c->labels, (const char *const[]){c->name});
    return 0;
}

/* ---- the other clocks' labels among the main one's ---- */

enum { CURSOR_LABELS = 512, QUICK_LABELS = 16 * 1024 };

/* Labels of a clock, wherever they are. */
struct cursor {
    const struct clock *clock;
    const struct job_data *data; /* where the clock has none */
    size_t begin, n;             /* what `piece` holds */
    char piece[CURSOR_LABELS * sizeof(int64_t)];
};

static int label_at(struct cursor *k, int64_t at, struct label *ret)
{
    const struct ndarray *a = &k->clock->labels;
    size_t i = (size_t)at;
    if (a->data) {
        *ret = label_of(a->dtype, a->itemsize, (const char *)a->data + i * a->itemsize);
        return 0;
    }
    if (i < k->begin || i - k->begin >= k->n) {
        size_t n = (size_t)k->clock->n - i;
        n = n < CURSOR_LABELS ? n : CURSOR_LABELS;
        int r = job_data_read(k->data, i, n, k->piece);
        if (r)
            return r;
        k->begin = i;
        k->n = n;
    }
    *ret =
        label_of(k->data->dtype, k->data->itemsize, k->piece + (i - k->begin) * k->data->itemsize);
    return 0;
}

/* The first label from `from` on that does not come before `l`: strides that double, then halves.
 */
static int find_label(struct cursor *k, int64_t from, const struct label *l, int64_t *ret)
{
    int64_t low = from, step = 1, high = from; /* all before `low` come before `l` */
    struct label at;
    for (; high < k->clock->n; high += step, step *= 2) {
        int r = label_at(k, high, &at);
        if (r)
            return r;
        if (compare_labels(&at, l) >= 0)
            break;
        low = high + 1;
    }
    high = high < k->clock->n ? high : k->clock->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int r = label_at(k, middle, &at);
        if (r)
            return r;
        if (compare_labels(&at, l) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return 0;
}

static int refuse_label(struct making *m, struct cursor *main, const struct clock *c, int64_t k,
                        const struct label *l, int64_t next)
{
    struct label near;
    char below[BELOW_SIZE], label[NUMBER_TEXT_SIZE];
    char low[NUMBER_TEXT_SIZE] = "", high[NUMBER_TEXT_SIZE] = "";
    below_at(labels_below(m, c), (size_t)k, below);
    if (next > 0 && label_at(main, next - 1, &near) == 0)
        label_text(&near, low);
    if (next < main->clock->n && label_at(main, next, &near) == 0)
        label_text(&near, high);
    return job_making_fault(m, "clocks", c->name, below,
                            "its label %s is not one of the main clock's ('%s'), whose nearest %s "
                            "%s%s%s",
                            label_text(l, label), main->clock->name, *low && *high ? "are" : "is",
                            low, *low && *high ? " and " : "", high);
}

/* Two ways to count to one label (0.1 + 0.2, 3 * 0.1) differ in last bits: a label that lies within
 * a few of them of the main clock's is that one. They are those of the clock's largest number. */
struct nearness {
    double within;
    int64_t from; /* labels before it are taken */
};

static int find_nearness(struct cursor *main, struct nearness *ret)
{
    struct label first, last;
    int r = label_at(main, 0, &first);
    r = r ? r : label_at(main, main->clock->n - 1, &last);
    if (r == 0)
        *ret = (struct nearness){.within =
                                     8 * DBL_EPSILON * fmax(fabs(first.value), fabs(last.value))};
    return r;
}

/* Of the labels on both sides of `l`, of which the later is number i: the near one, and only where
 * the other is far. -1: neither. */
static int find_near(struct cursor *main, const struct nearness *near, const struct label *l,
                     int64_t i, int64_t *ret)
{
    enum { FAR = 1000 };
    double apart[2] = {INFINITY, INFINITY};
    for (int side = 0; side < 2; side++) {
        struct label found;
        int64_t at = i - 1 + side;
        if (at < near->from || at >= main->clock->n)
            continue;
        int r = label_at(main, at, &found);
        if (r)
            return r;
        apart[side] = fabs(found.value - l->value);
    }
    int side = apart[1] <= apart[0];
    bool is_near = apart[side] <= near->within && apart[!side] > FAR * near->within;
    *ret = is_near ? i - 1 + side : -1;
    return 0;
}

/* The number of the main label that `l` is, from near->from on; -1: it is none, and *ret_next is
 * the first that comes after it. */
static int match_label(struct cursor *main, const struct nearness *near, const struct label *l,
                       int64_t *ret_i, int64_t *ret_next)
{
    struct label found;
    int64_t i;
    int r = find_label(main, near->from, l, &i);
    if (r == 0 && i < main->clock->n)
        r = label_at(main, i, &found);
    if (r)
        return r;
    *ret_next = *ret_i = i;
    if (i < main->clock->n && compare_labels(&found, l) == 0)
        return 0;
    *ret_i = -1;
    return l->is_integer ? 0 : find_near(main, near, l, i, ret_i);
}

/* So that what is selected on one clock is found on the other. */
static void take_label(struct clock *c, int64_t k, const struct label *l)
{
    if (c->labels.data && !dtype_is_integer(c->labels.dtype))
        ((double *)c->labels.data)[k] = c->values[k] = l->value;
}

static bool is_same(const struct job_data *a, const struct job_data *b)
{
    return job_data_is_progression(a) && a->form == b->form && a->dtype == b->dtype &&
           a->first == b->first && a->last == b->last && a->step == b->step &&
           a->shape[0] == b->shape[0];
}

int job_labels_synchronize(struct making *m, const struct job_data *data, int clock)
{
    struct job *j = m->job;
    struct clock *c = &j->clocks[clock];
    struct cursor main = {.clock = &j->clocks[j->main_clock], .data = &data[j->main_clock]};
    struct cursor own = {.clock = c, .data = &data[clock]};
    struct label l, found;
    bool is_check = job_making_is_check(m);
    if (is_check && (clock == j->main_clock || is_same(main.data, own.data)))
        return 0;
    if (is_check && m->sources->is_quick && c->n > QUICK_LABELS)
        return MODEL_LONG;
    c->at = is_check ? NULL : mem_try_array((size_t)c->n, sizeof *c->at);
    if (!c->at && !is_check)
        return -ENOMEM;
    struct nearness near;
    int64_t i = -1, next = 0;
    int r = find_nearness(&main, &near);
    for (int64_t k = 0; k < c->n && r == 0; k++) {
        near.from = i + 1;
        r = label_at(&own, k, &l);
        r = r ? r : match_label(&main, &near, &l, &i, &next);
        if (r == 0 && i < 0)
            r = refuse_label(m, &main, c, k, &l, next);
        r = r ? r : label_at(&main, i, &found);
        if (r == 0 && c->at)
            c->at[k] = i;
        if (r == 0 && clock != j->main_clock)
            take_label(c, k, &found);
    }
    return r;
}

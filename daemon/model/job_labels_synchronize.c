/* SPDX-License-Identifier: Apache-2.0 */
/* The other clocks' labels among the main one's. */
#include "base/mem.h"
#include "model/label.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

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
        if (label_compare(&at, l) >= 0)
            break;
        low = high + 1;
    }
    high = high < k->clock->n ? high : k->clock->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int r = label_at(k, middle, &at);
        if (r)
            return r;
        if (label_compare(&at, l) < 0)
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
    char below[LABEL_BELOW_SIZE], label[NUMBER_TEXT_SIZE];
    char low[NUMBER_TEXT_SIZE] = "", high[NUMBER_TEXT_SIZE] = "";
    label_below(label_below_clock(m, c), (size_t)k, below);
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

static int refuse_outside(struct making *m, struct cursor *main, const struct clock *c, int64_t k,
                          const struct label *l)
{
    struct label ends[2];
    char below[LABEL_BELOW_SIZE], label[NUMBER_TEXT_SIZE], first[NUMBER_TEXT_SIZE],
        last[NUMBER_TEXT_SIZE];
    int r = label_at(main, 0, &ends[0]);
    r = r ? r : label_at(main, main->clock->n - 1, &ends[1]);
    if (r)
        return r;
    label_below(label_below_clock(m, c), (size_t)k, below);
    return job_making_fault(m, "clocks", c->name, below,
                            "its time %s lies outside the main clock's ('%s'), from %s to %s",
                            label_text(l, label), main->clock->name, label_text(&ends[0], first),
                            label_text(&ends[1], last));
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
    if (i < main->clock->n && label_compare(&found, l) == 0)
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

/* In the main clock's units; an integer only where it is one of these. */
static struct label convert(const struct label *l, const struct job_clock_ratio *ratio)
{
    int64_t up;
    if (ratio->up == ratio->down)
        return *l;
    if (l->is_integer && !__builtin_mul_overflow(l->integer, ratio->up, &up) &&
        up % ratio->down == 0)
        return (struct label){true, up / ratio->down, (double)(up / ratio->down)};
    return (struct label){.value = l->value * (double)ratio->up / (double)ratio->down};
}

/* The main label nearest to `l`, from `from` on; of two that are as near the later. -1: `l` lies
 * before the first or after the last one. */
static int match_nearest(struct cursor *main, const struct nearness *near, const struct label *l,
                         int64_t from, int64_t *ret_i)
{
    struct label low = {0}, high = {0};
    int64_t i, n = main->clock->n;
    int r = find_label(main, from, l, &i);
    if (r == 0 && i < n)
        r = label_at(main, i, &high);
    if (r == 0 && i > 0)
        r = label_at(main, i - 1, &low);
    if (r)
        return r;
    bool is_outside = (i == n && l->value - low.value > near->within) ||
                      (i == 0 && high.value - l->value > near->within);
    bool is_low = i == n || (i > 0 && l->value - low.value < high.value - l->value);
    *ret_i = is_outside ? -1 : i - is_low;
    return 0;
}

struct synchronizing {
    struct making *m;
    struct clock *clock;
    struct cursor main, own;
    struct nearness near;
    const struct job_clock_ratio *ratio;
    bool nearest, takes; /* takes: the main clock's labels replace its own */
};

/* Label k of the clock is number *ret_i of the main one's, after number `last`; with `nearest` also
 * that one again. */
static int match(struct synchronizing *s, int64_t k, int64_t last, int64_t *ret_i)
{
    struct label own, l;
    int64_t i = -1, next = 0;
    s->near.from = last + 1;
    int r = label_at(&s->own, k, &own);
    if (r)
        return r;
    l = convert(&own, s->ratio);
    r = s->nearest ? match_nearest(&s->main, &s->near, &l, last > 0 ? last : 0, &i)
                   : match_label(&s->main, &s->near, &l, &i, &next);
    if (r == 0 && i < 0 && s->nearest)
        return refuse_outside(s->m, &s->main, s->clock, k, &l);
    if (r == 0 && i < 0)
        return refuse_label(s->m, &s->main, s->clock, k, &l, next);
    if (r == 0)
        *ret_i = i;
    return r;
}

static int match_all(struct synchronizing *s)
{
    struct clock *c = s->clock;
    struct label found;
    int64_t i = -1, last = -1, n = 0;
    int r = 0;
    for (int64_t k = 0; k < c->n && r == 0; k++, last = i) {
        r = match(s, k, last, &i);
        if (r || i == last)
            continue;
        if (c->at)
            c->at[n] = i;
        n++;
        if (!s->takes && c->labels.data)
            r = label_at(&s->main, i, &found);
        if (r == 0 && !s->takes && c->labels.data)
            take_label(c, k, &found);
    }
    if (r == 0)
        c->n = n;
    return r;
}

int job_labels_synchronize(struct making *m, const struct job_data *data, int clock, bool nearest,
                           const struct job_clock_ratio *ratio)
{
    struct job *j = m->job;
    struct clock *c = &j->clocks[clock];
    bool converts = ratio->up != ratio->down, is_check = job_making_is_check(m);
    struct synchronizing s = {
        .m = m,
        .clock = c,
        .main = {.clock = &j->clocks[j->main_clock], .data = &data[j->main_clock]},
        .own = {.clock = c, .data = &data[clock]},
        .ratio = ratio,
        .nearest = nearest,
        .takes = nearest || converts};
    if (is_check && (clock == j->main_clock || (is_same(s.main.data, s.own.data) && !converts)))
        return 0;
    if (is_check && m->sources->is_quick && c->n > QUICK_LABELS)
        return MODEL_LONG;
    c->at = is_check ? NULL : mem_try_array((size_t)c->n, sizeof *c->at);
    if (!c->at && !is_check)
        return -ENOMEM;
    int r = find_nearness(&s.main, &s.near);
    r = r ? r : match_all(&s);
    return r || !s.takes ? r : job_labels_take(m, c);
}

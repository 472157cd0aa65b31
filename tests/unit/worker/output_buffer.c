/* SPDX-License-Identifier: Apache-2.0 */
/* Random boxes into a buffer, against an array of the largest extents. */
#include "worker/output_buffer.h"

#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { ROWS = 4, LABELS = 3, MOST = 6, ROUNDS = 300 };

struct oracle {
    float value[ROWS][LABELS][MOST][MOST]; /* in the array's order */
    int64_t own[2];
};

static void array_of(struct output_array *a, uint64_t *state)
{
    int64_t shape[4] = {ROWS, LABELS, support_below(state, MOST), support_below(state, MOST)};
    *a = (struct output_array){.lead = 2, .has_batch = true, .has_clock = true};
    store_meta_default(&a->meta, SIMLAB_F4, 0, 4, shape);
    a->is_transposed = support_below(state, 2);
    a->axes[0] = a->is_transposed;
    a->axes[1] = !a->is_transposed;
}

static void forget(struct oracle *o, int64_t row)
{
    float *values = &o->value[row][0][0][0];
    for (int i = 0; i < LABELS * MOST * MOST; i++)
        values[i] = NAN;
}

/* A value of f8 in its own order; the array's is f4. */
static void put(struct output_buffer *w, struct oracle *o, int64_t row, uint64_t *state)
{
    int64_t label = support_below(state, LABELS);
    int64_t n = support_below(state, MOST + 1), m = support_below(state, MOST + 1);
    double data[MOST * MOST];
    struct simlab_view v = {
        .data = data, .size = n * m, .shape = {n, m}, .ndim = 2, .dtype = SIMLAB_F8, .itemsize = 8};
    const int *axes = w->array->axes;
    for (int64_t i = 0; i < n * m; i++) {
        data[i] = (double)support_below(state, 1000);
        int64_t at[2] = {i / m, i % m};
        o->value[row][label][at[axes[0]]][at[axes[1]]] = (float)data[i];
    }
    for (int i = 0; i < 2; i++)
        if (v.shape[axes[i]] > o->own[i])
            o->own[i] = v.shape[axes[i]];
    cr_assert_eq(output_buffer_put(w, 10 + row, 20 + label, &v), 0);
}

static void compare(const struct output_buffer *w, const struct oracle *o)
{
    cr_assert_eq(w->own[0], o->own[0]);
    cr_assert_eq(w->own[1], o->own[1]);
    const float *p = (const float *)(const void *)w->data;
    for (int row = 0; row < ROWS; row++)
        for (int label = 0; label < LABELS; label++)
            for (int64_t i = 0; i < o->own[0]; i++)
                for (int64_t k = 0; k < o->own[1]; k++, p++) {
                    float want = o->value[row][label][i][k];
                    cr_assert(*p == want || (isnan(*p) && isnan(want)), "%g, not %g", (double)*p,
                              (double)want);
                }
}

Test(window, random_boxes)
{
    uint64_t state = 1;
    struct output_buffer w = {.name = "a"};
    struct oracle *o = mem_new(sizeof *o);
    for (int round = 0; round < ROUNDS; round++) {
        struct output_array a;
        array_of(&a, &state);
        w.array = &a;
        cr_assert_eq(output_buffer_move(&w, 10, ROWS, 20, LABELS), 0);
        memcpy(o->own, a.meta.shape + 2, sizeof o->own);
        for (int row = 0; row < ROWS; row++)
            forget(o, row);
        for (int i = 0; i < 8; i++) {
            struct oracle before = *o;
            int64_t row = support_below(&state, ROWS);
            forget(o, row);
            cr_assert_eq(output_buffer_forget(&w, 10 + row), 0);
            for (int64_t n = support_below(&state, 4); n > 0; n--)
                put(&w, o, row, &state);
            if (support_below(&state, 4) == 0) {
                cr_assert_eq(output_buffer_forget(&w, 10 + row), 0);
                forget(o, row);
                memcpy(o->own, before.own, sizeof o->own);
            }
            output_buffer_keep(&w);
        }
        compare(&w, o);
        store_meta_clear(&a.meta);
    }
    output_buffer_clear(&w);
    free(o);
}

Test(window, refuses_what_no_memory_holds)
{
    int64_t shape[] = {INT64_MAX / 4, INT64_MAX / 4};
    struct output_array a = {.lead = 0, .axes = {0, 1}};
    store_meta_default(&a.meta, SIMLAB_F8, 0, 2, shape);
    struct output_buffer w = {.array = &a};
    cr_assert_lt(output_buffer_move(&w, 0, 1, 0, 1), 0);
    cr_assert(!output_buffer_holds(&w, 0, 0));
    cr_assert_eq(output_buffer_forget(&w, 0), 0);
    double one = 1;
    struct simlab_view v = {.data = &one, .size = 1, .shape = {1, 1}, .ndim = 2, .itemsize = 8};
    a.meta.shape[0] = a.meta.shape[1] = 1;
    cr_assert_eq(output_buffer_move(&w, 0, 1, 0, 1), 0);
    cr_assert_eq(output_buffer_put(&w, 0, 0, &v), 0);
    v.shape[0] = v.shape[1] = INT64_MAX / 4;
    cr_assert_lt(output_buffer_put(&w, 0, 0, &v), 0);
    cr_assert_eq(*(double *)(void *)w.data, 1.0, "what was there is kept");
    output_buffer_clear(&w);
}

#ifndef __SANITIZE_ADDRESS__ /* which does not go with RLIMIT_AS */

/* The machine has no memory for this little, or for that much: only the second is its member's
 * fault. */
static int move_without_memory(int64_t n)
{
    int64_t shape[] = {n};
    const struct rlimit none = {0, 0};
    struct output_array a = {.lead = 0, .axes = {0}};
    store_meta_default(&a.meta, SIMLAB_F8, 0, 1, shape);
    struct output_buffer w = {.array = &a};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    return output_buffer_move(&w, 0, 1, 0, 1);
}

Test(window, for_a_little_the_worker_ends, .signal = SIGABRT)
{
    move_without_memory(1 << 20);
}

Test(window, for_much_the_member_fails)
{
    cr_assert_lt(move_without_memory(1 << 22), 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps: which member gets which value. */
#include "checked.h"
#include "support.h"

#include "base/json.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL                                                                                      \
    "'model': {'processes': {'pop': 'reference.Logistic', 'grid': 'reference.UniformGrid1D', "     \
    "'profile': 'reference.ProfileU', 'init': 'reference.InitUFlat', 'advect': "                   \
    "'reference.AdvectionLax'}}, 'clocks': {'t': [0, 1, 2]}"

static json_t *document(const char *inputs, const char *sweep)
{
    return support_json("{" MODEL ", 'inputs': {'grid__length': 1, 'grid__spacing': 0.5%s%s}, "
                        "'sweep': %s}",
                        *inputs ? ", " : "", inputs, sweep);
}

static struct job *build(struct registry *r, const char *inputs, const char *sweep)
{
    struct job *j = NULL;
    struct error e = {0};
    json_t *d = document(inputs, sweep);
    cr_assert_eq(checked_job_new(r, d, NULL, &j, &e), 0, "%s: %s", e.pointer, e.message);
    json_decref(d);
    return j;
}

/* Where it lies, until the next is asked for. */
static const void *input_at(const struct job *j, const struct job_input *input, int64_t member,
                            int64_t step)
{
    static struct job_room room;
    const void *at;
    room.of = NULL;
    cr_assert_eq(job_input_at(j, input, member, step, &room, &at), 0);
    return at;
}

static const struct job_input *input_of(const struct job *j, const char *name)
{
    for (int i = 0; i < j->n_inputs; i++)
        if (!strcmp(j->model->slots[j->inputs[i].slot].name, name))
            return &j->inputs[i];
    return NULL;
}

static void expect(const struct job *j, const char *name, const double *values, int64_t n)
{
    cr_assert_eq(j->n_members, n);
    for (int64_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, input_at(j, input_of(j, name), i, 0), sizeof value);
        cr_assert_eq(value, values[i], "%s, member %d", name, (int)i);
    }
}

/* The first varies slowest, as xarray's stack has it: so unstack gives the axes in their order. */
Test(sweeps, product)
{
    struct registry *r = support_reference();
    struct job *j =
        build(r, "'advect__v': 1",
              "{'product': {'pop__k': {'linspace': [10, 20, 2]}, 'pop__r': [1, 2, 3]}}");
    expect(j, "pop__k", (const double[]){10, 10, 10, 20, 20, 20}, 6);
    expect(j, "pop__r", (const double[]){1, 2, 3, 1, 2, 3}, 6);
    cr_assert_str_eq(j->batch_dim, "batch");
    cr_assert(input_of(j, "pop__r")->is_coordinate && !input_of(j, "pop__n0")->is_coordinate);
    cr_assert_str_eq(input_of(j, "pop__r")->given.dims[0], "batch");
    cr_assert_str_eq(json_member_string(input_of(j, "pop__k")->attrs, "description"),
                     "carrying capacity");
    job_free(j);
    registry_unref(r);
}

Test(sweeps, zip)
{
    struct registry *r = support_reference();
    struct job *j = build(r, "'advect__v': 1", "{'zip': {'pop__k': [10, 20], 'pop__r': [1, 2]}}");
    expect(j, "pop__k", (const double[]){10, 20}, 2);
    expect(j, "pop__r", (const double[]){1, 2}, 2);
    job_free(j);
    j = build(r, "",
              "{'zip': {'pop__k': [10, 20], 'pop__r': [1, 2]}, 'product': {'pop__n0': "
              "[3, 4], 'advect__v': [5]}}");
    expect(j, "pop__n0", (const double[]){3, 3, 4, 4}, 4);
    expect(j, "pop__k", (const double[]){10, 20, 10, 20}, 4);
    expect(j, "pop__r", (const double[]){1, 2, 1, 2}, 4);
    expect(j, "advect__v", (const double[]){5, 5, 5, 5}, 4);
    job_free(j);
    registry_unref(r);
}

/* Values that are arrays, and ones that vary in time. */
Test(sweeps, arrays)
{
    struct registry *r = support_reference();
    struct job *j =
        build(r, "'pop__r': {'dims': ['batch'], 'data': [7, 8, 9, 10]}",
              "{'product': {'advect__v': [[1, 2], [3, 4]], 'pop__k': {'dims': ['batch', "
              "'t'], 'data': [[5, 6, 7], [8, 9, 10]], 'attrs': {'note': 'n'}}}}");
    const struct job_input *v = input_of(j, "advect__v"), *k = input_of(j, "pop__k");
    cr_assert_eq(j->n_members, 4);
    cr_assert(v->has_batch && !v->has_clock && v->ndim == 1 && !v->is_coordinate);
    cr_assert_eq(((const double *)input_at(j, v, 2, -1))[1], 4.0);
    cr_assert(k->has_clock);
    cr_assert_eq(*(const double *)input_at(j, k, 3, 1), 9.0);
    cr_assert_str_eq(json_member_string(k->attrs, "note"), "n");
    job_free(j);
    registry_unref(r);
}

/* A great batch takes no memory for each member: its values are found as they are asked for. */
Test(sweeps, of_many_members)
{
    enum { K = 400, R = 300, N = K * R };
    struct registry *r = support_reference();
    struct job *j = build(r, "",
                          "{'product': {'pop__k': {'arange': [1, 401]}, 'advect__v': [[1, 2], "
                          "[3, 4], [5, 6]], 'pop__r': {'linspace': [0, 99, 100]}}}");
    const struct job_input *k = input_of(j, "pop__k"), *v = input_of(j, "advect__v");
    double *all = malloc(2 * N * sizeof *all);
    cr_assert(k->series && v->series && !k->given.data && !v->value.data && j->n_members == N);
    cr_assert_eq(job_series_read(k->series, 0, N, all), 0);
    for (int64_t i = 0; i < N; i++) {
        cr_assert_eq(*(const double *)input_at(j, k, i, -1), (double)(i / R + 1));
        cr_assert_eq(all[i], (double)(i / R + 1));
        cr_assert_eq(*(const double *)input_at(j, input_of(j, "pop__r"), i, -1), (double)(i % 100));
        cr_assert_eq(((const double *)input_at(j, v, i, -1))[1], (double)(i / 100 % 3 * 2 + 2));
    }
    cr_assert_eq(job_series_read(v->series, 99, N - 99, all), 0);
    for (int64_t i = 99; i < N; i++)
        cr_assert_eq(all[2 * (i - 99)], (double)(i / 100 % 3 * 2 + 1));
    cr_assert_eq(job_series_read(k->series, N - 1, 2, all), -EIO, "there are no more");
    free(all);
    job_free(j);
    registry_unref(r);
}

Test(sweeps, refuses_and_says_where)
{
    static const struct {
        const char *inputs, *sweep, *pointer, *says;
        int kind;
    } cases[] = {
        {"", "{}", "/sweep", "product", MODEL_INVALID},
        {"", "{'prodct': {'pop__r': [1]}}", "/sweep/prodct", "did you mean", MODEL_INVALID},
        {"", "{'product': {}}", "/sweep/product", "object", MODEL_INVALID},
        {"", "{'product': {'pop__q': [1]}}", "/sweep/product/pop__q", "no such input",
         MODEL_INVALID},
        {"", "{'product': {'pop__r': 1}}", "/sweep/product/pop__r", "give a list", MODEL_INVALID},
        {"", "{'product': {'pop__r': []}}", "/sweep/product/pop__r", "empty", MODEL_INVALID},
        {"", "{'product': {'pop__r': ['a']}}", "/sweep/product/pop__r/0", "\"a\"", MODEL_INVALID},
        {"", "{'product': {'pop__r': [[1, 2]]}}", "/sweep/product/pop__r", "1 dimensions",
         MODEL_INVALID},
        {"", "{'zip': {'pop__r': [1, 2], 'pop__k': [1]}}", "/sweep/zip/pop__k",
         "1 values, but pop__r", MODEL_INVALID},
        {"", "{'zip': {'pop__r': [1, 2]}, 'product': {'pop__r': [1]}}", "/sweep/zip/pop__r",
         "twice", MODEL_INVALID},
        {"'advect__v': 1, 'pop__r': 1", "{'product': {'pop__r': [1]}}", "/inputs/pop__r",
         "and in the sweep", MODEL_INVALID},
        {"'advect__v': {'dims': ['batch'], 'data': [1, 2, 3]}", "{'product': {'pop__r': [1, 2]}}",
         "/inputs/advect__v", "3 labels along the dimension 'batch', but pop__r has 2",
         MODEL_INVALID},
        {"'advect__v': 1", "{'product': {'pop__r': [1], 'pop__k': [1, -1]}}",
         "/sweep/product/pop__k", "at [1]", MODEL_INVALID},
        {"",
         "{'product': {'pop__r': {'linspace': [0, 1, 20000]}, 'pop__k': {'linspace': "
         "[1, 2, 20000]}}}",
         "/sweep", "members", MODEL_TOO_LARGE},
    };
    struct registry *r = support_reference();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job *j = NULL;
        struct error e = {0};
        json_t *d = document(cases[i].inputs, cases[i].sweep);
        cr_assert_eq(checked_job_new(r, d, NULL, &j, &e), cases[i].kind, "%s", cases[i].sweep);
        cr_assert_str_eq(e.pointer, cases[i].pointer, "%s", e.message);
        cr_assert(strstr(e.message, cases[i].says), "%s", e.message);
        json_decref(d);
    }
    registry_unref(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Members that were appended to an open batch: their values stand behind the others'. */
#include "checked.h"
#include "support.h"

#include "base/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MODEL                                                                                      \
    "'model': {'processes': {'pop': 'reference.Logistic', 'grid': 'reference.UniformGrid1D', "     \
    "'profile': 'reference.ProfileU', 'init': 'reference.InitUFlat', 'advect': "                   \
    "'reference.AdvectionLax'}}, 'clocks': {'t': [0, 1, 2]}, 'batch_dim': 'batch'"
#define INPUTS "'grid__length': 1, 'grid__spacing': 0.5"

static int try(struct registry *r, const char *rest, struct job **ret, struct error *e)
{
    json_t *d = support_json("{" MODEL ", %s}", rest);
    int result = checked_job_new(r, d, NULL, ret, e);
    json_decref(d);
    return result;
}

static struct job *build(struct registry *r, const char *rest)
{
    struct job *j = NULL;
    struct error e = {0};
    cr_assert_eq(try(r, rest, &j, &e), 0, "%s: %s", e.pointer, e.message);
    return j;
}

static const struct job_input *input_of(const struct job *j, const char *name)
{
    for (int i = 0; i < j->n_inputs; i++)
        if (!strcmp(j->model->slots[j->inputs[i].slot].name, name))
            return &j->inputs[i];
    return NULL;
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

static void expect(const struct job *j, const char *name, const double *values, int64_t n)
{
    const struct job_input *input = input_of(j, name);
    cr_assert_eq(j->n_members, n);
    cr_assert_eq(input->given.shape[0], n);
    for (int64_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, input_at(j, input, i, 0), sizeof value);
        cr_assert_eq(value, values[i], "%s, member %d", name, (int)i);
    }
}

Test(appended, behind_each_other)
{
    struct registry *r = support_reference();
    struct job *j = build(
        r,
        "'inputs': {" INPUTS ", 'advect__v': 1}, 'sweep': {'product': {'pop__k': [10, 20], "
        "'pop__r': [1, 2]}}, 'open': true, 'appended': [{'inputs': {'pop__k': [30], 'pop__r': "
        "[3]}}, {'inputs': {'pop__r': {'arange': [4, 6]}, 'pop__k': {'linspace': [40, 50, 2]}}}]");
    expect(j, "pop__k", (const double[]){10, 10, 20, 20, 30, 40, 50}, 7);
    expect(j, "pop__r", (const double[]){1, 2, 1, 2, 3, 4, 5}, 7);
    cr_assert(j->is_open && j->n_latest == 2);
    cr_assert_eq(j->expected, 1024, "as small batches have it");
    job_free(j);
    registry_unref(r);
}

/* What is as long as a series has values, which others are put behind. */
Test(appended, behind_a_series)
{
    struct registry *r = support_reference();
    struct job *j = build(r, "'inputs': {" INPUTS ", 'advect__v': 1, 'pop__r': {'dims': 'batch', "
                             "'linspace': [0, 99999, 100000]}}, 'open': 5, 'appended': "
                             "[{'inputs': {'pop__r': [7]}}]");
    const struct job_input *input = input_of(j, "pop__r");
    cr_assert_eq(j->n_members, 100001);
    cr_assert_eq(j->expected, 100000, "no less than it began with");
    cr_assert_eq(*(const double *)input_at(j, input, 99999, 0), 99999.0);
    cr_assert_eq(*(const double *)input_at(j, input, 100000, 0), 7.0);
    job_free(j);
    registry_unref(r);
}

Test(appended, arrays_and_labels)
{
    struct registry *r = support_reference();
    struct job *j = build(r, "'inputs': {" INPUTS
                             ", 'pop__r': 1, 'advect__v': {'dims': ['batch', 'x'], 'data': "
                             "[[1, 2]]}}, 'coords': {'batch': ['one']}, 'open': 100, 'appended': "
                             "[{'inputs': {'advect__v': [[3, 4], [5, 6]]}, 'coords': {'batch': "
                             "['two', 'six']}}], 'sweep': null");
    const struct job_input *v = input_of(j, "advect__v");
    cr_assert_eq(j->n_members, 3);
    cr_assert_eq(j->expected, 100);
    cr_assert_eq(((const double *)input_at(j, v, 2, -1))[1], 6.0);
    cr_assert_eq(j->coords[0].values.shape[0], 3);
    cr_assert_eq(j->member_bytes, 2 * sizeof(double) + j->coords[0].values.itemsize);
    cr_assert(j->bytes >= 3 * j->member_bytes);
    job_free(j);
    registry_unref(r);
}

/* Others have as many members as they have. */
Test(appended, only_to_open_batches)
{
    struct registry *r = support_reference();
    struct job *j = build(r, "'inputs': {" INPUTS ", 'advect__v': 1, 'pop__r': {'dims': 'batch', "
                             "'data': [1, 2]}}, 'appended': null, 'open': false");
    cr_assert(!j->is_open && j->expected == 2);
    job_free(j);
    registry_unref(r);
}

Test(appended, refuses_and_says_where)
{
    static const struct {
        const char *open, *dims, *appended, *pointer, *words;
    } cases[] = {
        {"true", "['batch', 'x']", "[{'inputs': {}}]", "/appended/0/inputs/advect__v", "needs"},
        {"true", "['batch', 'x']", "[{'inputs': {'advect__v': [[1, 2, 3]]}}]",
         "/appended/0/inputs/advect__v", "3 labels along the dimension 'x'"},
        {"true", "['batch', 'x']", "[{'inputs': {'advect__v': [1, 2]}}]",
         "/appended/0/inputs/advect__v", "1 dimensions"},
        {"true", "['batch', 'x']", "[{'inputs': {'advect__v': [[1, 'a']]}}]",
         "/appended/0/inputs/advect__v/0/1", ""},
        {"true", "['batch', 'x']", "[{'inputs': {'advect__v': {'data': [[1, 2]]}}}]",
         "/appended/0/inputs/advect__v/data", ""},
        {"true", "['batch', 'x']", "[{'inputs': {'pop__r': [1]}}]", "/appended/0/inputs/pop__r",
         "does not vary by member"},
        {"true", "['batch', 'x']", "[{'coords': {'y': [1]}}]", "/appended/0/coords/y",
         "does not vary by member"},
        {"true", "['batch', 'x']", "[{'inputs': {'advect__v': []}}]",
         "/appended/0/inputs/advect__v", ""},
        {"true", "['batch', 'x']", "[{'inputs': [1]}]", "/appended/0/inputs", "not an object"},
        {"true", "['batch', 'x']", "[{'more': 1}]", "/appended/0/more", ""},
        {"true", "['batch', 'x']", "[3]", "/appended/0", "an object"},
        {"true", "['batch', 'x']", "{}", "/appended", "not a list"},
        {"false", "['batch', 'x']", "[]", "/appended", "\"open\""},
        {"0", "['batch', 'x']", "[]", "/open", "expected"},
        {"'yes'", "['batch', 'x']", "[]", "/open", "expected"},
        {"true", "['x', 'batch']", "[]", "/inputs/advect__v/dims", "'batch' is the first"},
    };
    struct registry *r = support_reference();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job *j = NULL;
        struct error e = {0};
        char rest[600];
        snprintf(rest, sizeof rest,
                 "'check_dims': 'transpose', 'open': %s, 'appended': %s, 'inputs': {" INPUTS
                 ", 'pop__r': 1, 'advect__v': {'dims': %s, 'data': [[1, 2], [3, 4]]}}",
                 cases[i].open, cases[i].appended, cases[i].dims);
        cr_assert_eq(try(r, rest, &j, &e), MODEL_INVALID, "case %zu", i);
        cr_assert_str_eq(e.pointer, cases[i].pointer, "case %zu: %s: %s", i, e.pointer, e.message);
        cr_assert(strstr(e.message, cases[i].words), "case %zu: %s", i, e.message);
    }
    registry_unref(r);
}

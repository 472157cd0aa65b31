/* SPDX-License-Identifier: Apache-2.0 */
/* Job documents: the golden ones, what is refused and where, what the worker gets to see. */
#include "checked.h"
#include "support.h"

#include "base/json.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct registry *reference;

static void open_reference(void)
{
    reference = support_reference();
}

static void close_reference(void)
{
    reference = registry_unref(reference);
}

TestSuite(jobs, .init = open_reference, .fini = close_reference);

static struct job *build(json_t *document, const struct job_sources *sources)
{
    struct job *j = NULL;
    struct error e = {0};
    cr_assert_eq(checked_job_new(reference, document, sources, &j, &e), 0, "%s: %s", e.pointer,
                 e.message);
    json_decref(document);
    return j;
}

static json_t *golden(const char *name, const char *file)
{
    char path[200];
    snprintf(path, sizeof path, "tests/golden/%s/%s.json", name, file);
    return support_file(path);
}

static const struct job_input *input_of(const struct job *j, const char *name)
{
    for (int i = 0; i < j->n_inputs; i++)
        if (!strcmp(j->model->slots[j->inputs[i].slot].name, name))
            return &j->inputs[i];
    cr_assert(false, "no input %s", name);
    return NULL;
}

static const struct job_output *output_of(const struct job *j, const char *name)
{
    for (int i = 0; i < j->n_outputs; i++)
        if (!strcmp(j->outputs[i].name, name))
            return &j->outputs[i];
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

static double value_at(const struct job *j, const char *name, int64_t member, int64_t step)
{
    double value = 0;
    const void *at = input_at(j, input_of(j, name), member, step);
    cr_assert(at);
    memcpy(&value, at, sizeof value);
    return value;
}

/* ---- golden cases ---- */

static void check_stored(const struct ndarray *a, const json_t *expected)
{
    char dtype[16];
    dtype_to_numpy(a->dtype, a->itemsize, false, dtype);
    cr_assert_str_eq(dtype, json_member_string(expected, "dtype"));
    const json_t *dims = json_object_get(expected, "dims");
    cr_assert_eq(json_array_size(dims), (size_t)a->ndim);
    for (int i = 0; i < a->ndim; i++)
        cr_assert_str_eq(a->dims[i], json_string_value(json_array_get(dims, (size_t)i)));
    const json_t *data = json_object_get(expected, "data");
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *v = json_array_get(data, i);
        if (json_is_number(v))
            cr_assert_float_eq(dtype_to_double(a->dtype, a->data, i), json_number_value(v), 1e-12);
    }
}

static void check_attrs(const json_t *attrs, const json_t *expected)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(expected, "attrs"), key, value)
    {
        cr_assert(json_equal(json_object_get(attrs, key), value), "attribute %s", key);
    }
}

/* Every array that xarray-simlab stored is an input, a clock or an output here. */
static void check_expected(const struct job *j, const json_t *expected)
{
    const char *name;
    json_t *array;
    json_object_foreach(json_object_get(expected, "variables"), name, array)
    {
        const struct job_output *o = output_of(j, name);
        if (o) {
            check_attrs(o->attrs, array);
            continue;
        }
        bool found = false;
        for (int i = 0; i < j->n_clocks && !found; i++) {
            found = !strcmp(j->clocks[i].name, name);
            if (!found)
                continue;
            check_stored(&j->clocks[i].labels, array);
            check_attrs(j->clocks[i].attrs, array);
        }
        if (!found) {
            check_stored(&input_of(j, name)->given, array);
            check_attrs(input_of(j, name)->attrs, array);
        }
    }
}

Test(jobs, golden_jobs_and_setups)
{
    for (int g = 0; support_golden[g]; g++) {
        json_t *document = golden(support_golden[g], "job");
        json_t *expected = golden(support_golden[g], "expected");
        struct job *j = build(json_incref(document), NULL);
        check_expected(j, expected);
        /* The set-up, with what it does not hold beside it. */
        static const char *const own[] = {"clocks", "main_clock", "inputs", "outputs", NULL};
        for (int i = 0; own[i]; i++)
            json_object_del(document, own[i]);
        json_object_set_new(document, "setup", golden(support_golden[g], "setup"));
        struct job *from_setup = build(document, NULL);
        check_expected(from_setup, expected);
        cr_assert_eq(j->n_members, from_setup->n_members);
        cr_assert_eq(j->n_outputs, from_setup->n_outputs);
        job_free(j);
        job_free(from_setup);
        json_decref(expected);
    }
}

/* What the worker builds from the normalized document is the same job. */
Test(jobs, documents_rebuild_the_job)
{
    for (int g = 0; support_golden[g]; g++) {
        struct job *j = build(golden(support_golden[g], "job"), NULL);
        char *text = json_write(j->document);
        struct job *again = build(json_read(text, strlen(text), NULL), NULL);
        char *text_again = json_write(again->document);
        cr_assert_str_eq(text, text_again);
        cr_assert_str_eq(j->model->hash, again->model->hash);
        for (int i = 0; i < j->n_inputs; i++) {
            const struct ndarray *a = &j->inputs[i].value, *b = &again->inputs[i].value;
            cr_assert_eq(ndarray_bytes(a), ndarray_bytes(b));
            cr_assert_eq(memcmp(a->data, b->data, ndarray_bytes(a)), 0);
        }
        free(text);
        free(text_again);
        job_free(j);
        job_free(again);
    }
}

/* "process" and "variable" of each golden error stand in its message. */
Test(jobs, golden_errors_are_refused)
{
    static const char *const names[][3] = {
        {"ambiguous-foreign", "init", "x"},
        {"cycle", "a", "b"},
        {"duplicate-global", "melt", "temperature"},
        {"missing-foreign", "init", "x"},
        {"missing-global", "melt", "temperature"},
        {"missing-input", "advect", "v"},
        {"out-of-bounds", "init", "scale"},
        {"static-with-time", "init", "loc"},
        {"two-writers", "init2", "u"},
        {"unknown-clock", "profile", "u"},
        {"unknown-input", "advect", "w"},
        {"unknown-output", "profile", "q"},
        {"unsynchronized-clock", "otime", "0.55"},
        {"untransposed-input", "diffuse_u", "diffusivity"},
        {"wrong-dims", "advect", "v"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *file = golden("errors", names[i][0]);
        struct job *j = NULL;
        struct error e = {0};
        cr_assert_eq(checked_job_new(reference, json_object_get(file, "job"), NULL, &j, &e),
                     MODEL_INVALID, "%s", names[i][0]);
        cr_assert(*e.pointer, "%s", names[i][0]);
        cr_assert(strstr(e.message, names[i][1]) && strstr(e.message, names[i][2]), "%s",
                  e.message);
        json_decref(file);
    }
    int n = 0;
    while (support_errors[n])
        n++;
    cr_assert_eq((size_t)n, sizeof names / sizeof *names);
}

/* ---- refusals ---- */

/* A job of one process (advect's model) with one key more or changed. */
#define MODEL                                                                                      \
    "'model': {'processes': {'grid': 'reference.UniformGrid1D', 'profile': 'reference.ProfileU', " \
    "'init': 'reference.InitUGauss', 'advect': 'reference.AdvectionLax'}}"
#define CLOCKS "'clocks': {'time': {'data': [0, 1, 2]}, 'out': {'data': [0, 2]}}"
#define INPUTS "'grid__length': 1, 'grid__spacing': 0.1, 'init__loc': 0.5, 'init__scale': 0.1"

static json_t *job_with(const char *inputs, const char *more)
{
    return support_json("{" MODEL ", " CLOCKS ", 'main_clock': 'time', 'inputs': {" INPUTS "%s%s}"
                        "%s%s}",
                        *inputs ? ", " : "", inputs, *more ? ", " : "", more);
}

static void refuse(json_t *document, int kind, const char *pointer, const char *says)
{
    struct job *j = NULL;
    struct error e = {0};
    int r = checked_job_new(reference, document, NULL, &j, &e);
    cr_assert_eq(r, kind, "%d for: %s", r, says);
    cr_assert_str_eq(e.pointer, pointer, "%s", e.message);
    cr_assert(strstr(e.message, says), "\"%s\" lacks \"%s\"", e.message, says);
    json_decref(document);
}

static const struct {
    const char *inputs, *more, *pointer, *says;
} refused[] = {
    {"", "", "/inputs/advect__v", "needs one"},
    {"'advect__v': null", "", "/inputs/advect__v", "null is not a number"},
    {"'advect__v': 'fast'", "", "/inputs/advect__v", "fast"},
    {"'advect__v': true", "", "/inputs/advect__v", "true"},
    {"'advect__v': [1, [2]]", "", "/inputs/advect__v/1", "advect__v"},
    {"'advect__v': [[1, 2], [3]]", "", "/inputs/advect__v/1", "unequal"},
    {"'advect__v': [[1, 2], [3, 4]]", "", "/inputs/advect__v", "2 dimensions"},
    {"'advect__v': {'dims': ['x']}", "", "/inputs/advect__v", "no data"},
    {"'advect__v': {'data': [1, 2], 'dims': 'x', 'units': 'm'}", "", "/inputs/advect__v/units",
     "unknown key"},
    {"'advect__v': {'data': [1, 2], 'dims': ['x', 'y']}", "", "/inputs/advect__v/dims",
     "2 dimensions"},
    {"'advect__v': {'data': [[1]], 'dims': ['x', 'x']}", "", "/inputs/advect__v/dims", "twice"},
    {"'advect__v': {'data': [1], 'dims': [3]}", "", "/inputs/advect__v/dims", "list of names"},
    {"'advect__v': {'data': [1, 2], 'dims': ['time']}", "", "/inputs/advect__v", "2 labels"},
    {"'advect__v': {'data': [1, 2], 'dims': ['out']}", "", "/inputs/advect__v/dims", "(out)"},
    {"'advect__v': {'data': [1, 2], 'dims': ['b']}", "", "/inputs/advect__v/dims", "(b)"},
    {"'advect__v': {'data': [[1], [2]], 'dims': ['x', 'b']}", "'batch_dim': 'b'",
     "/inputs/advect__v/dims", "(x, b)"},
    {"'advect__v': {'data': [[1, 1], [2, 2], [3, 3]], 'dims': ['time', 'b']}", "'batch_dim': 'b'",
     "/inputs/advect__v/dims", "(time, b)"},
    {"'advect__v': 1", "'batch_dim': 'b'", "/batch_dim", "no input has the dimension 'b'"},
    {"'advect__v': 1", "'batch_dim': 'time'", "/batch_dim", "the name of a clock"},
    {"'advect__v': {'data': [], 'dims': ['b']}", "'batch_dim': 'b'", "/batch_dim", "no members"},
    {"'advect__v': 1, 'grid__spacin': 1", "", "/inputs/grid__spacin",
     "did you mean grid__spacing?"},
    {"'advect__v': 1, 'profile__u': 1", "", "/inputs/profile__u", "process 'init' sets it"},
    {"'advect__v': 1, 'advect__spacing': 1", "", "/inputs/advect__spacing", "give grid__spacing"},
    {"'advect__v': 1, 'profile__u_vars': 1", "", "/inputs/profile__u_vars", "a group"},
    {"'advect__v': 1, 'x': 1", "", "/inputs/x", "no such input"},
    {"'advect__v': {'linspace': [0, 1]}", "", "/inputs/advect__v/linspace", "linspace is"},
    {"'advect__v': {'linspace': [0, 1, 0]}", "", "/inputs/advect__v/linspace", "linspace is"},
    {"'advect__v': {'data': {'arange': [0, 1, 0]}}", "", "/inputs/advect__v/data/arange",
     "arange is"},
    {"'advect__v': {'data': {'arange': [0, 1, -1]}}", "", "/inputs/advect__v/data/arange",
     "no value"},
    {"'advect__v': {'data': {'lin': [0, 1, 2]}}", "", "/inputs/advect__v/data/lin", "unknown key"},
    {"'advect__v': {'data': {}}", "", "/inputs/advect__v/data", "linspace"},
    {"'advect__v': {'upload': 'abc'}", "", "/inputs/advect__v/upload", "not to be had"},
    {"'advect__v': {'file': 'v.npy'}", "", "/inputs/advect__v/file", "upload"},
    {"'advect__v': {'data': 1, 'attrs': 3}", "", "/inputs/advect__v/attrs", "not an object"},
    {"'advect__v': 1", "'outputs': {'profile__u': 3}", "/outputs/profile__u", "or null"},
    {"'advect__v': 1", "'outputs': {'profile__u': 'oot'}", "/outputs/profile__u",
     "did you mean 'out'?"},
    {"'advect__v': 1", "'outputs': {'profile__u_vars': null}", "/outputs/profile__u_vars", "group"},
    {"'advect__v': 1", "'outputs': []", "/outputs", "outputs is an object"},
    {"'advect__v': 1", "'seeed': 1", "/seeed", "did you mean \"seed\"?"},
    {"'advect__v': 1", "'seed': -1", "/seed", "-1"},
    {"'advect__v': 1", "'seed': 1.5", "/seed", "1.5"},
    {"'advect__v': 1", "'max_attempts': 0", "/max_attempts", "from 1"},
    {"'advect__v': 1", "'threads': 0", "/threads", "from 1 to 1024"},
    {"'advect__v': 1", "'threads': 1025", "/threads", "from 1 to 1024"},
    {"'advect__v': 1", "'member_timeout': -1", "/member_timeout", "seconds"},
    {"'advect__v': 1", "'log_every': 'x'", "/log_every", "integer"},
    {"'advect__v': 1", "'priority': true", "/priority", "integer"},
    {"'advect__v': 1", "'check_dims': 'strickt'", "/check_dims", "\"transpose\""},
    {"'advect__v': 1", "'validate': 'some'", "/validate", "\"none\""},
    {"'advect__v': 1", "'scheduler': 'dask'", "/scheduler", "\"threads\""},
    {"'advect__v': 1", "'scheduler': 'distributed'", "/scheduler", "not there yet"},
    {"'advect__v': 1", "'scheduler': 'threads', 'threads': 65", "/threads", "from 1 to 64"},
    {"'advect__v': 1", "'parallel': 1", "/parallel", "true or false"},
    {"'advect__v': 1", "'batch_dim': '../b'", "/batch_dim", "name of a dimension"},
    {"'advect__v': 1", "'store': ''", "/store", "text"},
    {"'advect__v': 1", "'name': 3", "/name", "text"},
    {"'advect__v': 1", "'labels': {'a': 1}", "/labels", "texts"},
    {"'advect__v': 1", "'attrs': 1", "/attrs", "object"},
    {"'advect__v': 1", "'encoding': 1", "/encoding", "object"},
    {"'advect__v': 1", "'encoding': {'profile__v': {}}", "/encoding/profile__v",
     "did you mean profile__u?"},
    {"'advect__v': 1", "'encoding': {'profile__u': 3}", "/encoding/profile__u", "not an object"},
    {"'advect__v': 1", "'hooks': ['reference.none']", "/hooks/0", "reference.none"},
    {"'advect__v': 1", "'hooks': 1", "/hooks", "list"},
    {"'advect__v': 1", "'stop_when': 3", "/stop_when", "it is {"},
    {"'advect__v': 1", "'stop_when': [{'variable': 'profile__u'}]", "/stop_when/0", "above"},
    {"'advect__v': 1", "'stop_when': {'variable': 'profile__u', 'above': 1, 'below': 2}",
     "/stop_when", "either"},
    {"'advect__v': 1", "'stop_when': {'variable': 'p__u', 'above': 1}", "/stop_when", "p__u"},
    {"'advect__v': 1", "'coords': {'x': {'dims': ['x'], 'data': [[1]]}}", "/coords/x/dims", "dims"},
    {"'advect__v': 1", "'coords': {'time': {'dims': ['time'], 'data': [1, 2, 3]}}", "/coords/time",
     "a clock"},
    {"'advect__v': 1", "'coords': {'a/b': [1]}", "/coords/a~1b", "name"},
    {"'advect__v': 1", "'base': 7", "/base", "not to be had"},
    {"'advect__v': 1", "'setup': {}", "/clocks", "beside setup"},
};

Test(jobs, refuses_and_says_where)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        refuse(job_with(refused[i].inputs, refused[i].more), MODEL_INVALID, refused[i].pointer,
               refused[i].says);
}

static const struct {
    const char *clocks, *pointer, *says;
} clocks_refused[] = {
    {"'clocks': {}", "/clocks", "needs a clock"},
    {"'clocks': {'t': []}", "/clocks/t", "at least one label"},
    {"'clocks': {'t': [0, 'NaN']}", "/clocks/t/1", "finite"},
    {"'clocks': {'t': [0, 1, 1]}", "/clocks/t/2", "ascend"},
    {"'clocks': {'t': [2, 1]}", "/clocks/t/1", "ascend"},
    /* Integers: by themselves, and as what processes see of them. */
    {"'clocks': {'t': [1700000000000000100, 1700000000000000000]}", "/clocks/t/1",
     "ascend: 1700000000000000000 comes after 1700000000000000100"},
    {"'clocks': {'t': {'data': [1700000000000000000, 1700000000000000100]}}", "/clocks/t/data/1",
     "labels 1700000000000000000 and 1700000000000000100 differ by less than a double can tell"},
    {"'clocks': {'t': [9007199254740992, 9007199254740996], 's': [9007199254740993]}, "
     "'main_clock': 't'",
     "/clocks/s/0",
     "label 9007199254740993 is not one of the main clock's ('t'), whose nearest "
     "are 9007199254740992 and 9007199254740996"},
    {"'clocks': {'t': [0, 9223372036854775808]}", "/clocks/t/1",
     "9223372036854775808, is too large"},
    {"'clocks': {'t': [[0, 1]]}", "/clocks/t/0", "number"},
    {"'clocks': {'t': ['2000-01-01', '2000-01-02']}", "/clocks/t/0", "days since"},
    {"'clocks': {'t': {'dims': ['x'], 'data': [1]}}", "/clocks/t/dims", "itself"},
    {"'clocks': {'t': {'data': [1], 'unit': 's'}}", "/clocks/t/unit", "did you mean \"units\"?"},
    {"'clocks': {'t': {'data': [1], 'units': 3}}", "/clocks/t", "units"},
    {"'clocks': {'t': {}}", "/clocks/t", "no data"},
    {"'clocks': {'..': [1]}", "/clocks/..", "name"},
    {"'clocks': {'t': [0, 1], 's': [0]}", "/main_clock", "several clocks"},
    {"'clocks': {'t': [0, 1], 's': [0]}, 'main_clock': 'tt'", "/main_clock", "did you mean 't'?"},
    {"'clocks': {'t': [0, 1], 's': [0]}, 'main_clock': 3", "/main_clock", "name of a clock"},
    {"'clocks': {'t': [0, 1], 's': [0.5]}, 'main_clock': 't'", "/clocks/s/0", "0 and 1"},
    {"'clocks': {'t': [0, 1], 's': [2]}, 'main_clock': 't'", "/clocks/s/0", "nearest is 1"},
    {"'clocks': {'t': {'linspace': [0, 1, 99999999999]}}", "/clocks/t/linspace",
     "at most 67108864"},
    {"'clocks': {'pop__r': [0, 1]}", "/inputs/pop__r", "a clock"},
};

Test(jobs, refuses_clocks)
{
    for (size_t i = 0; i < sizeof clocks_refused / sizeof *clocks_refused; i++) {
        bool large = strstr(clocks_refused[i].says, "at most 6") != NULL;
        refuse(support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, %s, "
                            "'inputs': {'pop__r': 1}}",
                            clocks_refused[i].clocks),
               large ? MODEL_TOO_LARGE : MODEL_INVALID, clocks_refused[i].pointer,
               clocks_refused[i].says);
    }
}

/* ---- clocks ---- */

static struct job *logistic(const char *more)
{
    return build(support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, %s}", more),
                 NULL);
}

Test(jobs, clocks_are_subsets_of_the_main_one)
{
    struct job *j = logistic("'clocks': {'out': {'data': [0, 2, 3]}, 't': {'arange': [0, 4]}, "
                             "'late': [3.0]}, 'main_clock': {'dim': 't', 'units': 'days since "
                             "2000-01-01', 'calendar': '360_day'}, 'inputs': {'pop__r': 1}");
    cr_assert_eq(j->n_clocks, 3);
    cr_assert_eq(j->main_clock, 1);
    cr_assert_eq(j->clocks[0].at[1], 2);
    cr_assert_eq(j->clocks[0].at[2], 3);
    cr_assert_eq(j->clocks[2].at[0], 3);
    cr_assert_eq(j->clocks[1].labels.dtype, SIMLAB_I8);
    cr_assert_eq(j->clocks[2].labels.dtype, SIMLAB_F8);
    cr_assert_str_eq(json_member_string(j->clocks[2].attrs, "calendar"), "360_day");
    for (int64_t i = 0; i < j->clocks[1].n; i++)
        cr_assert_eq(j->clocks[1].at[i], i);
    job_free(j);
}

/* numpy.linspace(0, 1, 11)[3] and numpy.arange(0, 1, 0.1)[3], to the bit. */
Test(jobs, linspace_and_arange_are_numpys)
{
    struct job *j =
        logistic("'clocks': {'t': {'linspace': [0, 1, 11]}, 's': [0, 0.30000000000000004, "
                 "1.0]}, 'main_clock': 't', 'inputs': {'pop__r': 1}");
    cr_assert_eq(j->clocks[0].values[10], 1.0);
    cr_assert_eq(j->clocks[0].values[3], 0.30000000000000004);
    job_free(j);
    j = logistic("'clocks': {'t': {'data': {'arange': [0, 1, 0.1]}}, 's': [0.30000000000000004]},"
                 " 'main_clock': 't', 'inputs': {'pop__r': 1}");
    cr_assert_eq(j->clocks[0].n, 10);
    job_free(j);
    j = logistic("'clocks': {'t': {'linspace': [3, 3, 1]}}, 'inputs': {'pop__r': {'linspace': "
                 "[1, 2, 3], 'dims': 'b'}}, 'batch_dim': 'b'");
    cr_assert_eq(j->clocks[0].n, 1);
    cr_assert_eq(j->n_members, 3);
    cr_assert_eq(value_at(j, "pop__r", 1, -1), 1.5);
    job_free(j);
}

/* ---- inputs ---- */

Test(jobs, inputs_are_found_by_member_and_step)
{
    struct job *j = build(job_with("'advect__v': {'dims': ['b', 'time', 'x'], 'data': "
                                   "[[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]}",
                                   "'batch_dim': 'b'"),
                          NULL);
    const struct job_input *v = input_of(j, "advect__v");
    cr_assert(v->has_batch && v->has_clock);
    cr_assert_eq(v->ndim, 1);
    cr_assert_eq(value_at(j, "advect__v", 1, 1), 9.0);
    cr_assert(input_at(j, v, 0, -1) == NULL, "a time-dependent input has no first value");
    cr_assert_eq(value_at(j, "init__loc", 1, -1), 0.5);
    cr_assert_eq(v->value.data, v->given.data);
    job_free(j);
}

/* A great batch takes no memory for each member. */
Test(jobs, a_long_progression_is_computed_as_it_is_asked_for)
{
    enum { N = 70001 };
    struct job *j =
        build(job_with("'advect__v': {'dims': ['b'], 'data': {'linspace': [0.1, 0.9, 70001]}}",
                       "'batch_dim': 'b'"),
              NULL);
    const struct job_input *v = input_of(j, "advect__v");
    cr_assert(v->series && !v->given.data && !v->value.data && j->n_members == N);
    for (int64_t i = 0; i < N - 1; i++)
        cr_assert_eq(value_at(j, "advect__v", i, -1), (double)i * ((0.9 - 0.1) / (N - 1)) + 0.1);
    cr_assert_eq(value_at(j, "advect__v", N - 1, -1), 0.9);
    double some[3];
    cr_assert_eq(job_series_read(v->series, N - 3, 3, some), 0);
    cr_assert(some[0] == value_at(j, "advect__v", N - 3, -1) && some[2] == 0.9);
    job_free(j);
    j = build(
        job_with("'advect__v': {'dims': ['b'], 'data': {'arange': [70001]}}", "'batch_dim': 'b'"),
        NULL);
    cr_assert(input_of(j, "advect__v")->series);
    cr_assert_eq(value_at(j, "advect__v", 70000, -1), 70000.0); /* integers became numbers */
    job_free(j);
    j = build(job_with("'advect__v': {'dims': ['x'], 'data': {'linspace': [0, 1, 70001]}}", ""),
              NULL);
    v = input_of(j, "advect__v");
    cr_assert(!v->series && v->value.data == v->given.data);
    cr_assert_eq(((const double *)v->value.data)[N - 1], 1.0);
    job_free(j);
    json_t *wrong = job_with("'advect__v': 1", "'batch_dim': 'b'");
    json_object_set_new(json_object_get(wrong, "inputs"), "init__scale",
                        json_pack("{s:[s], s:[i, i, i]}", "dims", "b", "linspace", -1, 1, N));
    refuse(wrong, MODEL_INVALID, "/inputs/init__scale", "out of bounds");
}

Test(jobs, transpose_puts_dims_in_order)
{
    struct job *j = build(job_with("'advect__v': {'dims': ['x', 'b', 'time'], 'data': "
                                   "[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]}",
                                   "'batch_dim': 'b', 'check_dims': 'transpose'"),
                          NULL);
    const struct job_input *v = input_of(j, "advect__v");
    cr_assert_str_eq(v->value.dims[0], "b");
    cr_assert_str_eq(v->value.dims[1], "time");
    cr_assert_str_eq(v->value.dims[2], "x");
    cr_assert_str_eq(v->given.dims[0], "x");
    const double *own = input_at(j, v, 1, 2);
    cr_assert_eq(own[0], 6.0);
    cr_assert_eq(own[1], 12.0);
    job_free(j);
}

Test(jobs, dims_are_taken_from_the_variable_where_none_are_given)
{
    struct job *j = build(job_with("'advect__v': [1, 2, 3]", ""), NULL);
    cr_assert_str_eq(input_of(j, "advect__v")->given.dims[0], "x");
    job_free(j);
    j = build(
        job_with("'advect__v': {'data': [1, 'Infinity', 'NaN'], 'attrs': {'units': 'km/s'}}", ""),
        NULL);
    const double *v = input_at(j, input_of(j, "advect__v"), 0, -1);
    cr_assert(v[0] == 1 && isinf(v[1]) && isnan(v[2]));
    const json_t *attrs = input_of(j, "advect__v")->attrs;
    cr_assert_str_eq(json_member_string(attrs, "units"), "km/s");
    cr_assert_str_eq(json_member_string(attrs, "description"), "velocity");
    job_free(j);
}

Test(jobs, defaults_are_marked)
{
    struct job *j = logistic("'clocks': {'t': [0, 1]}, 'inputs': {'pop__r': 1}");
    cr_assert(!input_of(j, "pop__r")->is_default);
    cr_assert(input_of(j, "pop__k")->is_default);
    cr_assert_eq(value_at(j, "pop__k", 0, -1), 100.0);
    job_free(j);
}

Test(jobs, bounds_are_checked_unless_told_not_to)
{
    const char *more =
        "'clocks': {'t': [0, 1]}, 'batch_dim': 'b', 'inputs': {'pop__r': 1, 'pop__k': "
        "{'dims': ['b'], 'data': [1, 2, 0]}}";
    refuse(support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, %s}", more),
           MODEL_INVALID, "/inputs/pop__k/data", "at [2] is out of bounds: 0.0 is not in (0, inf]");
    struct job *j = build(support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, "
                                       "'validate': 'none', %s}",
                                       more),
                          NULL);
    job_free(j);
}

/* ---- outputs ---- */

Test(jobs, outputs_and_indexes)
{
    struct job *j = build(job_with("'advect__v': 1",
                                   "'outputs': {'advect__v': 'time', 'init__u': 'out', "
                                   "'grid__x': null}, 'encoding': {'grid__x': {'dtype': '<f4'}, "
                                   "'profile__u': {'order': 'F'}}"),
                          NULL);
    cr_assert_eq(j->n_outputs, 4);
    cr_assert_str_eq(j->outputs[1].name, "init__u");
    cr_assert_str_eq(j->model->slots[j->outputs[1].slot].name, "profile__u");
    cr_assert_str_eq(json_member_string(j->outputs[1].attrs, "description"), "quantity u");
    cr_assert_eq(j->outputs[1].clock, 1);
    /* An index is stored for itself as well, with the encoding of its full name. */
    cr_assert(j->outputs[3].is_index && !j->outputs[2].is_index);
    cr_assert_str_eq(j->outputs[3].name, "x");
    cr_assert_str_eq(json_member_string(j->outputs[3].encoding, "dtype"), "<f4");
    cr_assert(input_of(j, "advect__v")->is_output);
    cr_assert(!input_of(j, "init__loc")->is_output);
    job_free(j);
}

Test(jobs, the_main_clock_comes_once_in_an_output)
{
    const char *job = "{'model': {'processes': {'i': 'reference.RuntimeInfo'}}, 'clocks': {'t': "
                      "[0, 1], 's': [0]}, 'main_clock': 't', 'outputs': {'i__elapsed': %s}}";
    refuse(support_json(job, "'t'"), MODEL_INVALID, "/outputs/i__elapsed", "dimension 't' already");
    job_free(build(support_json(job, "'s'"), NULL));
    job_free(build(support_json(job, "null"), NULL));
}

Test(jobs, a_dimension_is_no_batch_too)
{
    refuse(job_with("'advect__v': {'dims': ['x'], 'data': [1, 2]}",
                    "'batch_dim': 'x', 'outputs': {'profile__u': null}"),
           MODEL_INVALID, "/outputs/profile__u", "another name");
}

Test(jobs, options_have_defaults)
{
    struct job *j = build(job_with("'advect__v': 1", ""), NULL);
    cr_assert(j->parallel && !strcmp(j->scheduler, "serial") && j->n_members == 1);
    cr_assert(j->max_attempts == 3 && j->threads == 0);
    cr_assert_eq(j->validate, JOB_VALIDATE_INPUTS);
    job_free(j);
    j = build(job_with("'advect__v': {'dims': ['b'], 'data': [1, 2]}",
                       "'batch_dim': 'b', 'seed': 9, 'stop_when': [{'variable': 'init__u', "
                       "'below': -1}], 'log_every': 5, 'labels': {'a': 'b'}, 'validate': null, "
                       "'store': 's'"),
              NULL);
    cr_assert(j->parallel && !strcmp(j->scheduler, "processes") && j->n_members == 2);
    cr_assert_eq(j->seed, 9);
    cr_assert_eq(j->log_every, 5);
    cr_assert_eq(j->validate, JOB_VALIDATE_NONE);
    cr_assert_str_eq(j->store, "s");
    cr_assert(j->n_stop_when == 1 && j->stop_when[0].kind == STOP_BELOW &&
              j->stop_when[0].bound == -1.0);
    cr_assert_str_eq(j->model->slots[j->stop_when[0].slot].name, "profile__u");
    job_free(j);
}

/* Whose threads `threads` are: the simulation's own, or those of its libraries. */
Test(jobs, threads_are_of_the_simulation_or_of_libraries)
{
    const struct {
        const char *options, *scheduler;
        int64_t lanes, threads;
    } cases[] = {
        {"'parallel': true", "auto", 0, 0},
        {"'parallel': true, 'threads': 3", "auto", 3, 0},
        {"'scheduler': 'threads', 'threads': 2", "threads", 2, 0},
        {"'scheduler': 'processes', 'threads': 2", "processes", 2, 0},
        {"'scheduler': 'serial', 'threads': 2", "serial", 1, 2},
        {"'scheduler': 'auto', 'threads': 2", "auto", 2, 0},
        {"'scheduler': 'threads', 'parallel': false, 'threads': 2", "threads", 1, 2},
        {"'threads': 2", "serial", 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job *j = build(job_with("'advect__v': 1", cases[i].options), NULL);
        cr_assert_str_eq(j->scheduler, cases[i].scheduler, "%s", cases[i].options);
        cr_assert_eq(j->lanes, cases[i].lanes, "%s", cases[i].options);
        cr_assert_eq(j->threads, cases[i].threads, "%s", cases[i].options);
        cr_assert_eq(job_options_library_threads(j->document), cases[i].threads, "%s",
                     cases[i].options);
        job_free(j);
    }
    struct job *j = build(job_with("'advect__v': {'dims': ['b'], 'data': [1, 2]}",
                                   "'batch_dim': 'b', 'scheduler': 'threads', 'threads': 2"),
                          NULL);
    cr_assert(j->lanes == 2 && j->threads == 0 && job_runs_beside(j));
    job_free(j);
    j = build(
        job_with("'advect__v': {'dims': ['b'], 'data': [1, 2]}", "'batch_dim': 'b', 'threads': 2"),
        NULL);
    cr_assert(j->lanes == 1 && j->threads == 2 && !job_runs_beside(j));
    job_free(j);
}

/* Of a batch: how many workers run its members, where it does not say all. */
Test(jobs, workers_of_a_batch)
{
    const struct {
        const char *options;
        int64_t most_workers;
    } cases[] = {
        {"'batch_dim': 'b'", 0},
        {"'batch_dim': 'b', 'workers': 5", 5},
        {"'batch_dim': 'b', 'parallel': false", 1},
        {"'batch_dim': 'b', 'parallel': false, 'workers': 5", 1},
        {"'batch_dim': 'b', 'scheduler': 'threads'", 1},
        {"'batch_dim': 'b', 'scheduler': 'threads', 'workers': 2", 2},
        {"'batch_dim': 'b', 'scheduler': 'processes'", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job *j =
            build(job_with("'advect__v': {'dims': ['b'], 'data': [1, 2]}", cases[i].options), NULL);
        cr_assert_eq(j->most_workers, cases[i].most_workers, "%s", cases[i].options);
        job_free(j);
    }
}

/* ---- coordinates ---- */

Test(jobs, coordinates_are_kept)
{
    struct job *j = build(job_with("'advect__v': {'dims': ['b'], 'data': [1, 2]}",
                                   "'batch_dim': 'b', 'attrs': {'title': 'T'}, 'coords': {"
                                   "'b': {'dims': ['b'], 'data': ['low', 'high']}, "
                                   "'height': {'dims': [], 'data': 3}}"),
                          NULL);
    cr_assert_eq(j->n_coords, 2);
    cr_assert_str_eq(j->coords[0].name, "b");
    cr_assert_eq(j->coords[0].values.dtype, SIMLAB_STR);
    cr_assert_str_eq(j->coords[1].name, "height");
    cr_assert_str_eq(json_member_string(j->attrs, "title"), "T");
    job_free(j);
    refuse(job_with("'advect__v': {'dims': ['b'], 'data': [1, 2]}",
                    "'batch_dim': 'b', 'coords': {'b': [1, 2, 3]}"),
           MODEL_INVALID, "/inputs/advect__v", "2 labels along the dimension 'b', but b has 3");
}

Test(jobs, coordinates_have_names_of_their_own)
{
    refuse(job_with("'advect__v': 1", "'coords': {'x': [0, 1]}"), MODEL_INVALID, "/coords/x",
           "under the name of an index variable, which the model computes");
    refuse(job_with("'advect__v': 1",
                    "'outputs': {'profile__u': null}, 'coords': {'profile__u': [0, 1]}"),
           MODEL_INVALID, "/coords/profile__u", "under the name of an output");
}

/* ---- set-ups ---- */

static json_t *setup_job(const char *setup, const char *more)
{
    return support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, 'setup': %s%s}",
                        setup, more);
}

#define TIME                                                                                       \
    "'t': {'dims': ['t'], 'data': [0, 1, 2], 'attrs': {'__xsimlab_output_clock__': 1, "            \
    "'__xsimlab_main_clock__': 1, 'units': 'days', '__xsimlab_output_vars__': 'pop__n'}}"

Test(jobs, setups_carry_coordinates_and_results)
{
    struct job *j =
        build(setup_job("{'coords': {" TIME ", 'b': {'dims': ['b'], 'data': [[1, 2], [3, 4]]}, "
                        "'pop__r': {'dims': ['b'], 'data': [1, 3]}, 'lab': {'dims': ['b'], 'data': "
                        "['x', 'y']}}, 'dims': {}, 'attrs': {'title': 'T'}, 'data_vars': {"
                        "'pop__k': {'dims': [], 'data': 5, 'dtype': 'float64'}, "
                        "'pop__n': {'dims': ['b', 't'], 'data': [[1, 2, 3], [1, 2, 3]]}, "
                        "'note': {'dims': [], 'data': 7}}}",
                        ", 'batch_dim': 'b'"),
              NULL);
    cr_assert_eq(j->n_members, 2);
    cr_assert_eq(value_at(j, "pop__k", 1, -1), 5.0);
    cr_assert_eq(value_at(j, "pop__r", 1, -1), 3.0);
    cr_assert_eq(j->n_coords, 2);
    cr_assert_eq(j->n_outputs, 1);
    cr_assert_eq(j->outputs[0].clock, 0);
    cr_assert_str_eq(json_member_string(j->clocks[0].attrs, "units"), "days");
    cr_assert_eq(json_object_size(j->clocks[0].attrs), 1, "reserved attributes are not stored");
    cr_assert(json_object_get(j->document, "setup") == NULL);
    job_free(j);
}

Test(jobs, setups_are_refused_where_the_fault_is)
{
    static const struct {
        const char *setup, *pointer, *says;
    } cases[] = {
        {"3", "/setup", "not an object"},
        {"{'coord': {}}", "/setup/coord", "did you mean \"coords\"?"},
        {"{'coords': {}}", "/setup/coords", "__xsimlab_main_clock__"},
        {"{'coords': {'t': 3}}", "/setup/coords/t", "to_dict"},
        {"{'coords': {'t': {'dims': ['t']}}}", "/setup/coords/t", "no data"},
        {"{'coords': {" TIME "}, 'data_vars': {'pop__rr': {'dims': [], 'data': 1}}}",
         "/setup/data_vars/pop__rr", "did you mean pop__r"},
        {"{'coords': {" TIME "}, 'data_vars': {'pop__r': {'dims': ['q'], 'data': [1]}}}",
         "/setup/data_vars/pop__r/dims", "(q)"},
        {"{'coords': {" TIME ", 'pop__r': {'dims': ['q'], 'data': [1]}}}",
         "/setup/coords/pop__r/dims", "(q)"},
        {"{'coords': {" TIME ", 's': {'dims': ['s'], 'data': [7], 'attrs': "
         "{'__xsimlab_output_clock__': 1}}}, 'data_vars': {'pop__r': {'dims': [], 'data': 1}}}",
         "/setup/coords/s/data/0", "nearest is 2"},
        {"{'coords': {" TIME "}, 'attrs': {'__xsimlab_output_vars__': 'pop__q'}, "
         "'data_vars': {'pop__r': {'dims': [], 'data': 1}}}",
         "/setup", "pop__q"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(setup_job(cases[i].setup, ""), MODEL_INVALID, cases[i].pointer, cases[i].says);
}

/* ---- sources ---- */

struct shelf {
    json_t *earlier;
    int models;
};

static int give_upload(void *userdata, const char *id, struct ndarray *ret, struct error *e)
{
    (void)userdata;
    if (!strcmp(id, "f4")) {
        ndarray_init(ret, SIMLAB_F4, 0, 1, (const int64_t[]){2});
        memcpy(ret->data, (const float[]){1.5f, 2.5f}, 8);
        return 0;
    }
    if (!strcmp(id, "broken"))
        return -EIO;
    if (!strcmp(id, "text"))
        return ndarray_init(ret, SIMLAB_STR, 3, 1, (const int64_t[]){2});
    return error_set(e, MODEL_INVALID, NULL, "no upload %s", id);
}

static int give_model(void *userdata, const char *name, json_t **ret, struct error *e)
{
    struct shelf *s = userdata;
    s->models++;
    if (strcmp(name, "growth") != 0)
        return error_set(e, MODEL_INVALID, NULL, "no model %s", name);
    *ret = support_json("{'processes': {'pop': 'reference.Logistic'}}");
    return 0;
}

static int give_job(void *userdata, const char *id, json_t **ret, struct error *e)
{
    struct shelf *s = userdata;
    if (strcmp(id, "7") != 0)
        return error_set(e, MODEL_INVALID, NULL, "no job %s", id);
    *ret = json_incref(s->earlier);
    return 0;
}

static void refuse_from(struct shelf *s, json_t *document, int kind, const char *pointer,
                        const char *says)
{
    const struct job_sources sources = {
        .upload = give_upload, .model = give_model, .job = give_job, .userdata = s};
    struct job *j = NULL;
    struct error e = {0};
    cr_assert_eq(checked_job_new(reference, document, &sources, &j, &e), kind, "%s", says);
    if (kind > 0) {
        cr_assert_str_eq(e.pointer, pointer, "%s", e.message);
        cr_assert(strstr(e.message, says), "%s", e.message);
    }
    json_decref(document);
}

/* An .npy file of numbers of single precision: 0, 1/2, 1 … Its id is its shape. */
static int open_halves(void *userdata, const char *id, int *ret_fd, struct error *e)
{
    (void)e;
    enum { N = 70002, HEADER = 128 };
    static char file[HEADER + N * sizeof(float)];
    int rows = 0, columns = 1, given = sscanf(id, "%d,%d", &rows, &columns);
    (void)userdata;
    int fd = memfd_create(id, MFD_CLOEXEC);
    memset(file, ' ', HEADER);
    memcpy(file, "\x93NUMPY\x01\x00\x76\x00", 10);
    int length = snprintf(file + 10, HEADER - 10,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%s%s), }", id,
                          given == 1 ? "," : "");
    file[10 + length] = ' ';
    file[HEADER - 1] = '\n';
    for (int i = 0; i < rows * columns; i++)
        memcpy(file + HEADER + sizeof(float) * (size_t)i, &(float){(float)i / 2}, sizeof(float));
    size_t size = HEADER + sizeof(float) * (size_t)(rows * columns);
    cr_assert_eq(write(fd, file, size), (ssize_t)size);
    *ret_fd = fd;
    return 0;
}

static struct job *build_of_halves(const char *inputs, const char *more)
{
    const struct job_sources sources = {.upload = give_upload, .open = open_halves};
    json_t *document = support_json(
        "{'model': {'processes': {'pop': 'reference.Logistic'}}, 'clocks': {'t': [0, 1]}, "
        "'batch_dim': 'b', 'inputs': {%s}%s}",
        inputs, more);
    struct job *j = NULL;
    struct error e = {0};
    cr_assert_eq(job_new(reference, document, &sources, &j, &e), 0, "%s", e.message);
    json_decref(document);
    return j;
}

/* A great batch takes no memory for each member, and of the file only what is asked for is read. */
Test(jobs, a_long_upload_is_read_as_it_is_asked_for)
{
    enum { N = 70001 };
    struct job *j = build_of_halves("'pop__r': {'dims': ['b'], 'upload': '70001'}", "");
    const struct job_input *r = input_of(j, "pop__r");
    cr_assert(r->series && !r->given.data && !r->value.data && j->n_members == N);
    for (int64_t i = N - 1; i >= 0; i -= 7)
        cr_assert_eq(value_at(j, "pop__r", i, -1), (double)i / 2);
    double some[3];
    cr_assert_eq(job_series_read(r->series, N - 3, 3, some), 0);
    cr_assert(some[0] == (N - 3) / 2.0 && some[2] == (N - 1) / 2.0);
    cr_assert_eq(job_series_read(r->series, N - 2, 3, some), -EIO, "there are no more");
    job_free(j);
}

/* Also where it has more dims than the batch's. */
Test(jobs, a_long_upload_of_arrays_is_read_as_it_is_asked_for)
{
    enum { N = 35001 };
    struct job *j = build_of_halves("'pop__r': {'dims': ['b', 't'], 'upload': '35001, 2'}", "");
    const struct job_input *r = input_of(j, "pop__r");
    cr_assert(r->series && r->has_clock && j->n_members == N);
    for (int64_t i = N - 1; i >= 0; i -= 7) {
        cr_assert_eq(value_at(j, "pop__r", i, 0), (double)i);
        cr_assert_eq(value_at(j, "pop__r", i, 1), (double)i + 0.5);
    }
    double some[4];
    cr_assert_eq(job_series_read(r->series, N - 2, 2, some), 0);
    cr_assert(some[0] == N - 2 && some[3] == N - 0.5);
    cr_assert_eq(job_series_read(r->series, N - 1, 2, some), -EIO, "there are no more");
    job_free(j);
    j = build_of_halves("'pop__r': {'dims': ['t', 'b'], 'upload': '2, 35001'}",
                        ", 'check_dims': 'transpose'");
    cr_assert(!input_of(j, "pop__r")->series, "it is turned");
    cr_assert_eq(value_at(j, "pop__r", 7, 1), (N + 7) / 2.0);
    job_free(j);
}

/* A list of a sweep, and members that are appended. */
Test(jobs, long_uploads_of_parts_of_a_batch)
{
    enum { N = 70001 };
    struct job *j = build_of_halves(
        "", ", 'sweep': {'product': {'pop__k': [3, 4], 'pop__r': {'upload': "
            "'70001'}}}, 'open': true, 'appended': [{'inputs': {'pop__k': {'upload': "
            "'70002'}, 'pop__r': {'linspace': [0, 1, 70002]}}}, {'inputs': {'pop__r': "
            "[8], 'pop__k': [9]}}]");
    const struct job_input *r = input_of(j, "pop__r"), *k = input_of(j, "pop__k");
    cr_assert(r->series && k->series && j->n_members == 2 * N + 70003 && j->n_latest == 1);
    cr_assert_eq(value_at(j, "pop__k", N - 1, -1), 3.0);
    cr_assert_eq(value_at(j, "pop__k", N, -1), 4.0);
    cr_assert_eq(value_at(j, "pop__k", 2 * N + 70001, -1), 70001 / 2.0);
    cr_assert_eq(value_at(j, "pop__k", 2 * N + 70002, -1), 9.0);
    cr_assert_eq(value_at(j, "pop__r", N - 1, -1), (N - 1) / 2.0);
    cr_assert_eq(value_at(j, "pop__r", N + 1, -1), 0.5);
    cr_assert_eq(value_at(j, "pop__r", 2 * N + 70001, -1), 1.0);
    double some[5];
    cr_assert_eq(job_series_read(k->series, 2 * N - 2, 5, some), 0);
    cr_assert(some[1] == 4.0 && some[2] == 0.0 && some[4] == 1.0);
    cr_assert_eq(job_series_read(k->series, 2 * N + 70001, 2, some), 0);
    cr_assert_eq(some[1], 9.0);
    job_free(j);
}

Test(jobs, uploads_are_read_and_cast)
{
    struct shelf s = {0};
    const struct job_sources sources = {.upload = give_upload, .model = give_model, .userdata = &s};
    const char *job = "{'model': 'growth', 'clocks': {'t': [0, 1]}, 'batch_dim': 'b', 'inputs': "
                      "{'pop__r': {'dims': ['b'], 'upload': '%s'}}}";
    struct job *j = build(support_json(job, "f4"), &sources);
    cr_assert_eq(value_at(j, "pop__r", 1, -1), 2.5);
    cr_assert(json_is_object(json_object_get(j->document, "model")), "the model is inline");
    char *text = json_write(j->document);
    cr_assert(strstr(text, "\"upload\":\"f4\""), "uploads stay names: %s", text);
    free(text);
    job_free(j);
    refuse_from(&s, support_json(job, "gone"), MODEL_INVALID, "/inputs/pop__r/upload", "pop__r");
    refuse_from(&s, support_json(job, "text"), MODEL_INVALID, "/inputs/pop__r", "does not fit");
    refuse_from(&s, support_json(job, "broken"), -EIO, "", "");
    refuse_from(&s, support_json("{'model': 'none'}"), MODEL_INVALID, "/model", "no model");
    refuse_from(&s, support_json("{'model': 'growth', 'base': 8}"), MODEL_INVALID, "/base",
                "no job 8");
}

Test(jobs, casts_lose_nothing)
{
    struct shelf s = {0};
    const struct job_sources sources = {.upload = give_upload, .userdata = &s};
    const char *job = "{'model': {'processes': {'g': 'reference.UniformGrid2D', 'l': "
                      "'reference.GameOfLife', 'i': 'reference.InitGlider'}}, 'clocks': {'t': "
                      "[0, 1]}, 'batch_dim': 'b', 'inputs': {'g__nx': {'dims': ['b'], %s}, "
                      "'g__ny': 4}}";
    job_free(build(support_json(job, "'linspace': [1, 3, 3]"), &sources));
    refuse_from(&s, support_json(job, "'linspace': [1, 2, 3]"), MODEL_INVALID, "/inputs/g__nx",
                "1.5, does not fit into i8");
    refuse_from(&s, support_json(job, "'upload': 'f4'"), MODEL_INVALID, "/inputs/g__nx",
                "element 0");
}

Test(jobs, stored_models_may_be_changed)
{
    struct shelf s = {0};
    const struct job_sources sources = {.model = give_model, .userdata = &s};
    struct job *j = build(support_json("{'model': {'base': 'growth', 'processes': {'stop': "
                                       "'reference.StopAbove'}}, 'clocks': {'t': [0, 1]}, "
                                       "'inputs': {'pop__r': 1}}"),
                          &sources);
    cr_assert_eq(j->model->n_processes, 2);
    job_free(j);
    refuse_from(&s,
                support_json("{'model': {'base': 'growth', 'processes': {'pip': null}}, 'clocks': "
                             "{'t': [0, 1]}}"),
                MODEL_INVALID, "/model/processes/pip", "to drop");
}

Test(jobs, a_base_is_laid_under)
{
    struct job *first = build(
        support_json("{'model': {'processes': {'pop': 'reference.Logistic'}}, 'name': 'first', "
                     "'store': 's', 'clocks': {'t': [0, 1, 2], 'o': [2]}, 'main_clock': 't', "
                     "'inputs': {'pop__k': 5, 'pop__n0': 2}, 'outputs': {'pop__n': 'o'}, 'seed': 4,"
                     "'sweep': {'product': {'pop__r': [1, 2, 3]}}}"),
        NULL);
    struct shelf s = {.earlier = first->document};
    const struct job_sources sources = {.job = give_job, .userdata = &s};
    struct job *j = build(support_json("{'base': 7, 'inputs': {'pop__k': 6, 'pop__n0': null}, "
                                       "'outputs': {'pop__r': null}}"),
                          &sources);
    cr_assert_eq(j->n_members, 3);
    cr_assert_eq(value_at(j, "pop__k", 0, -1), 6.0);
    cr_assert_eq(value_at(j, "pop__n0", 0, -1), 1.0, "the default again");
    cr_assert_eq(j->n_outputs, 2);
    cr_assert_eq(j->seed, 4);
    cr_assert(j->store == NULL && !json_object_get(j->document, "name"));
    cr_assert(!json_object_get(j->document, "base"));
    job_free(j);
    /* An input given now is swept no more; an input swept now is given no more. */
    j = build(support_json("{'base': '7', 'inputs': {'pop__r': 1}}"), &sources);
    cr_assert_eq(j->n_members, 1);
    job_free(j);
    j = build(support_json("{'base': 7, 'sweep': {'zip': {'pop__k': [1, 2], 'pop__r': [3, 4]}}}"),
              &sources);
    cr_assert_eq(j->n_members, 2);
    job_free(j);
    refuse_from(&s, support_json("{'base': 7, 'clocks': {'t': [0, 1]}}"), MODEL_INVALID, "/base",
                "nearest");
    job_free(first);
}

/* ---- hostile documents ---- */

static void build_mutant(const json_t *mutant, void *userdata)
{
    struct shelf *s = userdata;
    const struct job_sources sources = {
        .upload = give_upload, .model = give_model, .job = give_job, .userdata = s};
    struct error e = {0};
    struct job *j = NULL;
    int r = checked_job_new(reference, mutant, &sources, &j, &e);
    cr_assert(r == 0 || (r > 0 && *e.message), "%d", r);
    job_free(j);
}

Test(jobs, survives_hostile_documents)
{
    static const char *const names[] = {"batch-array-input", "encoding", "runtime-context", NULL};
    struct shelf s = {.earlier = golden("defaults", "job")};
    for (int i = 0; names[i]; i++) {
        json_t *document = golden(names[i], "job");
        json_object_set_new(document, "stop_when", support_json("[{'variable': 'a', 'above': 1}]"));
        support_mutate(document, build_mutant, &s);
        json_decref(document);
    }
    json_t *document = support_json("{'model': 'growth', 'setup': %s, 'batch_dim': 'b'}",
                                    "{'coords': {" TIME "}, 'attrs': {'a': 1}, 'data_vars': "
                                    "{'pop__r': {'dims': ['b'], 'data': [1, 2], 'attrs': {}}}}");
    support_mutate(document, build_mutant, &s);
    json_decref(document);
    document =
        support_json("{'base': 7, 'sweep': {'product': {'pop__r': [1, 2], 'pop__k': {'dims': "
                     "['batch'], 'linspace': [1, 2, 3]}}, 'zip': {'pop__n0': [1]}}, "
                     "'inputs': {}, 'coords': {'batch': {'dims': ['batch'], 'data': [1, 2, "
                     "3, 4, 5, 6]}}}");
    support_mutate(document, build_mutant, &s);
    json_decref(document);
    json_decref(s.earlier);
}

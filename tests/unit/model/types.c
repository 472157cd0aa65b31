/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors → registry: what is read, what is refused, what is inherited. */
#include "support.h"

#include "base/json.h"
#include "model/check.h"
#include "model/type_parts.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct variable *variable_of(const struct type *t, const char *name)
{
    int i = type_variable(t, name);
    cr_assert(i >= 0, "%s has no %s", t->name, name);
    return &t->variables[i];
}

Test(types, reads_the_reference_library)
{
    struct registry *r = support_reference();
    const struct type *t = registry_type(r, "reference.InitUGauss");
    cr_assert(t);
    const struct variable *scale = variable_of(t, "scale"), *u = variable_of(t, "u");
    cr_assert(scale->is_static && scale->bounds.given && scale->bounds.low_open);
    cr_assert(!scale->bounds.high_open && scale->bounds.low == 0.0 && isinf(scale->bounds.high));
    cr_assert_eq(u->kind, SIMLAB_FOREIGN);
    cr_assert_eq(u->intent, SIMLAB_OUT);
    cr_assert_str_eq(u->type, "reference.ProfileU");
    const struct variable *v = variable_of(registry_type(r, "reference.AdvectionLax"), "v");
    cr_assert_eq(v->n_dims, 2);
    cr_assert_eq(v->dims[0].ndim, 0);
    cr_assert_str_eq(v->dims[1].names[0], "x");
    cr_assert_str_eq(json_member_string(v->attrs, "units"), "m/s");
    cr_assert_eq(t->stages, 1u << SIMLAB_INITIALIZE);
    cr_assert(registry_type(r, "reference.Nothing") == NULL);
    cr_assert_str_eq(registry_library(r, "reference")->version, "1.0");
    registry_unref(r);
}

Test(types, json_tells_all_and_is_stable)
{
    struct registry *r = support_reference();
    for (size_t i = 0; i < registry_size(r); i++) {
        json_t *j = type_to_json(registry_at(r, i));
        cr_assert_str_eq(json_member_string(j, "name"), registry_names(r)[i]);
        cr_assert_eq(json_array_size(json_object_get(j, "variables")),
                     (size_t)registry_at(r, i)->n_variables);
        json_decref(j);
    }
    registry_unref(r);
}

/* Parents' variables that are not declared again, in their order; then the type's own. */
Test(types, merges_with_parents)
{
    struct registry *r = support_library(
        "[{'name': 'C', 'extends': 'B', 'variables': [{'name': 'a', 'kind': 'inherited'},"
        "   {'name': 'd'}, {'name': 'b', 'dtype': 'i4'}], 'stages': ['finalize'], 'movable': true},"
        " {'name': 'A', 'variables': [{'name': 'a'}, {'name': 'b'}, {'name': 'c'}],"
        "  'stages': ['initialize'], 'instance_size': 64},"
        " {'name': 'B', 'extends': 't.A', 'instance_size': 8, 'pinned': true,"
        "  'variables': [{'name': 'a', 'intent': 'out'}]}]");
    const struct type *a = registry_type(r, "t.A"), *b = registry_type(r, "t.B"),
                      *c = registry_type(r, "t.C");
    const char *const order[] = {"c", "a", "d", "b"};
    cr_assert_eq(c->n_variables, 4);
    for (int i = 0; i < 4; i++)
        cr_assert_str_eq(c->variables[i].name, order[i]);
    cr_assert_eq(variable_of(c, "a")->intent, SIMLAB_OUT);
    cr_assert_eq(variable_of(c, "b")->dtype, SIMLAB_I4);
    cr_assert_eq(variable_of(b, "b")->dtype, SIMLAB_F8);
    cr_assert_eq(c->n_own, 3);
    cr_assert_eq(c->own[0], 1);
    cr_assert_eq(c->own[1], 2);
    cr_assert_eq(c->own[2], 3);
    cr_assert_eq(c->stages, 1u << SIMLAB_INITIALIZE | 1u << SIMLAB_FINALIZE);
    cr_assert_eq(b->instance_size, 64);
    cr_assert(c->is_pinned && !a->is_pinned);
    cr_assert(!c->is_movable); /* its own word is not its parent's */
    cr_assert(type_is_a(c, a) && type_is_a(c, c) && !type_is_a(a, c));
    registry_unref(r);
}

static struct registry *finished(const char *types)
{
    struct error e = {0};
    struct registry *r = registry_new();
    json_t *d = support_json("{'abi': 1, 'library': 't', 'types': %s}", types);
    cr_assert_eq(registry_add(r, d, &e), 0, "%s", e.message);
    json_decref(d);
    registry_finish(r);
    return r;
}

/* Why a type was left out; "" where it was not. */
static const char *reason_of(const struct registry *r, const char *type)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)registry_left_out(r), i, entry)
    {
        const char *name = json_member_string(entry, "type");
        if (name && !strcmp(name, type))
            return json_member_string(entry, "reason");
    }
    return "";
}

/* A type that is bad is left out, with those that extend it; never another. */
Test(types, leaves_out_what_extends_nothing)
{
    static const struct {
        const char *types, *left_out, *says;
    } cases[] = {
        {"[{'name': 'A', 'extends': 'Gone'}, {'name': 'Good'}]", "t.A", "type t.A extends t.Gone"},
        {"[{'name': 'Good'}, {'name': 'A', 'extends': 'other.Gone'}]", "t.A", "which is not there"},
        {"[{'name': 'A', 'extends': 'B'}, {'name': 'B', 'extends': 'A'}, {'name': 'Good'}]", "t.A",
         "extends t.B, which is left out: type t.B extends itself"},
        {"[{'name': 'A', 'extends': 'A'}, {'name': 'Good'}]", "t.A", "type t.A extends itself"},
        {"[{'name': 'C', 'extends': 'B'}, {'name': 'Good'}, {'name': 'B', 'extends': 'A'}, "
         "{'name': 'A', 'variables': [{'name': 'a__b'}]}]",
         "t.C", "type t.C extends t.B, which is left out"},
        {"[{'name': 'B', 'extends': 'A'}, {'name': 'Good'}, "
         "{'name': 'A', 'variables': [{'name': 'a__b'}]}]",
         "t.B", "which is not there: it was left out of library t: type t.A: \"a__b\""},
        {"[{'name': 'Good'}, {'name': 'A', 'variables': [{'name': 'v', 'kind': 'inherited'}]}]",
         "t.A", "variable v"},
        {"[{'name': 'Good'}, {'name': 'Good', 'extends': 'Gone'}]", "t.Good", "twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct registry *r = finished(cases[i].types);
        cr_assert(strstr(reason_of(r, cases[i].left_out), cases[i].says), "%s: %s", cases[i].types,
                  reason_of(r, cases[i].left_out));
        cr_assert_eq(registry_size(r), 1, "%s", cases[i].types);
        cr_assert_str_eq(registry_names(r)[0], "t.Good");
        cr_assert_eq(registry_type(r, "t.Good")->number, 0);
        registry_unref(r);
    }
}

/* Of a chain of types that is too long only those too deep are left out. */
Test(types, chains_of_types_have_a_length)
{
    json_t *types = json_array(), *d;
    char name[16], parent[16];
    for (int i = 100; i >= 0; i--) {
        snprintf(name, sizeof name, "T%d", i);
        parent[0] = '\0';
        if (i > 0)
            snprintf(parent, sizeof parent, "T%d", i - 1);
        json_array_append_new(types, json_pack("{s:s, s:s}", "name", name, "extends", parent));
    }
    d = json_pack("{s:i, s:s, s:o}", "abi", 1, "library", "t", "types", types);
    struct registry *r = registry_new();
    cr_assert_eq(registry_add(r, d, NULL), 0);
    registry_finish(r);
    cr_assert_eq(registry_size(r), TYPE_MAX_DEPTH);
    cr_assert(registry_type(r, "t.T63") && !registry_type(r, "t.T64"));
    cr_assert(strstr(reason_of(r, "t.T64"), "in a row"), "%s", reason_of(r, "t.T64"));
    registry_unref(r);
    json_decref(d);
}

Test(types, says_why_a_type_is_missing)
{
    char why[REGISTRY_WHY_SIZE];
    struct registry *r = registry_new();
    json_t *d = support_json("{'abi': 1, 'library': 'two', 'types': [{'name': 'Good'},"
                             " {'name': 'Bad', 'variables': [{'name': 'a__b'}]}],"
                             " 'left_out': [{'name': 'Ugly', 'reason': 'it is not UTF-8'}, 7],"
                             " 'hooks': [{'name': 'h'}]}");
    cr_assert_eq(registry_add(r, d, NULL), 0);
    json_decref(d);
    registry_leave_out(r, "gone", NULL, "/lib/gone.so", "it crashes");
    registry_leave_out(r, "odd", NULL, "/\xff.so", "it hangs");
    registry_finish(r);
    registry_why_missing(r, "two.Bad", why);
    cr_assert(strstr(why, "left out of library two: type two.Bad: \"a__b\""), "%s", why);
    cr_assert_str_eq(registry_why_missing(r, "two.Ugly", why),
                     ": it was left out of library two: it is not UTF-8");
    cr_assert(strstr(registry_why_missing(r, "two.h", why), "hook two.h lacks its"), "%s", why);
    cr_assert_str_eq(registry_why_missing(r, "gone.T", why),
                     ": library gone was left out: it crashes");
    cr_assert_str_eq(registry_why_missing(r, "odd.T", why), ": library odd was left out: it hangs");
    cr_assert_str_eq(registry_why_missing(r, "two.Goood", why), ": did you mean \"two.Good\"?");
    cr_assert_str_eq(registry_why_missing(r, "", why), "");
    cr_assert_eq(json_array_size(registry_left_out(r)), 5);
    registry_unref(r);
}

Test(types, libraries_that_a_model_needs)
{
    static const char *const documents[] = {
        "{'abi': 1, 'library': 'a', 'hash': '11', 'types': [{'name': 'P', 'variables': "
        "[{'name': 'v', 'intent': 'out'}]}]}",
        "{'abi': 1, 'library': 'b', 'hash': '22', 'types': [{'name': 'Q', 'extends': 'a.P'}]}",
        "{'abi': 1, 'library': 'c', 'hash': '33', 'types': [{'name': 'R', 'variables': "
        "[{'name': 'w', 'kind': 'foreign', 'type': 'd.Way', 'var': 'x'}]}]}",
        "{'abi': 1, 'library': 'd', 'hash': '44', 'types': [{'name': 'Way', 'variables': "
        "[{'name': 'x', 'kind': 'foreign', 'type': 'a.P', 'var': 'v'}]}]}",
        "{'abi': 1, 'library': 'e', 'hash': '55', 'types': [{'name': 'Unused'}]}"};
    struct registry *r = registry_new();
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        json_t *d = support_json("%s", documents[i]);
        cr_assert_eq(registry_add(r, d, NULL), 0);
        json_decref(d);
    }
    registry_finish(r);
    struct error e = {0};
    struct model *m;
    json_t *definition = support_json("{'processes': {'r': 'c.R', 'q': 'b.Q'}}");
    cr_assert_eq(model_new(r, definition, &m, &e), 0, "%s", e.message);
    registry_unref(r); /* the model has its own */
    json_t *libraries = model_libraries(m);
    char *text = json_canonical(libraries);
    cr_assert_str_eq(text, "{\"a\":\"11\",\"b\":\"22\",\"c\":\"33\",\"d\":\"44\"}");
    free(text);
    json_decref(libraries);
    json_decref(definition);
    model_free(m);
}

/* Each row is one variable of type t.T; the pointer and words of the refusal. */
static const struct {
    const char *row, *pointer, *says;
} refused[] = {
    {"{'name': '1x'}", "/name", "C identifier"},
    {"{'name': 'a__b'}", "/name", "a__b"},
    {"{}", "/name", "C identifier"},
    {"{'name': 'v', 'kind': 'thing'}", "/kind", "thing"},
    {"{'name': 'v', 'kind': 3}", "/kind", "not a text"},
    {"{'name': 'v', 'intent': 'inn'}", "/intent", "inn"},
    {"{'name': 'v', 'dtype': 'f16'}", "/dtype", "f16"},
    {"{'name': 'v', 'dtype': 'str'}", "/length", "str has a length"},
    {"{'name': 'v', 'dims': 'x,x'}", "/dims", "twice"},
    {"{'name': 'v', 'dims': 'x|y'}", "/dims", "ambiguous"},
    {"{'name': 'v', 'dims': '()|'}", "/dims", "ambiguous"},
    {"{'name': 'v', 'dims': 'x,,y'}", "/dims", "no name"},
    {"{'name': 'v', 'dims': 'a,b,c,d,e,f,g,h,i'}", "/dims", "more than 8"},
    {"{'name': 'v', 'dims': '@main_clock'}", "/dims", "only an out variable"},
    {"{'name': 'v', 'kind': 'index'}", "/dims", "no scalar"},
    {"{'name': 'v', 'kind': 'foreign'}", "/type", "needs the type"},
    {"{'name': 'v', 'kind': 'foreign', 'type': 'T', 'intent': 'inout'}", "/intent", "in or out"},
    {"{'name': 'v', 'kind': 'global', 'global_name': 'g', 'intent': 'inout'}", "/intent", "in or"},
    {"{'name': 'v', 'kind': 'global'}", "/global_name", "needs a global_name"},
    {"{'name': 'v', 'kind': 'group'}", "/group", "needs a group"},
    {"{'name': 'v', 'kind': 'group', 'group': 'g', 'groups': 'h'}", "/groups", "no group"},
    {"{'name': 'v', 'kind': 'on_demand'}", "/has_compute", "compute"},
    {"{'name': 'v', 'default': '[1, 2'}", "/default", "not JSON"},
    {"{'name': 'v', 'default': '[1, 2]'}", "/default", "1 dimensions"},
    {"{'name': 'v', 'default': '1.5', 'dtype': 'i4'}", "/default", "1.5"},
    {"{'name': 'v', 'bounds': '0, 1'}", "/bounds", "no interval"},
    {"{'name': 'v', 'bounds': '[1, 0]'}", "/bounds", "above the upper"},
    {"{'name': 'v', 'bounds': '[nan, 0]'}", "/bounds", "no interval"},
    {"{'name': 'v', 'choices': '3'}", "/choices", "not a JSON array"},
    {"{'name': 'v', 'choices': '[true]'}", "/choices", "true"},
    {"{'name': 'v', 'attrs': '[]'}", "/attrs", "not a JSON object"},
    {"{'name': 'v', 'static': 1}", "/static", "true nor false"},
    {"{'name': 'v', 'private': true}", "/private", "intent out"},
    {"{'name': 'v', 'private': true, 'intent': 'out', 'groups': 'g'}", "/private", "no group"},
    {"{'name': 'v', 'reads': ['run']}", "/reads", "unknown stage run"},
    {"{'name': 'v', 'reads': 'run_step'}", "/reads", "not a list"},
};

Test(types, refuses_rows_and_says_where)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct error e = {0};
        struct type *t = NULL;
        json_t *row =
            support_json("{'name': 'T', 'variables': [{'name': 'w'}, %s]}", refused[i].row);
        char pointer[120];
        snprintf(pointer, sizeof pointer, "/variables/1%s", refused[i].pointer);
        cr_assert_eq(type_parse(row, "t", &t, &e), MODEL_INVALID, "%s", refused[i].row);
        cr_assert_str_eq(e.pointer, pointer, "%s: %s", refused[i].row, e.message);
        cr_assert(strstr(e.message, refused[i].says), "%s", e.message);
        cr_assert(strstr(e.message, "t.T"), "%s", e.message);
        json_decref(row);
    }
}

Test(types, refuses_documents)
{
    static const struct {
        const char *document, *pointer;
        int kind;
    } cases[] = {
        {"[]", "", MODEL_INVALID},
        {"{'abi': 1, 'library': 'a.b', 'types': []}", "/library", MODEL_INVALID},
        {"{'abi': 1, 'library': '../x', 'types': []}", "/library", MODEL_INVALID},
        {"{'abi': 2, 'library': 'a', 'types': []}", "/abi", MODEL_INVALID},
        {"{'abi': 1, 'library': 'a'}", "/types", MODEL_INVALID},
        {"{'abi': 1, 'library': 'a', 'types': [], 'hooks': 3}", "/hooks", MODEL_INVALID},
        {"{'abi': 1, 'library': 'old', 'types': []}", "/library", MODEL_INVALID},
    };
    struct registry *r = registry_new();
    json_t *old = support_json("{'abi': 1, 'library': 'old', 'types': []}");
    cr_assert_eq(registry_add(r, old, NULL), 0);
    json_decref(old);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {0};
        json_t *d = support_json("%s", cases[i].document);
        cr_assert_eq(registry_add(r, d, &e), cases[i].kind, "%s", cases[i].document);
        cr_assert_str_eq(e.pointer, cases[i].pointer, "%s", e.message);
        json_decref(d);
    }
    registry_unref(r);
}

static void add_mutant(const json_t *mutant, void *userdata)
{
    struct error e = {0};
    struct registry *r = registry_new();
    int result = registry_add(r, mutant, &e);
    cr_assert(result == 0 || (result > 0 && *e.message));
    registry_finish(r);
    if (result == 0)
        for (size_t i = 0; i < registry_size(r); i++)
            json_decref(type_to_json(registry_at(r, i)));
    registry_unref(r);
    ++*(int *)userdata;
}

Test(types, survives_hostile_descriptors)
{
    json_t *d = support_file("tests/unit/model/reference.json");
    int n = 0;
    support_mutate(d, add_mutant, &n);
    cr_assert_gt(n, 3000);
    json_decref(d);
}

Test(types, dims_are_read_in_all_spellings)
{
    static const struct {
        const char *text, *all;
    } cases[] = {{NULL, "()"},      {"", "()"},          {"x", "(x)"},
                 {"y,x", "(y, x)"}, {"()|x", "(), (x)"}, {" ( y , x ) | x ", "(y, x), (x)"},
                 {"(x,)", "(x)"},   {"x|", "(x), ()"},   {"@main_clock", "(@main_clock)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dims *d;
        int n;
        cr_assert_eq(dims_parse(cases[i].text, &n, &d, NULL), 0, "%s", cases[i].text);
        char *all = dims_text_all(d, n);
        cr_assert_str_eq(all, cases[i].all);
        free(all);
        dims_free(d, n);
    }
}

static bool allows(const char *bounds, double value)
{
    struct variable v = {.dtype = SIMLAB_F8, .itemsize = 8};
    char why[200];
    size_t at;
    cr_assert_eq(bounds_parse(bounds, &v.bounds, NULL), 0, "%s", bounds);
    return check_values(&v, v.dtype, sizeof value, &value, 1, &at, why, sizeof why);
}

Test(types, bounds_are_open_or_closed)
{
    cr_assert(allows("[0, 1]", 0) && allows("[0, 1]", 1) && !allows("[0, 1]", 1.01));
    cr_assert(!allows("(0, 1)", 0) && !allows("(0, 1)", 1) && allows("(0, 1)", 0.5));
    cr_assert(allows("(0, inf]", INFINITY) && !allows("[-inf, 0)", 0));
    cr_assert(allows("[0, ]", 1e300) && allows("(, 3]", -1e300) && !allows("(,3]", 4));
    /* As in xarray-simlab: NaN is neither below nor above. */
    cr_assert(allows("[0, 1]", NAN));
}

static bool are_right(const struct variable *v, const void *data, size_t n, size_t *ret_at,
                      char *why, size_t size)
{
    return check_values(v, v->dtype, v->itemsize, data, n, ret_at, why, size);
}

Test(types, choices_are_compared_as_values)
{
    struct registry *r = support_library(
        "[{'name': 'T', 'variables': [{'name': 'f', 'dtype': 'f4', 'choices': '[0, 0.1, 3]'},"
        "  {'name': 's', 'dtype': 'str', 'length': 300, 'choices': '[\\'low\\', \\'high\\']'}]}]");
    const struct type *t = registry_type(r, "t.T");
    char why[200], text[600] = "";
    size_t at = 0;
    cr_assert(are_right(variable_of(t, "f"), (const float[]){-0.0f, 0.1f, 3}, 3, &at, why, 200));
    cr_assert(!are_right(variable_of(t, "f"), (const float[]){3, 2}, 2, &at, why, 200));
    cr_assert_eq(at, 1);
    cr_assert(strstr(why, "2.0 is none of"), "%s", why);
    strcpy(text, "high");
    cr_assert(are_right(variable_of(t, "s"), text, 1, &at, why, 200));
    strcpy(text + 300, "mid");
    cr_assert(!are_right(variable_of(t, "s"), text, 2, &at, why, 200));
    registry_unref(r);
}

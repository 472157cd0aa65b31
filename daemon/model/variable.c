/* SPDX-License-Identifier: Apache-2.0 */
/* One row of a type's table of variables: from the descriptor's JSON, and to it. */
#include "model/type_parts.h"

#include "base/c_locale.h"
#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/ndarray.h"
#include "simlab/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a row stands, for what is wrong with it. */
struct row {
    const json_t *json;
    const char *type, *name;
    struct error *e;
};

__attribute__((format(printf, 3, 4))) static int fault(const struct row *row, const char *key,
                                                       const char *format, ...)
{
    char what[600], pointer[80];
    va_list arguments;
    va_start(arguments, format);
    c_locale_vprint(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(pointer, sizeof pointer, "/%s", key);
    return error_set(row->e, MODEL_INVALID, pointer, "type %s, variable %.100s: %s", row->type,
                     row->name, what);
}

/* A text member; NULL where absent. */
static int get_text(const struct row *row, const char *key, const char **ret)
{
    const json_t *value = json_object_get(row->json, key);
    if (value && !json_is_null(value) && !json_is_string(value))
        return fault(row, key, "%s is not a text", key);
    const char *text = json_string_value(value);
    if (text && strlen(text) > TYPE_MAX_TEXT)
        return fault(row, key, "%s is longer than %d bytes", key, TYPE_MAX_TEXT);
    *ret = text;
    return 0;
}

/* The same, copied into *ret where present. */
static int copy_text(const struct row *row, const char *key, char **ret)
{
    const char *text;
    int r = get_text(row, key, &text);
    if (r == 0)
        *ret = mem_strdup(text);
    return r;
}

static int get_word(const struct row *row, const char *key, const char *const *words, int *ret)
{
    const char *text;
    int r = get_text(row, key, &text);
    if (r || !text)
        return r;
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], text)) {
            *ret = i;
            return 0;
        }
    }
    return fault(row, key, "unknown %s \"%.60s\"", key, text);
}

static int get_flag(const struct row *row, const char *key, bool *ret)
{
    const json_t *value = json_object_get(row->json, key);
    if (value && !json_is_boolean(value))
        return fault(row, key, "%s is neither true nor false", key);
    *ret = json_is_true(value);
    return 0;
}

/* A member whose text is JSON of the type wanted; NULL where absent. */
static int get_json(const struct row *row, const char *key, json_type wanted, json_t **ret)
{
    const char *text;
    struct error why = {0};
    int r = get_text(row, key, &text);
    if (r || !text)
        return r;
    json_t *value = json_read(text, strlen(text), &why);
    if (!value)
        return fault(row, key, "%s is %s", key, why.message);
    if (json_typeof(value) != wanted) {
        json_decref(value);
        return fault(row, key, "%s is not a JSON %s", key,
                     wanted == JSON_OBJECT ? "object" : "array");
    }
    *ret = value;
    return 0;
}

static int get_stages(const struct row *row, const char *key, uint32_t *ret)
{
    struct error why = {0};
    int r = variable_stages_parse(json_object_get(row->json, key), ret, &why);
    return r ? fault(row, key, "%s: %s", key, why.message) : 0;
}

static int get_intent(const struct row *row, struct variable *v)
{
    int r = get_word(row, "intent", variable_intents, &v->intent);
    if (r)
        return r;
    if ((v->kind == SIMLAB_FOREIGN || v->kind == SIMLAB_GLOBAL) && v->intent == SIMLAB_INOUT)
        return fault(row, "intent",
                     "a %s variable is in or out; inout would leave the order of processes open",
                     variable_kinds[v->kind]);
    if (v->kind == SIMLAB_INDEX || v->kind == SIMLAB_ON_DEMAND || v->kind == SIMLAB_OBJECT)
        v->intent = SIMLAB_OUT;
    if (variable_is_group(v))
        v->intent = SIMLAB_IN;
    return 0;
}

static int get_dtype(const struct row *row, struct variable *v)
{
    const char *text;
    int r = get_text(row, "dtype", &text);
    if (r)
        return r;
    if (text && !strcmp(text, "any"))
        v->dtype = SIMLAB_ANY;
    else if (text && !dtype_from_name(text, &v->dtype))
        return fault(row, "dtype", "unknown dtype \"%.60s\"", text);
    json_int_t length = json_member_integer(row->json, "length", 0);
    if (variable_has_value(v) && v->dtype == SIMLAB_STR && (length < 1 || length > TYPE_MAX_TEXT))
        return fault(row, "length", "a str has a length from 1 to %d bytes", TYPE_MAX_TEXT);
    v->itemsize = v->dtype == SIMLAB_STR ? (size_t)length : dtype_size(v->dtype);
    return 0;
}

static bool has_main_clock(const struct dims *d)
{
    for (int i = 0; i < d->ndim; i++)
        if (!strcmp(d->names[i], SIMLAB_MAIN_CLOCK))
            return true;
    return false;
}

static int get_dims(const struct row *row, struct variable *v)
{
    const char *text;
    struct error why = {0};
    int r = get_text(row, "dims", &text);
    if (r || !variable_has_value(v))
        return r;
    r = dims_parse(text, &v->n_dims, &v->dims, &why);
    if (r)
        return fault(row, "dims", "%s", why.message);
    for (int i = 0; i < v->n_dims; i++) {
        if (v->kind == SIMLAB_INDEX && v->dims[i].ndim == 0)
            return fault(row, "dims", "an index variable is no scalar");
        if (v->intent != SIMLAB_OUT && has_main_clock(&v->dims[i]))
            return fault(row, "dims", "only an out variable has the main clock as a dimension");
    }
    return 0;
}

static int get_target(const struct row *row, struct variable *v)
{
    int r = copy_text(row, "global_name", &v->global_name);
    r = r ? r : copy_text(row, "group", &v->group);
    if (r)
        return r;
    if (v->kind == SIMLAB_GLOBAL && !v->global_name)
        return fault(row, "global_name", "a global variable needs a global_name");
    if (variable_is_group(v) && !v->group)
        return fault(row, "group", "a %s variable needs a group", variable_kinds[v->kind]);
    if (variable_is_group(v) && v->global_name)
        return fault(row, "global_name", "a %s variable offers no global name",
                     variable_kinds[v->kind]);
    if (v->kind != SIMLAB_FOREIGN)
        return 0;
    const char *type, *var;
    r = get_text(row, "type", &type);
    r = r ? r : get_text(row, "var", &var);
    if (r)
        return r;
    if (!type || !*type)
        return fault(row, "type", "a foreign variable needs the type that it leads to");
    int library = (int)(strchr(row->type, '.') - row->type);
    v->type =
        strchr(type, '.') ? mem_strdup(type) : mem_printf("%.*s.%s", library, row->type, type);
    v->var = mem_strdup(var ? var : v->name);
    return 0;
}

static int get_groups(const struct row *row, struct variable *v)
{
    const char *text;
    int r = get_text(row, "groups", &text);
    if (r || !text || !*text)
        return r;
    if (variable_is_group(v))
        return fault(row, "groups", "a group variable belongs to no group");
    enum { MAX_GROUPS = 16 };
    char *copy = mem_strdup(text), *save = NULL;
    for (char *name = strtok_r(copy, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
        bool known = false;
        for (int i = 0; i < v->n_groups; i++)
            known = known || !strcmp(v->groups[i], name);
        if (known)
            continue;
        if (v->n_groups == MAX_GROUPS) {
            free(copy);
            return fault(row, "groups", "more than %d groups", MAX_GROUPS);
        }
        v->groups = mem_resize(v->groups, (size_t)v->n_groups + 1, sizeof *v->groups);
        v->groups[v->n_groups++] = mem_strdup(name);
    }
    free(copy);
    return 0;
}

/* JSON, or a bare word: inf, or a text for a str. */
static int get_default(const struct row *row, struct variable *v)
{
    const char *text;
    struct error why = {0};
    double number;
    int r = get_text(row, "default", &text);
    if (r || !text || v->intent == SIMLAB_OUT || !variable_has_value(v))
        return r; /* the default of an out variable is ignored, as in xarray-simlab */
    v->default_value = json_read(text, strlen(text), &why);
    if (!v->default_value &&
        (dtype_number_from_text(text, &number) || v->dtype == SIMLAB_STR || v->dtype == SIMLAB_ANY))
        v->default_value = json_string(text);
    if (!v->default_value)
        return fault(row, "default", "default is %s", why.message);
    struct ndarray a;
    int dtype = v->dtype;
    size_t itemsize = v->itemsize;
    if (dtype == SIMLAB_ANY)
        dtype = ndarray_guess_dtype(v->default_value, &itemsize);
    r = ndarray_from_json(v->default_value, dtype, itemsize, TYPE_MAX_TEXT, &a, &why);
    if (r < 0)
        return r;
    if (r)
        return fault(row, "default", "default: %s", why.message);
    bool fits = false;
    for (int i = 0; i < v->n_dims; i++)
        fits = fits || v->dims[i].ndim == a.ndim;
    int ndim = a.ndim;
    ndarray_clear(&a);
    return fits ? 0 : fault(row, "default", "default has %d dimensions: no dims allow that", ndim);
}

static int get_choices(const struct row *row, struct variable *v)
{
    int r = get_json(row, "choices", JSON_ARRAY, &v->choices);
    if (r || !v->choices)
        return r;
    void *element = mem_new(v->itemsize);
    struct error why = {0};
    for (size_t i = 0; r == 0 && i < json_array_size(v->choices); i++)
        r = dtype_from_json(v->dtype, v->itemsize, json_array_get(v->choices, i), element, &why);
    free(element);
    return r ? fault(row, "choices", "choices: %s", why.message) : 0;
}

static int get_validators(const struct row *row, struct variable *v)
{
    const char *bounds, *choices;
    struct error why = {0};
    int r = get_text(row, "bounds", &bounds);
    r = r ? r : get_text(row, "choices", &choices);
    if (r || !variable_has_value(v))
        return r;
    if (v->dtype == SIMLAB_ANY && choices)
        return fault(row, "choices",
                     "a variable of any dtype has no choices: a function `validate` can check it");
    if (bounds && (v->dtype == SIMLAB_STR || v->dtype == SIMLAB_C8 || v->dtype == SIMLAB_C16))
        return fault(row, "bounds", "a %s has no bounds", dtype_name(v->dtype));
    if (bounds && bounds_parse(bounds, &v->bounds, &why))
        return fault(row, "bounds", "%s", why.message);
    return get_choices(row, v);
}

/* Description, units and attrs together, as they are stored. */
static int get_attrs(const struct row *row, struct variable *v)
{
    const char *description, *units;
    json_t *more = NULL;
    int r = get_text(row, "description", &description);
    r = r ? r : get_text(row, "units", &units);
    r = r ? r : get_json(row, "attrs", JSON_OBJECT, &more);
    r = r ? r : get_json(row, "encoding", JSON_OBJECT, &v->encoding);
    if (r) {
        json_decref(more);
        return r;
    }
    v->description = mem_strdup(description ? description : "");
    v->attrs = json_object();
    if (*v->description)
        json_object_set_new(v->attrs, "description", json_string(v->description));
    if (units && *units)
        json_object_set_new(v->attrs, "units", json_string(units));
    if (more)
        json_object_update(v->attrs, more);
    json_decref(more);
    if (!v->encoding)
        v->encoding = json_object();
    return 0;
}

static int get_flags(const struct row *row, struct variable *v)
{
    int r = get_flag(row, "static", &v->is_static);
    r = r ? r : get_flag(row, "cached", &v->is_cached);
    r = r ? r : get_flag(row, "private", &v->is_private);
    r = r ? r : get_flag(row, "has_compute", &v->has_compute);
    r = r ? r : get_flag(row, "has_validate", &v->has_validate);
    r = r ? r : get_flag(row, "has_convert", &v->has_convert);
    r = r ? r : get_stages(row, "reads", &v->reads);
    r = r ? r : get_stages(row, "writes", &v->writes);
    if (r)
        return r;
    if (v->is_private && (v->kind != SIMLAB_VARIABLE || v->intent != SIMLAB_OUT))
        return fault(row, "private", "only a variable with intent out can be private");
    if (v->is_private && (v->n_groups || v->global_name))
        return fault(row, "private", "a private variable is in no group and has no global name");
    if (v->kind == SIMLAB_ON_DEMAND && !v->has_compute)
        return fault(row, "has_compute", "an on_demand variable needs a function `compute`");
    return 0;
}

int variable_parse(const json_t *json, const char *type, struct variable *ret, struct error *e)
{
    const char *name = json_member_string(json, "name");
    if (!json_is_object(json) || !name || !type_name_ok(name))
        return error_set(e, MODEL_INVALID, "/name",
                         "type %s: \"%.100s\" is no name of a variable: a C identifier of at most "
                         "%d letters without \"__\"",
                         type, name ? name : "", TYPE_MAX_NAME);
    struct row row = {.json = json, .type = type, .name = name, .e = e};
    struct variable v = {.name = mem_strdup(name)};
    int r = get_word(&row, "kind", variable_kinds, &v.kind);
    if (r == 0 && v.kind != SIMLAB_INHERITED) {
        r = get_intent(&row, &v);
        r = r ? r : get_dtype(&row, &v);
        r = r ? r : get_dims(&row, &v);
        r = r ? r : get_target(&row, &v);
        r = r ? r : get_groups(&row, &v);
        r = r ? r : get_default(&row, &v);
        r = r ? r : get_validators(&row, &v);
        r = r ? r : get_attrs(&row, &v);
        r = r ? r : get_flags(&row, &v);
    }
    if (r)
        variable_clear(&v);
    else
        *ret = v;
    return r;
}

void variable_clear(struct variable *v)
{
    free(v->name);
    dims_free(v->dims, v->n_dims);
    free(v->type);
    free(v->var);
    free(v->global_name);
    for (int i = 0; i < v->n_groups; i++)
        free(v->groups[i]);
    free(v->groups);
    free(v->group);
    json_decref(v->default_value);
    json_decref(v->choices);
    free(v->description);
    json_decref(v->attrs);
    json_decref(v->encoding);
    *v = (struct variable){0};
}

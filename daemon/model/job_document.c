/* SPDX-License-Identifier: Apache-2.0 */
/* From the document that was given to the job's own form: model inline, set-up converted, an
 * earlier job's keys taken over. Values are shared, not copied: the lists may be long. */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {
    "model",          "name",      "base",         "setup",       "clocks",      "main_clock",
    "inputs",         "outputs",   "coords",       "attrs",       "batch_dim",   "sweep",
    "parallel",       "scheduler", "encoding",     "check_dims",  "validate",    "store",
    "seed",           "priority",  "max_attempts", "stop_when",   "log_every",   "member_timeout",
    "labels",         "hooks",     "threads",      "checkpoint",  "debug",       "profile",
    "finite_outputs", "workers",   "after",        "hold",        "environment", "libraries",
    "from",           "open",      "appended",     "zarr_format", "isolate",     "crs",
    "$schema",        NULL};

/* What a set-up gives. */
static const char *const setup_keys[] = {"clocks", "main_clock", "inputs", "outputs",
                                         "coords", "attrs",      NULL};

/* ---- the model ---- */

static int fetch_model(const struct job_sources *sources, const json_t *name, json_t **ret,
                       struct error *e)
{
    if (!sources || !sources->model)
        return error_set(e, MODEL_INVALID, "/model",
                         "model: stored models are not to be had here: give the model itself");
    int r = sources->model(sources->userdata, json_string_value(name), ret, e);
    if (r > 0 && e)
        snprintf(e->pointer, sizeof e->pointer, "/model");
    return r;
}

/* {"base": NAME, "processes": {…}, "after": {…}} */
static int change_model(const struct job_sources *sources, const json_t *given, json_t **ret,
                        struct error *e)
{
    json_t *stored = NULL, *changes = json_copy((json_t *)given);
    const json_t *base = json_object_get(given, "base");
    int r = json_is_string(base)
                ? fetch_model(sources, base, &stored, e)
                : error_set(e, MODEL_INVALID, "/model/base", "model: base is not a model's name");
    json_object_del(changes, "base");
    if (r == 0) {
        r = model_update(stored, changes, ret, e);
        if (r > 0 && e)
            error_prefix_pointer(e, "/model");
    }
    json_decref(stored);
    json_decref(changes);
    return r;
}

static int build_model(const struct registry *registry, const json_t *given,
                       const struct job_sources *sources, struct model **ret_model, struct error *e)
{
    json_t *definition = NULL;
    int r = 0;
    bool is_inline = json_is_object(given) && !json_object_get(given, "base");
    if (json_is_string(given))
        r = fetch_model(sources, given, &definition, e);
    else if (json_is_object(given) && !is_inline)
        r = change_model(sources, given, &definition, e);
    else if (is_inline)
        definition = json_incref((json_t *)given);
    else
        r = error_set(e, MODEL_INVALID, "/model",
                      "a job needs a model: the name of a stored one, or {\"processes\": {…}}");
    if (r)
        return r;
    r = model_new(registry, definition, ret_model, e);
    if (r == 0 && (r = model_check_runtimes(*ret_model, e)) != 0)
        *ret_model = model_free(*ret_model);
    if (r > 0 && e) {
        if (json_is_string(given))
            e->pointer[0] = '\0'; /* the fault is not in this document */
        else if (!is_inline)
            model_update_locate(given, e);
        error_prefix_pointer(e, "/model");
    }
    json_decref(definition);
    return r;
}

/* ---- an earlier job ---- */

static int fetch_base(const struct job_sources *sources, const json_t *base, json_t **ret,
                      struct error *e)
{
    char id[32];
    if (json_is_integer(base))
        snprintf(id, sizeof id, "%lld", (long long)json_integer_value(base));
    if (!json_is_string(base) && !json_is_integer(base))
        return error_set(e, MODEL_INVALID, "/base", "base is not the number of a job");
    if (!sources || !sources->job)
        return error_set(e, MODEL_INVALID, "/base", "base: earlier jobs are not to be had here");
    json_t *document = NULL;
    int r = sources->job(sources->userdata, json_is_string(base) ? json_string_value(base) : id,
                         &document, e);
    if (r > 0 && e)
        snprintf(e->pointer, sizeof e->pointer, "/base");
    if (r)
        return r;
    if (!json_is_object(document) || json_object_get(document, "base") ||
        json_object_get(document, "setup")) {
        json_decref(document);
        return error_set(e, MODEL_INVALID, "/base", "base: that job's document is not normalized");
    }
    *ret = document;
    return 0;
}

/* `over` laid over the object at `key`; where null_drops, a null takes a name away. */
static void merge_key(json_t *target, const char *key, const json_t *over, bool null_drops)
{
    json_t *old = json_object_get(target, key), *value;
    const char *name;
    if (!json_is_object(over)) {
        json_object_set(target, key, (json_t *)over);
        return;
    }
    json_t *merged = json_is_object(old) ? json_copy(old) : json_object();
    json_object_foreach((json_t *)over, name, value)
    {
        if (null_drops && json_is_null(value))
            json_object_del(merged, name);
        else
            json_object_set(merged, name, value);
    }
    json_object_set_new(target, key, merged);
}

/* Takes from the earlier job's sweep what the new one gives as an input. */
static void drop_swept(json_t *document, const json_t *inputs)
{
    const json_t *old = json_object_get(document, "sweep");
    const char *form, *name;
    json_t *lists, *value;
    if (!json_is_object(old))
        return;
    json_t *sweep = json_object();
    json_object_foreach((json_t *)old, form, lists)
    {
        json_t *kept = json_copy(lists);
        json_object_foreach((json_t *)inputs, name, value)
        {
            json_object_del(kept, name);
        }
        if (json_object_size(kept))
            json_object_set(sweep, form, kept);
        json_decref(kept);
    }
    if (json_object_size(sweep))
        json_object_set(document, "sweep", sweep);
    else
        json_object_del(document, "sweep");
    json_decref(sweep);
}

/* Takes from the earlier job's inputs what the new one sweeps. */
static void drop_inputs(json_t *document, const json_t *sweep)
{
    const char *form, *name;
    json_t *lists, *value, *inputs = json_object_get(document, "inputs");
    if (!json_is_object(inputs))
        return;
    inputs = json_copy(inputs);
    json_object_foreach((json_t *)sweep, form, lists)
    {
        json_object_foreach(lists, name, value)
        {
            json_object_del(inputs, name);
        }
    }
    json_object_set_new(document, "inputs", inputs);
}

static void merge_base(json_t *base, const json_t *own)
{
    static const char *const merged[] = {"inputs",   "clocks", "coords",  "attrs",
                                         "encoding", "labels", "outputs", NULL};
    const char *key;
    json_t *value;
    json_object_del(base, "store");
    json_object_del(base, "name");
    json_object_del(base, "after");
    json_object_del(base, "hold");
    if (json_object_get(own, "sweep"))
        drop_inputs(base, json_object_get(own, "sweep"));
    else
        drop_swept(base, json_object_get(own, "inputs"));
    json_object_foreach((json_t *)own, key, value)
    {
        bool by_name = false;
        for (int i = 0; merged[i]; i++)
            by_name = by_name || !strcmp(merged[i], key);
        if (by_name)
            merge_key(base, key, value, strcmp(key, "outputs") != 0);
        else
            json_object_set(base, key, value);
    }
}

/* ---- all together ---- */

static int use_setup(json_t *document, const struct model *m, struct error *e)
{
    json_t *setup = json_incref(json_object_get(document, "setup"));
    int r = 0;
    for (int i = 0; r == 0 && setup_keys[i]; i++) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/%s", setup_keys[i]);
        if (json_object_get(document, setup_keys[i]))
            r = error_set(e, MODEL_INVALID, pointer, "%s stands beside setup, which has its own",
                          setup_keys[i]);
    }
    if (r == 0) {
        r = job_setup_convert(setup, m, document, e);
        if (r > 0 && e)
            error_prefix_pointer(e, "/setup");
    }
    json_decref(setup);
    json_object_del(document, "setup");
    return r;
}

static int normalize(const struct registry *r, json_t *document, json_t *base,
                     const struct job_sources *sources, struct model **ret_model, struct error *e)
{
    bool has_setup = json_object_get(document, "setup") != NULL;
    const json_t *model = json_object_get(document, "model");
    const struct registry *registry;
    int result = job_registry(r, document, base, &registry, e);
    if (result == 0)
        result = build_model(registry, model ? model : json_object_get(base, "model"), sources,
                             ret_model, e);
    if (result == 0 && has_setup)
        result = use_setup(document, *ret_model, e);
    if (result || !base)
        return result;
    for (int i = 0; has_setup && setup_keys[i]; i++)
        json_object_del(base, setup_keys[i]);
    merge_base(base, document);
    json_object_clear(document);
    json_object_update(document, base);
    return 0;
}

int job_document_normalize(const struct registry *r, const json_t *given,
                           const struct job_sources *sources, json_t **ret_document,
                           struct model **ret_model, struct error *e)
{
    if (!json_is_object(given))
        return error_set(e, MODEL_INVALID, "", "a job is an object");
    int result = model_result_of_base(json_check_keys(given, keys, "", e));
    if (result)
        return result;
    if (json_object_get(given, "$schema") && !json_is_string(json_object_get(given, "$schema")))
        return error_set(e, MODEL_INVALID, "/$schema", "$schema is not a text");
    json_t *document = json_copy((json_t *)given), *base = NULL;
    struct model *model = NULL;
    const json_t *earlier = json_object_get(given, "base");
    json_object_del(document, "base");
    json_object_del(document, "$schema"); /* for editors only */
    if (earlier) {
        json_t *fetched = NULL;
        result = fetch_base(sources, earlier, &fetched, e);
        base = json_copy(fetched);
        json_decref(fetched);
    }
    result = result ? result : normalize(r, document, base, sources, &model, e);
    json_decref(base);
    if (result) {
        model_free(model);
        json_decref(document);
        return result;
    }
    json_object_set(document, "model", model->definition);
    *ret_document = document;
    *ret_model = model;
    return 0;
}

/* ---- pointers ---- */

static void swap_prefix(struct error *e, const char *old, const char *new)
{
    char kept[sizeof e->pointer];
    snprintf(kept, sizeof kept, "%s%.480s", new, e->pointer + strlen(old));
    memcpy(e->pointer, kept, sizeof kept);
}

static bool begins(const struct error *e, const char *prefix)
{
    size_t n = strlen(prefix);
    return !strncmp(e->pointer, prefix, n) && (e->pointer[n] == '/' || !e->pointer[n]);
}

/* `object` has the name that stands first in the pointer, or that is empty. *ret_rest: what follows
 * the name. */
static bool has_name(const json_t *object, const char *pointer, const char **ret_rest)
{
    char name[JOB_POINTER_SIZE];
    *ret_rest = NULL;
    if (*pointer != '/')
        return true;
    size_t n = strcspn(pointer + 1, "/");
    snprintf(name, sizeof name, "%.*s", (int)n, pointer + 1);
    *ret_rest = pointer + 1 + n;
    return json_object_get(object, name) != NULL;
}

/* The name that stands second in the pointer is in the set-up's `section`. */
static bool stands_in(const json_t *setup, const char *section, const struct error *e)
{
    const char *second = strchr(e->pointer + 1, '/'), *rest;
    return second && has_name(json_object_get(setup, section), second, &rest);
}

/* The fault is in what the earlier job gave: the pointer's first two names are not in `given`. */
static bool is_from_base(const json_t *given, const struct error *e)
{
    const char *second, *rest;
    if (!json_object_get(given, "base") || !*e->pointer)
        return false;
    char first[JOB_POINTER_SIZE];
    if (!has_name(given, e->pointer, &second))
        return true;
    snprintf(first, sizeof first, "%.*s", (int)(second - e->pointer - 1), e->pointer + 1);
    const json_t *section = json_object_get(given, first);
    return json_is_object(section) && !has_name(section, second, &rest);
}

void job_document_locate(const json_t *given, struct error *e)
{
    const json_t *setup = json_object_get(given, "setup");
    static const char *const arrays[] = {"/inputs", "/coords", "/clocks", NULL};
    if (!e)
        return;
    for (int i = 0; setup && arrays[i]; i++) {
        if (!begins(e, arrays[i]))
            continue;
        bool is_coord = i > 0 ? !stands_in(setup, "data_vars", e) : stands_in(setup, "coords", e);
        swap_prefix(e, arrays[i], is_coord ? "/setup/coords" : "/setup/data_vars");
        return;
    }
    if (setup && (begins(e, "/outputs") || begins(e, "/main_clock") || begins(e, "/attrs"))) {
        snprintf(e->pointer, sizeof e->pointer, "/setup");
        return;
    }
    if (is_from_base(given, e))
        snprintf(e->pointer, sizeof e->pointer, "/base");
}

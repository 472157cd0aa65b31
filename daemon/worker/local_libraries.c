/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/local_libraries.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct local {
    struct libraries *libraries;
    const char *const *directories;
    struct registry *registry;
    json_t *wanted; /* names of libraries, in order → whether they were dealt with */
    json_t *models; /* by library: those that come with it */
    bool is_quiet;
};

/* ---- what is wanted ---- */

/* "library.Type": a text that is something else names a library that is not there. */
static void want(struct local *l, const char *text)
{
    size_t n = text ? strcspn(text, ".") : 0;
    char *name = mem_printf("%.*s", (int)n, text ? text : "");
    if (n > 0 && text[n] && file_name_ok(name) && !json_object_get(l->wanted, name))
        json_object_set_new(l->wanted, name, json_false());
    free(name);
}

/* All texts in a part of a document. */
static void want_all(struct local *l, const json_t *value, int depth)
{
    const char *key;
    size_t i;
    json_t *part;
    if (depth > 8)
        return;
    want(l, json_string_value(value));
    json_array_foreach((json_t *)value, i, part)
    {
        want_all(l, part, depth + 1);
    }
    json_object_foreach((json_t *)value, key, part)
    {
        want_all(l, part, depth + 1);
    }
}

/* What its types extend, and where their foreign variables lead. */
static void want_relations(struct local *l, const json_t *library)
{
    size_t i, k;
    json_t *type, *variable;
    json_array_foreach(json_object_get(library, "types"), i, type)
    {
        want(l, json_member_string(type, "extends"));
        json_array_foreach(json_object_get(type, "variables"), k, variable)
        {
            want(l, json_member_string(variable, "type"));
        }
    }
}

/* ---- what is there ---- */

static int open_file(struct local *l, const char *path, const char *name, struct error *e)
{
    json_t *document = NULL;
    int r = libraries_open(l->libraries, path, NULL, e);
    if (r == 0)
        r = libraries_describe(l->libraries, name, &document, e);
    if (r == 0)
        r = worker_result_of_user(registry_add(l->registry, document, e));
    if (r == 0)
        want_relations(l, document);
    if (r == 0 && json_object_get(document, "models"))
        json_object_set(l->models, name, json_object_get(document, "models"));
    json_decref(document);
    return r;
}

/* In the first directory that has a good one. */
static void open_wanted(struct local *l, const char *name)
{
    struct error why = {.message = ""};
    bool is_open = false;
    for (const char *const *d = l->directories; *d && !is_open; d++) {
        struct error e = {.message = ""};
        char *path = mem_printf("%s/%s.so", *d, name);
        if (access(path, F_OK) == 0 && open_file(l, path, name, &e) == 0)
            is_open = true;
        else if (*e.message)
            why = e;
        if (*e.message && !l->is_quiet)
            log_warning("library %s is left out: %s", path, e.message);
        free(path);
    }
    if (!is_open && !*why.message)
        error_set(&why, WORKER_REFUSED, NULL, "there is no %s.so in %s%s", name, *l->directories,
                  l->directories[1] ? ", nor in the other directories" : "");
    if (!is_open)
        registry_leave_out(l->registry, name, NULL, NULL, why.message);
}

static const char *next_wanted(const struct local *l)
{
    const char *name;
    json_t *is_done;
    json_object_foreach(l->wanted, name, is_done)
    {
        if (!json_is_true(is_done))
            return name;
    }
    return NULL;
}

static void log_left_out(const struct registry *registry)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)registry_left_out(registry), i, entry)
    {
        const char *type = json_member_string(entry, "type");
        if (type)
            log_warning("%s is left out: %s", type, json_member_string(entry, "reason"));
    }
}

static void check_directories(const char *const *directories)
{
    for (; *directories; directories++) {
        DIR *d = opendir(*directories);
        if (d)
            closedir(d);
        else
            log_warning("cannot read the directory of libraries %s: %s", *directories,
                        strerror(errno));
    }
}

static void open_all(struct local *l)
{
    const char *name;
    while ((name = next_wanted(l))) {
        char *copy = mem_strdup(name);
        json_object_set_new(l->wanted, copy, json_true());
        open_wanted(l, copy);
        free(copy);
    }
}

/* ---- a model of a library ---- */

static char *names_of(const json_t *models)
{
    struct buffer text = {0};
    const char *name;
    json_t *model;
    json_object_foreach((json_t *)(uintptr_t)models, name, model)
    {
        buffer_append(&text, ", ", text.size ? 2 : 0);
        buffer_append(&text, name, strlen(name));
    }
    if (!text.size)
        buffer_append(&text, "none", 4);
    buffer_append(&text, "", 1);
    return text.data;
}

/* Why the library is not there; NULL: it is. */
static const char *why_missing(const struct local *l, const char *library)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)registry_left_out(l->registry), i, entry)
    {
        const char *name = json_member_string(entry, "library");
        if (name && !strcmp(name, library) && !json_member_string(entry, "type"))
            return json_member_string(entry, "reason");
    }
    return NULL;
}

static int refuse_model(const struct local *l, const struct local_model *model, struct error *e)
{
    const char *why = why_missing(l, model->library);
    if (why)
        return error_set(e, WORKER_REFUSED, NULL, "%s.py: %s", model->library, why);
    char *names = names_of(json_object_get(l->models, model->library));
    error_set(e, WORKER_REFUSED, NULL,
              "%s.py has no model %s: one is a simlab.processes.Model, one of xarray-simlab, or a "
              "dict of process classes; it has %s",
              model->library, model->name, names);
    free(names);
    return WORKER_REFUSED;
}

/* A set-up may be the whole document. */
static void set_model(json_t *document, const json_t *model)
{
    if (json_object_get(document, "data_vars") && !json_object_get(document, "setup")) {
        json_t *setup = json_copy(document);
        json_object_clear(document);
        json_object_set_new(document, "setup", setup);
    }
    json_object_set(document, "model", (json_t *)(uintptr_t)model);
}

static int take_model(struct local *l, json_t *document, const struct local_model *model,
                      struct error *e)
{
    if (json_object_get(document, "model"))
        return error_set(e, WORKER_REFUSED, "/model",
                         "the job has a model: it is not to be run with another one");
    json_object_set_new(l->wanted, model->library, json_false());
    open_all(l);
    const json_t *found = json_object_get(json_object_get(l->models, model->library), model->name);
    if (!found)
        return refuse_model(l, model, e);
    set_model(document, found);
    return 0;
}

int local_libraries_open(struct libraries *l, const char *const *directories, json_t *document,
                         const struct local_model *model, bool is_quiet,
                         const struct registry **ret_registry, struct error *e)
{
    struct local local = {.libraries = l,
                          .directories = directories,
                          .registry = registry_new(),
                          .wanted = json_object(),
                          .models = json_object(),
                          .is_quiet = is_quiet};
    if (!is_quiet)
        check_directories(directories);
    int r = model->library ? take_model(&local, document, model, e) : 0;
    want_all(&local, json_object_get(document, "model"), 0);
    want_all(&local, json_object_get(document, "hooks"), 0);
    open_all(&local);
    json_decref(local.wanted);
    json_decref(local.models);
    registry_finish(local.registry);
    if (!is_quiet)
        log_left_out(local.registry);
    libraries_link(l, local.registry);
    *ret_registry = local.registry;
    return r;
}

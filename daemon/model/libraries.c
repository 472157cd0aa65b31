/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of libraries that a model, or a job, was checked with. */
#include "model/job.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct needs {
    const struct registry *registry;
    bool *seen; /* by type's number */
    const struct type **waiting;
    size_t n_waiting;
    json_t *libraries;
};

static void need_library(struct needs *n, const char *name)
{
    const struct library *l = registry_library(n->registry, name);
    if (l && !json_object_get(n->libraries, name))
        json_object_set_new(n->libraries, name, json_string(l->hash));
}

static void need_type(struct needs *n, const struct type *type)
{
    if (!type || n->seen[type->number])
        return;
    n->seen[type->number] = true;
    n->waiting[n->n_waiting++] = type;
}

/* Foreign variables are resolved as they are declared, through types that may be no process's. */
static void visit(struct needs *n, const struct type *type)
{
    need_library(n, type->library);
    need_type(n, type->parent);
    for (int v = 0; v < type->n_variables; v++)
        if (type->variables[v].kind == SIMLAB_FOREIGN)
            need_type(n, registry_type(n->registry, type->variables[v].type));
}

json_t *model_libraries(const struct model *m)
{
    size_t size = registry_size(m->registry);
    struct needs n = {.registry = m->registry,
                      .seen = mem_array(size, sizeof *n.seen),
                      .waiting = mem_array(size, sizeof *n.waiting),
                      .libraries = json_object()};
    for (int p = 0; p < m->n_processes; p++)
        need_type(&n, model_process_type(&m->processes[p]));
    while (n.n_waiting > 0)
        visit(&n, n.waiting[--n.n_waiting]);
    free(n.seen);
    free((void *)n.waiting);
    return n.libraries;
}

json_t *job_libraries(const struct job *j)
{
    struct needs n = {.registry = j->model->registry, .libraries = model_libraries(j->model)};
    for (int i = 0; i < j->n_hooks; i++) {
        char *name = mem_strdup(j->hooks[i]);
        name[strcspn(name, ".")] = '\0';
        need_library(&n, name);
        free(name);
    }
    return n.libraries;
}

/* ---- runtimes ---- */

/* MODEL_INVALID where another of its kind is there. */
static int add_runtime(json_t *runtimes, const char *runtime)
{
    char hash[HASH_TEXT_SIZE];
    char *key = mem_printf("@%.*s", (int)strcspn(runtime, " "), runtime);
    hash_bytes(runtime, strlen(runtime), hash);
    const char *other = json_string_value(json_object_get(runtimes, key));
    int r = other && strcmp(other, hash) != 0 ? MODEL_INVALID : 0;
    json_object_set_new(runtimes, key, json_string(hash));
    free(key);
    return r;
}

static int find_runtimes(const struct registry *registry, const json_t *libraries,
                         json_t *ret_runtimes)
{
    const char *name;
    json_t *hash;
    int r = 0;
    json_object_foreach((json_t *)libraries, name, hash)
    {
        const struct library *l = registry_library(registry, name);
        if (l && l->runtime && add_runtime(ret_runtimes, l->runtime) != 0)
            r = MODEL_INVALID;
    }
    return r;
}

int model_check_runtimes(const struct model *m, struct error *e)
{
    json_t *libraries = model_libraries(m), *runtimes = json_object();
    int r = find_runtimes(m->registry, libraries, runtimes);
    json_decref(libraries);
    json_decref(runtimes);
    return r ? error_set(e, r, "",
                         "its process types need two environments of Python, or two versions of "
                         "what hosts it: a worker has one")
             : 0;
}

json_t *job_pins(const struct job *j)
{
    json_t *pins = job_libraries(j), *runtimes = json_object();
    find_runtimes(j->model->registry, pins, runtimes);
    json_object_update(pins, runtimes);
    json_decref(runtimes);
    return pins;
}

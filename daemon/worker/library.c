/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/library.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/descriptor.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct opened {
    char *name, *path;
    char hash[HASH_TEXT_SIZE];
    void *handle;                     /* of dlopen, never closed */
    struct simlab_library table;      /* copied, in this host's size */
    struct simlab_process *processes; /* likewise, and their variables */
    struct stage_code *codes;
    struct simlab_hook *hooks;
    bool is_left_out; /* its descriptors were refused */
};

struct libraries {
    struct opened *opened;
    size_t n;
};

struct libraries *libraries_new(void)
{
    return mem_new(sizeof(struct libraries));
}

static void opened_clear(struct opened *o)
{
    for (int i = 0; o->processes && i < o->table.n_processes; i++)
        free((void *)o->processes[i].variables);
    free(o->processes);
    free(o->codes);
    free(o->hooks);
    free(o->name);
    free(o->path);
}

struct libraries *libraries_free(struct libraries *l)
{
    if (!l)
        return NULL;
    for (size_t i = 0; i < l->n; i++)
        opened_clear(&l->opened[i]);
    free(l->opened);
    free(l);
    return NULL;
}

size_t libraries_size(const struct libraries *l)
{
    return l->n;
}

/* A struct of the library's size into one of ours: what it lacks is zero, what we lack is left. */
static void copy_sized(void *target, size_t target_size, const void *source, size_t source_size)
{
    memset(target, 0, target_size);
    memcpy(target, source, source_size < target_size ? source_size : target_size);
}

static void copy_processes(struct opened *o)
{
    int n = o->table.n_processes;
    o->processes = mem_array((size_t)n, sizeof *o->processes);
    o->codes = mem_array((size_t)n, sizeof *o->codes);
    for (int i = 0; i < n; i++) {
        struct simlab_process *p = &o->processes[i];
        copy_sized(p, sizeof *p, o->table.processes[i], o->table.process_size);
        const char *rows = (const char *)p->variables;
        int n_rows = rows && p->n_variables > 0 ? p->n_variables : 0;
        struct simlab_variable *variables = mem_array((size_t)n_rows, sizeof *variables);
        for (int row = 0; row < n_rows; row++)
            copy_sized(&variables[row], sizeof *variables,
                       rows + (size_t)row * o->table.variable_size, o->table.variable_size);
        p->variables = variables;
        p->n_variables = n_rows;
        o->codes[i].process = p;
    }
}

static void copy_hooks(struct opened *o)
{
    int n = o->table.hooks && o->table.hook_size && o->table.n_hooks > 0 ? o->table.n_hooks : 0;
    o->hooks = mem_array((size_t)n, sizeof *o->hooks);
    for (int i = 0; i < n; i++)
        copy_sized(&o->hooks[i], sizeof *o->hooks,
                   (const char *)o->table.hooks + (size_t)i * o->table.hook_size,
                   o->table.hook_size);
    o->table.hooks = o->hooks;
    o->table.n_hooks = n;
}

/* The library's name is its file's, less the last ".so". */
static char *library_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = mem_strdup(slash ? slash + 1 : path);
    size_t n = strlen(name);
    if (n > 3 && !strcmp(name + n - 3, ".so"))
        name[n - 3] = '\0';
    return name;
}

static int check_table(const struct simlab_library *table, const char *path, struct error *e)
{
    if (!table)
        return error_set(e, WORKER_REFUSED, NULL, "%s: simlab_library() returned nothing", path);
    if (table->abi_version != SIMLAB_ABI_VERSION)
        return error_set(
            e, WORKER_REFUSED, NULL,
            "%s was built for version %u of simlab/process.h; this is version %d: build "
            "it again",
            path, table->abi_version, SIMLAB_ABI_VERSION);
    if (table->struct_size > offsetof(struct simlab_library, abi_revision) &&
        table->abi_revision > SIMLAB_ABI_REVISION)
        return error_set(
            e, WORKER_REFUSED, NULL,
            "%s was built for revision %u of simlab/process.h; this is revision %d, which "
            "lacks what it may use: install a newer simlabd",
            path, table->abi_revision, SIMLAB_ABI_REVISION);
    if (table->struct_size < offsetof(struct simlab_library, n_processes) + sizeof(int32_t) ||
        table->n_processes < 0 || (table->n_processes > 0 && !table->processes) ||
        table->process_size == 0 || table->variable_size == 0)
        return error_set(e, WORKER_REFUSED, NULL, "%s: its table of processes is broken", path);
    for (int i = 0; i < table->n_processes; i++)
        if (!table->processes[i])
            return error_set(e, WORKER_REFUSED, NULL, "%s: process %d of its table is NULL", path,
                             i);
    return 0;
}

/* The table of a loaded library, checked. */
static int find_table(void *handle, const char *path, const struct simlab_library **ret_table,
                      struct error *e)
{
    const struct simlab_library *(*entry)(void);
    *(void **)&entry = dlsym(handle, "simlab_library");
    if (!entry)
        return error_set(e, WORKER_REFUSED, NULL,
                         "%s is no process library: it lacks SIMLAB_LIBRARY(…)", path);
    const struct simlab_library *table = entry();
    int r = check_table(table, path, e);
    if (r == 0)
        *ret_table = table;
    return r;
}

int libraries_open(struct libraries *l, const char *path, struct error *e)
{
    struct opened o = {0};
    int r = hash_file(path, o.hash);
    if (r < 0)
        return error_set(e, WORKER_REFUSED, NULL, "cannot read %s: %s", path, strerror(-r));
    char *real = realpath(path, NULL);
    void *handle = dlopen(real ? real : path, RTLD_NOW | RTLD_LOCAL);
    free(real);
    if (!handle)
        return error_set(e, WORKER_REFUSED, NULL, "cannot load %s", dlerror());
    const struct simlab_library *table = NULL;
    r = find_table(handle, path, &table, e);
    if (r) {
        dlclose(handle);
        return r;
    }
    copy_sized(&o.table, sizeof o.table, table, table->struct_size);
    o.handle = handle;
    o.name = library_name(path);
    o.path = mem_strdup(path);
    copy_processes(&o);
    copy_hooks(&o);
    l->opened = mem_resize(l->opened, l->n + 1, sizeof *l->opened);
    l->opened[l->n++] = o;
    return 0;
}

static int is_library(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 3 && entry->d_name[0] != '.' && !strcmp(entry->d_name + n - 3, ".so");
}

void *libraries_symbol(const struct libraries *l, size_t i, const char *name)
{
    return dlsym(l->opened[i].handle, name);
}

int libraries_open_directory(struct libraries *l, const char *directory, struct error *e)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_library, alphasort);
    if (n < 0)
        return error_set(e, WORKER_REFUSED, NULL, "cannot read the directory of libraries %s: %s",
                         directory, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = file_join(directory, entries[i]->d_name);
        struct error why = {.message = ""};
        if (libraries_open(l, path, &why))
            log_warning("library left out: %s", why.message);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

int libraries_describe(const struct libraries *l, size_t i, json_t **ret_document, struct error *e)
{
    const struct opened *o = &l->opened[i];
    return descriptor_document(o->name, o->path, o->hash, &o->table, o->processes, ret_document, e);
}

const struct stage_code *libraries_code(const struct libraries *l, const struct type *type)
{
    const char *name = strchr(type->name, '.');
    for (size_t i = 0; name && i < l->n; i++) {
        const struct opened *o = &l->opened[i];
        if (o->is_left_out || strcmp(o->name, type->library) != 0)
            continue;
        for (int p = 0; p < o->table.n_processes; p++)
            if (!strcmp(o->processes[p].name, name + 1))
                return &o->codes[p];
    }
    return NULL;
}

const struct simlab_hook *libraries_hook(const struct libraries *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct opened *o = &l->opened[i];
        size_t n = strlen(o->name);
        if (o->is_left_out || strncmp(o->name, name, n) != 0 || name[n] != '.')
            continue;
        for (int k = 0; k < o->table.n_hooks; k++)
            if (!strcmp(o->hooks[k].name, name + n + 1))
                return &o->hooks[k];
    }
    return NULL;
}

static void link_parents(const struct libraries *l, const struct registry *registry)
{
    for (size_t i = 0; i < registry_size(registry); i++) {
        const struct type *type = registry_at(registry, i);
        struct stage_code *code = (struct stage_code *)libraries_code(l, type);
        if (code && type->parent)
            code->parent = libraries_code(l, type->parent);
    }
}

static void log_left_out(const struct registry *registry)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)registry_left_out(registry), i, entry)
    {
        const char *type = json_string_value(json_object_get(entry, "type"));
        log_warning("%s %s is left out: %s", type ? "type" : "library",
                    type ? type : json_string_value(json_object_get(entry, "library")),
                    json_string_value(json_object_get(entry, "reason")));
    }
}

int libraries_registry(struct libraries *l, struct registry **ret_registry, struct error *e)
{
    struct registry *registry = registry_new();
    for (size_t i = 0; i < l->n; i++) {
        struct error why = {.message = ""};
        json_t *document = NULL;
        int r = libraries_describe(l, i, &document, &why);
        if (r == 0)
            r = worker_result_of_user(registry_add(registry, document, &why));
        json_decref(document);
        error_explain(&why, r, "describe it");
        l->opened[i].is_left_out = r != 0;
        if (r)
            log_warning("library %s is left out: %s", l->opened[i].path, why.message);
    }
    (void)e;
    registry_finish(registry);
    log_left_out(registry);
    link_parents(l, registry);
    *ret_registry = registry;
    return 0;
}

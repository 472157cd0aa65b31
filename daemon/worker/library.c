/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/library.h"

#include "base/c_locale.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "library/content.h"
#include "worker/descriptor.h"
#include "worker/load_limit.h"
#include "worker/objects.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct opened {
    char *name, *path;
    const char *file; /* the shared object, while it is being opened: `path`, or elsewhere */
    char hash[HASH_TEXT_SIZE];
    void *handle;                       /* of dlopen, never closed */
    const struct simlab_library *given; /* its table: of the library, or of its `open` */
    void (*close)(const struct simlab_library *opened);
    struct simlab_library table;      /* copied, in this host's size */
    struct simlab_process *processes; /* likewise, and their variables */
    struct stage_code *codes;
    struct simlab_hook *hooks;
    struct imports imports;
    json_t *objects; /* that came with it */
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
    if (o->close)
        o->close(o->given);
    for (int i = 0; o->processes && i < o->table.n_processes; i++)
        free((void *)o->processes[i].variables);
    free(o->processes);
    free(o->codes);
    free(o->hooks);
    json_decref(o->objects);
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
        if (!o->table.processes[i])
            continue; /* it stays nameless: descriptor.c says so */
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
        o->codes[i].guard = o->table.guard;
        o->codes[i].keeps_floating = !o->imports.sets_floating;
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
    for (int i = 0; i < n; i++)
        o->hooks[i].guard = o->table.guard_hook;
    o->table.hooks = o->hooks;
    o->table.n_hooks = n;
}

/* What version 1 began with. */
#define LEAST_TABLE (offsetof(struct simlab_library, guard_hook) + sizeof(void *))

static int check_table(const struct simlab_library *table, const char *path, struct error *e)
{
    if (table->abi_version != SIMLAB_ABI_VERSION)
        return error_set(
            e, WORKER_REFUSED, NULL,
            "%s was built for version %u of simlab/process.h; this is version %d: build "
            "it again",
            path, table->abi_version, SIMLAB_ABI_VERSION);
    if (table->struct_size < LEAST_TABLE)
        return error_set(e, WORKER_REFUSED, NULL, "%s: its table is broken", path);
    if (table->revision > SIMLAB_ABI_REVISION)
        return error_set(
            e, WORKER_REFUSED, NULL,
            "%s needs revision %u of simlab/process.h; this simlabd has revision %d: install a "
            "newer one",
            path, table->revision, SIMLAB_ABI_REVISION);
    if (table->n_processes < 0 || (table->n_processes > 0 && !table->processes) ||
        table->process_size == 0 || table->variable_size == 0)
        return error_set(e, WORKER_REFUSED, NULL, "%s: its table of processes is broken", path);
    return 0;
}

/* The table of a loaded library, checked. */
static int find_table(void *handle, const char *path, const struct simlab_library **ret_table,
                      struct error *e)
{
    const struct simlab_library *(*entry)(void);
    *(void **)&entry = dlsym(handle, "simlab_library_table");
    if (!entry)
        return error_set(e, WORKER_REFUSED, NULL,
                         "%s is no process library: it lacks SIMLAB_LIBRARY(…)", path);
    const struct simlab_library *table = entry();
    int r = table ? check_table(table, path, e)
                  : error_set(e, WORKER_REFUSED, NULL,
                              "%s: simlab_library_table() returned nothing", path);
    if (r == 0)
        *ret_table = table;
    return r;
}

struct search {
    const char *name;
    bool is_found;
};

static void compare(void *search, const char *name)
{
    struct search *s = search;
    s->is_found |= !strcmp(s->name, name);
}

static bool is_listed(const struct opened *o, const char *name)
{
    struct search s = {.name = name};
    content_each_listed(o->path, compare, &s);
    return s.is_found;
}

/* What a library finds beside itself is part of it, and is to be listed. */
static int check_objects(const struct opened *o, const char *real, struct error *e)
{
    size_t i, n = (size_t)(strrchr(real, '/') - real) + 1;
    json_t *object;
    json_array_foreach(o->objects, i, object)
    {
        const char *path = json_string_value(object);
        if (strncmp(path, real, n) == 0 && strcmp(path, real) != 0 && !is_listed(o, path + n))
            return error_set(e, WORKER_REFUSED, NULL,
                             "%s needs %s beside itself: list it in %s.files, one name a line",
                             o->path, path + n, o->name);
    }
    return 0;
}

/* ---- opening ---- */

struct opening {
    struct simlab_opening shared; /* first: what the library is given */
    const char *path;
    struct error *e;
};

__attribute__((format(printf, 2, 0))) static int opening_fail(const struct simlab_opening *shared,
                                                              const char *format, va_list arguments)
{
    const struct opening *opening = (const struct opening *)(const void *)shared;
    char why[700];
    c_locale_vprint(why, sizeof why, format, arguments);
    return error_set(opening->e, WORKER_REFUSED, NULL, "%s cannot be opened: %s", opening->path,
                     why);
}

static int call_open(struct opened *o, const struct simlab_library *table, const char *directory,
                     const char *configuration, struct error *e)
{
    struct opening opening = {.shared = {.struct_size = sizeof opening.shared,
                                         .name = o->name,
                                         .configuration = configuration,
                                         .directory = directory,
                                         .fail = opening_fail},
                              .path = o->path,
                              .e = e};
    error_set(e, WORKER_REFUSED, NULL, "%s cannot be opened: it does not say why", o->path);
    o->given = table->open(&opening.shared);
    if (!o->given)
        return WORKER_REFUSED;
    error_clear(e);
    o->close = table->close;
    return check_table(o->given, o->path, e);
}

static int open_library(struct opened *o, const struct simlab_library *table, struct error *e)
{
    char *configuration = NULL;
    o->given = table;
    if (!table->open)
        return 0;
    int r = content_configuration(o->path, &configuration, e) ? WORKER_REFUSED : 0;
    if (r == 0) {
        char *directory = file_absolute(o->path), *slash = strrchr(directory, '/');
        slash[slash == directory] = '\0';
        r = call_open(o, table, directory, configuration, e);
        free(directory);
    }
    free(configuration);
    return r;
}

static int load_within_limit(struct opened *o, struct error *e)
{
    char *real = realpath(o->file, NULL);
    size_t n = objects_count();
    o->handle = dlopen(real ? real : o->file, RTLD_NOW | RTLD_LOCAL);
    const struct simlab_library *table = NULL;
    int r = o->handle ? 0 : error_set(e, WORKER_REFUSED, NULL, "cannot load %s", dlerror());
    if (r == 0)
        r = find_table(o->handle, o->path, &table, e);
    bool is_opened = r == 0;
    if (r == 0)
        r = open_library(o, table, e);
    if (r == 0 || is_opened)
        o->objects = objects_after(n);
    if (r == 0 && real)
        r = check_objects(o, real, e);
    free(real);
    if (r == 0) {
        copy_sized(&o->table, sizeof o->table, o->given, o->given->struct_size);
        imports_add(&o->imports, dlsym(o->handle, "simlab_library_table"));
    } else if (o->handle && !is_opened) { /* what was opened may have left something behind */
        dlclose(o->handle);
    }
    return r;
}

static int load(struct opened *o, struct error *e)
{
    load_limit_begin(o->name, LOAD_LIMIT_SECONDS);
    int r = load_within_limit(o, e);
    load_limit_end();
    return r;
}

/* By name; NULL where it is not open. */
static const struct opened *find(const struct libraries *l, const char *name, size_t length)
{
    for (size_t i = 0; i < l->n; i++)
        if (strlen(l->opened[i].name) == length && !strncmp(l->opened[i].name, name, length))
            return &l->opened[i];
    return NULL;
}

static int check_open(const struct opened *o, const char *hash, struct error *e)
{
    if (!hash || !strcmp(o->hash, hash))
        return 0;
    return error_set(e, WORKER_REFUSED, NULL,
                     "another content of library %s is loaded here: %.12s…, not %.12s…", o->name,
                     o->hash, hash);
}

/* Of the file at o->path. */
static int check_content(struct opened *o, const char *hash, struct error *e)
{
    int r = content_hash_as(o->file == o->path ? NULL : o->file, o->path, o->hash, e);
    if (r)
        return WORKER_REFUSED;
    if (hash && strcmp(o->hash, hash) != 0)
        return error_set(e, WORKER_REFUSED, NULL,
                         "%s is damaged: its content is %.12s…, not %.12s…", o->path, o->hash,
                         hash);
    return 0;
}

static int open_file(struct libraries *l, const char *library, const char *path, const char *hash,
                     struct error *e)
{
    struct opened o = {.name = content_name(path), .path = mem_strdup(path)};
    o.file = library ? library : o.path;
    const struct opened *open = find(l, o.name, strlen(o.name));
    int r = open ? check_open(open, hash, e) : check_content(&o, hash, e);
    if (r == 0 && !open)
        r = load(&o, e);
    if (r || open) {
        opened_clear(&o);
        return r;
    }
    copy_processes(&o);
    copy_hooks(&o);
    l->opened = mem_resize(l->opened, l->n + 1, sizeof *l->opened);
    l->opened[l->n++] = o;
    return 0;
}

int libraries_open(struct libraries *l, const char *path, const char *hash, struct error *e)
{
    return open_file(l, NULL, path, hash, e);
}

int libraries_open_as(struct libraries *l, const char *library, const char *path, struct error *e)
{
    return open_file(l, library, path, NULL, e);
}

void *libraries_symbol(const struct libraries *l, size_t i, const char *name)
{
    return dlsym(l->opened[i].handle, name);
}

int libraries_describe(const struct libraries *l, const char *name, json_t **ret_document,
                       struct error *e)
{
    const struct opened *o = find(l, name, strlen(name));
    if (!o)
        return error_set(e, WORKER_REFUSED, NULL, "library %s is not loaded", name);
    int r =
        descriptor_document(o->name, o->path, o->hash, &o->table, o->processes, ret_document, e);
    if (r == 0)
        json_object_set(*ret_document, "objects", o->objects);
    return r;
}

const struct stage_code *libraries_code(const struct libraries *l, const struct type *type)
{
    const struct opened *o = find(l, type->library, strlen(type->library));
    const char *name = type->name + strlen(type->library) + 1;
    for (int p = 0; o && p < o->table.n_processes; p++)
        if (o->processes[p].name && !strcmp(o->processes[p].name, name))
            return &o->codes[p];
    return NULL;
}

const struct imports *libraries_imports(const struct libraries *l, const char *name)
{
    return &find(l, name, strcspn(name, "."))->imports;
}

const struct simlab_hook *libraries_hook(const struct libraries *l, const char *name)
{
    size_t n = strcspn(name, ".");
    const struct opened *o = name[n] ? find(l, name, n) : NULL;
    for (int k = 0; o && k < o->table.n_hooks; k++)
        if (o->hooks[k].name && !strcmp(o->hooks[k].name, name + n + 1))
            return &o->hooks[k];
    return NULL;
}

void libraries_link(struct libraries *l, const struct registry *registry)
{
    for (size_t i = 0; i < registry_size(registry); i++) {
        const struct type *type = registry_at(registry, i);
        struct stage_code *code = (struct stage_code *)libraries_code(l, type);
        if (code && type->parent)
            code->parent = libraries_code(l, type->parent);
    }
}

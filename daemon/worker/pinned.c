/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/pinned.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "library/content.h"
#include "library/document.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 8 }; /* registries */

struct kept {
    char *libraries; /* as JOB had it */
    const struct registry *registry;
};

struct pinned {
    char *root;
    struct libraries *libraries;
    struct kept kept[KEPT]; /* the latest used first */
};

struct pinned *pinned_new(const char *root)
{
    struct pinned *p = mem_new(sizeof *p);
    p->root = mem_strdup(root);
    p->libraries = libraries_new();
    return p;
}

static void kept_clear(struct kept *k)
{
    registry_unref(k->registry);
    free(k->libraries);
}

struct pinned *pinned_free(struct pinned *p)
{
    if (!p)
        return NULL;
    for (int i = 0; i < KEPT; i++)
        kept_clear(&p->kept[i]);
    libraries_free(p->libraries);
    free(p->root);
    free(p);
    return NULL;
}

struct libraries *pinned_libraries(struct pinned *p)
{
    return p->libraries;
}

/* ---- types ---- */

static int load(struct pinned *p, const char *name, const char *hash, struct error *e)
{
    if (!file_name_ok(name) || !content_is_hash(hash))
        return error_set(e, WORKER_TROUBLE, NULL, "library %.100s: \"%.70s\" is no hash", name,
                         hash);
    char *path = content_file(p->root, hash, name, ".so");
    int r = libraries_open(p->libraries, path, hash, e);
    free(path);
    return r ? WORKER_TROUBLE : 0;
}

/* A document that another version wrote, before the daemon came to write it again, is made here. */
static int read_document(struct pinned *p, const char *name, const char *hash,
                         json_t **ret_document, struct error *e)
{
    if (file_name_ok(name) && content_is_hash(hash) &&
        document_read(p->root, hash, name, ret_document, NULL) == 0)
        return 0;
    int r = load(p, name, hash, e);
    return r ? r : libraries_describe(p->libraries, name, ret_document, e);
}

static int add(struct pinned *p, struct registry *registry, const char *name, const char *hash,
               struct error *e)
{
    json_t *document = NULL;
    int r = read_document(p, name, hash, &document, e);
    const char *told = json_member_string(document, "hash");
    if (r == 0 && (!told || strcmp(told, hash) != 0))
        r = error_set(e, WORKER_TROUBLE, NULL, "the document of library %s is another content's",
                      name);
    if (r == 0)
        r = registry_add(registry, document, e);
    json_decref(document);
    return r ? WORKER_TROUBLE : 0;
}

static int build(struct pinned *p, const char *text, const struct registry **ret_registry,
                 struct error *e)
{
    const char *name;
    json_t *hash, *libraries = json_read(text, strlen(text), e);
    struct registry *registry = registry_new();
    int r = json_is_object(libraries) ? 0 : WORKER_TROUBLE;
    if (r && libraries)
        error_set(e, r, NULL, "the job's list of libraries is none");
    json_object_foreach(libraries, name, hash)
    {
        if (r == 0 && *name != '@') /* a runtime: the daemon sees to it (job_pins) */
            r = add(p, registry, name, json_is_string(hash) ? json_string_value(hash) : "", e);
    }
    json_decref(libraries);
    registry_finish(registry);
    if (r)
        registry_unref(registry);
    else
        *ret_registry = registry;
    return r;
}

int pinned_registry(struct pinned *p, const char *libraries, const struct registry **ret_registry,
                    struct error *e)
{
    struct kept found = {0};
    int i = 0;
    while (i < KEPT - 1 && p->kept[i].libraries && strcmp(p->kept[i].libraries, libraries) != 0)
        i++;
    if (p->kept[i].libraries && !strcmp(p->kept[i].libraries, libraries)) {
        found = p->kept[i];
    } else {
        int r = build(p, libraries, &found.registry, e);
        if (r)
            return r;
        found.libraries = mem_strdup(libraries);
        kept_clear(&p->kept[i]);
    }
    memmove(p->kept + 1, p->kept, (size_t)i * sizeof *p->kept);
    p->kept[0] = found;
    *ret_registry = found.registry;
    return 0;
}

/* ---- code ---- */

/* `name`: "library.anything". */
static int load_library_of(struct pinned *p, const struct registry *registry, const char *name,
                           struct error *e)
{
    char *library = mem_printf("%.*s", (int)strcspn(name, "."), name);
    const struct library *l = registry_library(registry, library);
    int r = l ? load(p, library, l->hash, e)
              : error_set(e, WORKER_TROUBLE, NULL, "the job does not name library %s", library);
    free(library);
    return r;
}

/* Of one that is given none runs. */
static const struct type *code_of(const struct model_process *p)
{
    return p->stands_for ? NULL : p->type;
}

int pinned_load(struct pinned *p, const struct job *job, struct error *e)
{
    const struct model *m = job->model;
    int r = 0;
    for (int i = 0; i < m->n_processes && r == 0; i++)
        for (const struct type *t = code_of(&m->processes[i]); t && r == 0; t = t->parent)
            r = load_library_of(p, m->registry, t->name, e);
    for (int i = 0; i < job->n_hooks && r == 0; i++)
        r = load_library_of(p, m->registry, job->hooks[i], e);
    if (r == 0)
        libraries_link(p->libraries, m->registry);
    return r;
}

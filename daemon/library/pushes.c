/* SPDX-License-Identifier: Apache-2.0 */
#include "library/offers_internal.h"

#include "base/aside.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "library/pushed.h"
#include "library/sweeper.h"

#include <stdlib.h>
#include <string.h>

enum { PUSHES_MAX = 16 };

struct push {
    struct offers *offers;
    json_t *module;
    const char *name; /* borrowed from it */
    int environment;  /* its number */
    offers_pushed_fn done;
    void *userdata;
    /* as it was taken: */
    char *path;
    char signature[HASH_TEXT_SIZE], hash[HASH_TEXT_SIZE];
    json_t *document;
    int result;
    struct error why;
    struct push *next;
};

static struct push *push_free(struct push *p)
{
    if (!p)
        return NULL;
    json_decref(p->module);
    json_decref(p->document);
    free(p->path);
    free(p);
    return NULL;
}

static void append(struct push **list, struct push *p)
{
    while (*list)
        list = &(*list)->next;
    p->next = NULL;
    *list = p;
}

/* ---- answers ---- */

/* Of a library that is on offer: its types as the registry has them. */
static json_t *describe(const struct offers *o, const char *environment, const char *name,
                        const char *hash, const json_t *document)
{
    const struct registry *r = registry_variant(o->registry, environment);
    json_t *types = json_array();
    for (size_t i = 0; i < registry_size(r); i++)
        if (!strcmp(registry_at(r, i)->library, name))
            json_array_append_new(types, json_string(registry_at(r, i)->name));
    const char *version = json_member_string(document, "version");
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", name, "environment", environment,
                     "sha256", hash, "version", version ? version : "", "types", types);
}

static json_t *left_out(const struct offers *o, const char *environment, const char *name)
{
    size_t i;
    json_t *entry, *list = json_array();
    json_array_foreach(registry_left_out(registry_variant(o->registry, environment)), i, entry)
    {
        if (!strcmp(json_member_string(entry, "library"), name))
            json_array_append_new(list,
                                  json_pack("{s:O, s:O}", "type", json_object_get(entry, "type"),
                                            "reason", json_object_get(entry, "reason")));
    }
    return list;
}

static void answer(const struct offers *o, struct push *p)
{
    if (p->result != 0) {
        p->done(p->userdata, p->result, NULL, &p->why);
        return;
    }
    const char *environment = o->originals.environments[p->environment];
    json_t *told = describe(o, environment, p->name, p->hash, p->document);
    json_object_set_new(told, "left_out", left_out(o, environment, p->name));
    p->done(p->userdata, 0, told, NULL);
    json_decref(told);
}

struct push *pushes_take(struct offers *o)
{
    struct push *taken = o->taken;
    o->taken = NULL;
    return taken;
}

void pushes_answer(struct offers *o, struct push *taken)
{
    while (taken) {
        struct push *next = taken->next;
        if (!o->is_closing)
            answer(o, taken);
        push_free(taken);
        o->n_pushes--;
        taken = next;
    }
}

void pushes_clear(struct offers *o)
{
    pushes_answer(o, pushes_take(o));
    pushes_answer(o, o->pushes);
    o->pushes = NULL;
}

json_t *offers_pushed(const struct offers *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->originals.n; i++) {
        const struct original *one = &o->originals.list[i];
        if (!*one->hash || !original_is_pushed(&o->originals, one) ||
            original_server(&o->originals, one) != one)
            continue;
        const char *environment = o->originals.environments[one->directory - o->originals.n_plain];
        json_array_append_new(list, describe(o, environment, one->name, one->hash, one->document));
    }
    return list;
}

/* ---- taking ---- */

/* Names of libraries in plain directories are the administrator's. */
static bool is_anothers(const struct offers *o, const char *name)
{
    for (size_t i = 0; i < o->originals.n; i++)
        if (!original_is_pushed(&o->originals, &o->originals.list[i]) &&
            !strcmp(o->originals.list[i].name, name))
            return true;
    return false;
}

static void take(void *push)
{
    struct push *p = push;
    const struct offers *o = p->offers;
    p->result =
        pushed_take(o->pushed[p->environment], o->options.environments->hosts[p->environment],
                    p->module, o->copies, &p->path, p->signature, p->hash, &p->document, &p->why);
}

static void taken(void *push)
{
    struct push *p = push;
    struct offers *o = p->offers;
    o->is_pushing = false;
    o->n_taking--;
    o->pushes = p->next;
    p->next = NULL;
    if (p->result == 0) {
        struct original *original =
            originals_put(&o->originals, o->originals.n_plain + p->environment, p->path,
                          p->signature, loop_now());
        original_taken(original, p->signature, p->hash, p->document, NULL, false, loop_now());
        o->is_dirty = true;
        log_info("module %s was pushed: %.12s…", p->name, p->hash);
        append(&o->taken, p);
    } else {
        pushes_answer(o, p);
    }
    offers_go_on(o);
}

void pushes_start(struct offers *o)
{
    if (!o->pushes || o->is_pushing || o->is_closing || o->is_remembering ||
        sweeper_is_busy(o->sweeper))
        return;
    o->is_pushing = true;
    o->n_taking++;
    aside_run(o->aside, take, taken, o->pushes);
}

/* ---- asking ---- */

static int find_environment(const struct offers *o, const json_t *module, int *ret, struct error *e)
{
    const json_t *given = json_object_get(module, "environment");
    const char *name =
        given && !json_is_null(given) ? json_string_value(given) : ENVIRONMENTS_DEFAULT;
    const struct environments *environments = o->options.environments;
    for (int i = 0; name && i < environments->n; i++) {
        if (!strcmp(environments->names[i], name) && environments->hosts[i]) {
            *ret = i;
            return 0;
        }
    }
    char *why = environments_why_missing(environments, name ? name : "");
    error_set(e, LIBRARY_REFUSED, "/environment", "%s", why);
    free(why);
    return LIBRARY_REFUSED;
}

int offers_push(struct offers *o, const json_t *module, offers_pushed_fn done, void *userdata,
                struct error *e)
{
    const char *name;
    int environment = 0, r = pushed_name(module, &name, e);
    if (r == 0)
        r = find_environment(o, module, &environment, e);
    if (r == 0 && is_anothers(o, name))
        r = error_set(e, OFFERS_TAKEN, "/name",
                      "there is a library %s already: name the module otherwise", name);
    if (r == 0 && o->n_pushes >= PUSHES_MAX)
        r = error_set(e, OFFERS_BUSY, NULL, "%d modules are being taken already", o->n_pushes);
    if (r != 0)
        return r;
    struct push *p = mem_new(sizeof *p);
    *p = (struct push){.offers = o,
                       .module = json_incref((json_t *)module),
                       .name = name,
                       .environment = environment,
                       .done = done,
                       .userdata = userdata};
    append(&o->pushes, p);
    o->n_pushes++;
    pushes_start(o);
    return 0;
}

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
    json_t *removed; /* what is known of the module that is to be removed; NULL: one is pushed */
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
    json_decref(p->removed);
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
    if (p->removed) {
        p->done(p->userdata, 0, p->removed, NULL);
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

static bool is_offered(const struct offers *o, const struct original *one)
{
    return *one->hash && original_is_pushed(&o->originals, one) &&
           original_server(&o->originals, one) == one;
}

static const char *environment_of(const struct offers *o, const struct original *one)
{
    return o->originals.environments[one->directory - o->originals.n_plain];
}

json_t *offers_pushed(const struct offers *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->originals.n; i++) {
        const struct original *one = &o->originals.list[i];
        if (is_offered(o, one))
            json_array_append_new(
                list, describe(o, environment_of(o, one), one->name, one->hash, one->document));
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
    if (p->removed)
        p->result = pushed_remove(o->pushed[p->environment], p->name, &p->why);
    else
        p->result = pushed_take(o->pushed[p->environment],
                                o->options.environments->hosts[p->environment], p->module,
                                o->copies, &p->path, p->signature, p->hash, &p->document, &p->why);
}

static void put(struct offers *o, const struct push *p)
{
    struct original *original = originals_put(&o->originals, o->originals.n_plain + p->environment,
                                              p->path, p->signature, loop_now());
    original_taken(original, p->signature, p->hash, p->document, NULL, false, loop_now());
    log_info("module %s was pushed: %.12s…", p->name, p->hash);
}

static void take_away(struct offers *o, const struct push *p)
{
    originals_remove(&o->originals, p->path);
    log_info("module %s was removed: %.12s…", p->name, json_member_string(p->removed, "sha256"));
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
        (p->removed ? take_away : put)(o, p);
        o->is_dirty = true;
        append(&o->taken, p);
    } else {
        pushes_answer(o, p);
    }
    offers_go_on(o);
}

void pushes_start(struct offers *o)
{
    if (!o->pushes || o->is_pushing || o->is_closing || o->is_remembering ||
        sweeper_is_busy(o->sweeper) || (o->pushes->removed && o->is_looking))
        return;
    o->is_pushing = true;
    o->n_taking++;
    aside_run(o->aside, take, taken, o->pushes);
}

bool pushes_are_removing(const struct offers *o)
{
    return o->is_pushing && o->pushes->removed;
}

/* ---- asking ---- */

static void enqueue(struct offers *o, const struct push *given)
{
    struct push *p = mem_new(sizeof *p);
    *p = *given;
    p->offers = o;
    append(&o->pushes, p);
    o->n_pushes++;
    pushes_start(o);
}

static int check_room(const struct offers *o, struct error *e)
{
    if (o->n_pushes < PUSHES_MAX)
        return 0;
    return error_set(e, OFFERS_BUSY, NULL, "%d modules are being taken already", o->n_pushes);
}

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
    if (r == 0)
        r = check_room(o, e);
    if (r == 0)
        enqueue(o, &(struct push){.module = json_incref((json_t *)module),
                                  .name = name,
                                  .environment = environment,
                                  .done = done,
                                  .userdata = userdata});
    return r;
}

/* ---- removing ---- */

static const struct original *find_offered(const struct offers *o, const char *name,
                                           const char *environment)
{
    for (size_t i = 0; i < o->originals.n; i++) {
        const struct original *one = &o->originals.list[i];
        if (is_offered(o, one) && !strcmp(one->name, name) &&
            !strcmp(environment_of(o, one), environment))
            return one;
    }
    return NULL;
}

static bool is_named(const struct push *list, const char *name)
{
    for (; list; list = list->next)
        if (!strcmp(list->name, name))
            return true;
    return false;
}

int offers_remove(struct offers *o, const char *name, const char *environment,
                  offers_pushed_fn done, void *userdata, struct error *e)
{
    const struct original *one = find_offered(o, name, environment);
    if (!one)
        return error_set(e, OFFERS_ABSENT, NULL,
                         "no module \"%.100s\" was pushed for the environment \"%.100s\"", name,
                         environment);
    if (is_named(o->pushes, name) || is_named(o->taken, name))
        return error_set(e, OFFERS_BUSY, NULL, "a module %s is being taken or removed", name);
    int r = check_room(o, e);
    if (r == 0) {
        json_t *known = describe(o, environment, name, one->hash, one->document);
        enqueue(o, &(struct push){.removed = known,
                                  .name = json_member_string(known, "name"),
                                  .environment = one->directory - o->originals.n_plain,
                                  .path = mem_strdup(one->path),
                                  .done = done,
                                  .userdata = userdata});
    }
    return r;
}

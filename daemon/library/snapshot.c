/* SPDX-License-Identifier: Apache-2.0 */
#include "library/snapshot.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct offer {
    char *name, *path, *reason;
    char hash[HASH_TEXT_SIZE];
    json_t *document;
    const char *other; /* path of the one that serves for it; NULL: none */
    int environment;   /* -1: in all of them */
};

struct snapshot {
    struct offer *offers;
    size_t n;
    const char *const *environments; /* NULL: there are none */
};

/* ---- what it is made of ---- */

struct snapshot *snapshot_new(const struct originals *o)
{
    struct snapshot *s = mem_new(sizeof *s);
    s->offers = mem_array(o->n, sizeof *s->offers);
    s->n = o->n;
    s->environments = o->environments;
    for (size_t i = 0; i < o->n; i++) {
        const struct original *from = &o->list[i];
        struct offer *to = &s->offers[i];
        to->name = mem_strdup(from->name);
        to->path = mem_strdup(from->path);
        to->reason = mem_strdup(from->reason);
        memcpy(to->hash, from->hash, HASH_TEXT_SIZE);
        to->document = json_incref(from->document);
        to->environment = original_is_pushed(o, from) ? from->directory - o->n_plain : -1;
    }
    for (size_t i = 0; i < o->n; i++) {
        const struct original *server = original_server(o, &o->list[i]);
        if (server && server != &o->list[i])
            s->offers[i].other = s->offers[server - o->list].path;
    }
    return s;
}

struct snapshot *snapshot_free(struct snapshot *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n; i++) {
        free(s->offers[i].name);
        free(s->offers[i].path);
        free(s->offers[i].reason);
        json_decref(s->offers[i].document);
    }
    free(s->offers);
    free(s);
    return NULL;
}

/* ---- the registry ---- */

/* What is on offer was good when it was described, alone. */
static void add_offer(struct registry *r, const struct offer *o)
{
    struct error e = {.message = ""};
    if (!o->other && *o->hash && registry_add(r, o->document, &e) != 0)
        registry_leave_out(r, o->name, NULL, o->path, e.message);
}

static void explain_offer(struct registry *r, const struct offer *o)
{
    const char *serves = o->other ? o->other : "the content before it";
    char *words = NULL;
    if (o->reason && o->other)
        words = mem_printf("%s; %s serves", o->reason, o->other);
    else if (o->reason && *o->hash)
        words = mem_printf("%s; new jobs get %s, %.12s…", o->reason, serves, o->hash);
    else if (o->reason)
        words = mem_strdup(o->reason);
    else if (o->other)
        words = mem_printf("%s has the same name, and serves", o->other);
    if (words)
        registry_leave_out(r, o->name, NULL, o->path, words);
    free(words);
}

static struct registry *registry_of(const struct snapshot *s, int environment)
{
    struct registry *r = registry_new();
    for (size_t i = 0; i < s->n; i++)
        if (s->offers[i].environment == -1 || s->offers[i].environment == environment)
            add_offer(r, &s->offers[i]);
    for (size_t i = 0; i < s->n; i++)
        if (s->offers[i].environment == -1 || s->offers[i].environment == environment)
            explain_offer(r, &s->offers[i]);
    registry_finish(r);
    return r;
}

struct registry *snapshot_registry(const struct snapshot *s)
{
    struct registry *r = registry_of(s, 0);
    for (int i = 0; s->environments && s->environments[i]; i++)
        registry_add_variant(r, s->environments[i], i == 0 ? NULL : registry_of(s, i));
    return r;
}

char *snapshot_offered(const struct snapshot *s)
{
    json_t *offered = json_object();
    for (size_t i = 0; i < s->n; i++)
        if (*s->offers[i].hash)
            json_object_set_new(offered, s->offers[i].path, json_string(s->offers[i].hash));
    char *text = json_pretty(offered);
    json_decref(offered);
    return text;
}

/* ---- what changed ---- */

static size_t types_of(const struct registry *r, const char *library)
{
    size_t n = 0;
    for (size_t i = 0; i < registry_size(r); i++)
        n += !strcmp(registry_at(r, i)->library, library);
    return n;
}

void snapshot_log_contents(const struct registry *old, const struct registry *now)
{
    for (size_t i = 0; i < registry_n_libraries(now); i++) {
        const struct library *l = registry_library_at(now, i);
        const struct library *before = old ? registry_library(old, l->name) : NULL;
        size_t n = types_of(now, l->name);
        if (!before || strcmp(before->hash, l->hash) != 0)
            log_info("library %s: %s %.12s…, %zu type%s", l->name,
                     before ? "new content" : "content", l->hash, n, n == 1 ? "" : "s");
    }
    for (size_t i = 0; old && i < registry_n_libraries(old); i++) {
        const struct library *l = registry_library_at(old, i);
        if (!registry_library(now, l->name))
            log_info("library %s is gone: jobs that were submitted with it go on", l->name);
    }
}

static bool was_left_out(const struct registry *r, const json_t *entry)
{
    size_t i;
    json_t *other;
    json_array_foreach((json_t *)(r ? registry_left_out(r) : NULL), i, other)
    {
        if (json_equal(other, entry))
            return true;
    }
    return false;
}

void snapshot_log_left_out(const struct registry *old, const struct registry *now)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)registry_left_out(now), i, entry)
    {
        const char *type = json_member_string(entry, "type");
        const char *path = json_member_string(entry, "path");
        const char *library = json_member_string(entry, "library");
        if (was_left_out(old, entry))
            continue;
        if (type)
            log_warning("library %s: %s is left out: %s", library, type,
                        json_member_string(entry, "reason"));
        else
            log_warning("library %s%s%s%s is left out: %s", library, path ? " (" : "",
                        path ? path : "", path ? ")" : "", json_member_string(entry, "reason"));
    }
}

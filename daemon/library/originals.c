/* SPDX-License-Identifier: Apache-2.0 */
#include "library/originals.h"

#include "base/file.h"
#include "base/mem.h"
#include "library/content.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MS = 5000, /* after the first failure; doubles */
    RETRY_MAX_MS = 600000
};

/* ---- a look at the directories ---- */

static int is_library(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 3 && !strcmp(entry->d_name + n - 3, ".so") && file_name_ok(entry->d_name);
}

static void note_listed(void *listed, const char *name)
{
    json_object_set_new(listed, name, json_true());
}

static void see(struct look *l, int directory, const char *path)
{
    struct seen s = {.directory = directory};
    if (l->n == ORIGINALS_MAX || content_signature(path, s.signature) < 0)
        return;
    l->seen = mem_resize(l->seen, l->n + 1, sizeof *l->seen);
    s.path = mem_strdup(path);
    l->seen[l->n++] = s;
}

static void look_into(const char *directory, int number, struct look *l)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_library, alphasort);
    if (n < 0) {
        l->errors[number] = errno;
        return;
    }
    json_t *listed = json_object();
    char **paths = mem_array((size_t)n, sizeof *paths);
    for (int i = 0; i < n; i++) {
        paths[i] = file_join(directory, entries[i]->d_name);
        content_each_listed(paths[i], note_listed, listed);
    }
    for (int i = 0; i < n; i++) {
        if (!json_object_get(listed, entries[i]->d_name))
            see(l, number, paths[i]);
        free(paths[i]);
        free(entries[i]);
    }
    free(paths);
    free(entries);
    json_decref(listed);
}

static int is_named(const struct dirent *entry)
{
    return file_name_ok(entry->d_name);
}

static void look_into_pushed(const char *directory, int number, struct look *l)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_named, alphasort);
    if (n < 0) {
        l->errors[number] = errno;
        return;
    }
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char *path = mem_printf("%s/%s/%s.so", directory, name, name);
        see(l, number, path);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

static int count(const char *const *directories)
{
    int n = 0;
    while (directories && directories[n])
        n++;
    return n;
}

void originals_look(const char *const *directories, const char *const *pushed, struct look *ret)
{
    int plain = count(directories), n = plain + count(pushed);
    *ret = (struct look){.errors = mem_array((size_t)n, sizeof *ret->errors), .n_directories = n};
    for (int i = 0; i < plain; i++)
        look_into(directories[i], i, ret);
    for (int i = plain; i < n; i++)
        look_into_pushed(pushed[i - plain], i, ret);
}

void look_clear(struct look *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->seen[i].path);
    free(l->seen);
    free(l->errors);
    *l = (struct look){0};
}

/* ---- the list ---- */

static void original_clear(struct original *o)
{
    free(o->name);
    free(o->path);
    free(o->reason);
    json_decref(o->document);
}

void originals_clear(struct originals *o)
{
    for (size_t i = 0; i < o->n; i++)
        original_clear(&o->list[i]);
    free(o->list);
    o->list = NULL;
    o->n = 0;
}

struct original *originals_find(struct originals *o, const char *path)
{
    for (size_t i = 0; i < o->n; i++)
        if (!strcmp(o->list[i].path, path))
            return &o->list[i];
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const struct original *one = a, *other = b;
    if (one->directory != other->directory)
        return one->directory < other->directory ? -1 : 1;
    return strcmp(one->path, other->path);
}

/* Pointers to others of the list are void after it. */
static struct original *add(struct originals *o, int directory, const char *path)
{
    o->list = mem_resize(o->list, o->n + 1, sizeof *o->list);
    struct original *added = &o->list[o->n++];
    *added = (struct original){
        .directory = directory, .name = content_name(path), .path = mem_strdup(path)};
    return added;
}

void originals_remember(struct originals *o, int directory, const char *path, const char *hash,
                        json_t *document)
{
    struct original *added = add(o, directory, path);
    memcpy(added->hash, hash, HASH_TEXT_SIZE);
    added->document = json_incref(document);
}

struct original *originals_put(struct originals *o, int directory, const char *path,
                               const char *signature, int64_t now)
{
    struct original *put = originals_find(o, path);
    if (!put) {
        add(o, directory, path);
        qsort(o->list, o->n, sizeof *o->list, compare);
        put = originals_find(o, path);
    }
    put->missing_since = 0;
    put->seen_since = now;
    memcpy(put->seen, signature, HASH_TEXT_SIZE);
    return put;
}

/* ---- looks ---- */

void originals_remove(struct originals *o, const char *path)
{
    struct original *gone = originals_find(o, path);
    if (!gone)
        return;
    original_clear(gone);
    memmove(gone, gone + 1, (size_t)(o->list + --o->n - gone) * sizeof *gone);
}

static void merge_seen(struct originals *o, const struct seen *s, bool is_settled, int64_t now)
{
    struct original *known = originals_find(o, s->path);
    if (!known)
        known = add(o, s->directory, s->path);
    known->missing_since = 0;
    known->is_settled = is_settled;
    if (strcmp(known->seen, s->signature) != 0)
        known->seen_since = now;
    memcpy(known->seen, s->signature, HASH_TEXT_SIZE);
}

static bool is_seen(const struct look *l, const char *path)
{
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->seen[i].path, path))
            return true;
    return false;
}

/* A directory that cannot be read tells nothing of its files; one that is gone has none. */
static bool is_gone(struct original *o, const struct look *l, int64_t now)
{
    int error = o->directory < l->n_directories ? l->errors[o->directory] : 0;
    if (error && error != ENOENT)
        o->missing_since = 0;
    if (o->is_taking || (error && error != ENOENT) || is_seen(l, o->path))
        return false;
    if (!o->missing_since)
        o->missing_since = now ? now : 1;
    return !*o->seen || now - o->missing_since >= ORIGINALS_SETTLE_MS;
}

bool originals_merge(struct originals *o, const struct look *l, bool are_settled, int64_t now)
{
    bool was_offered = false;
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (is_gone(&o->list[i], l, now)) {
            was_offered |= *o->list[i].hash || o->list[i].reason;
            original_clear(&o->list[i]);
        } else {
            o->list[kept++] = o->list[i];
        }
    }
    o->n = kept;
    for (size_t i = 0; i < l->n; i++)
        merge_seen(o, &l->seen[i], are_settled, now);
    if (o->n > 0)
        qsort(o->list, o->n, sizeof *o->list, compare);
    return was_offered;
}

void originals_settled(struct originals *o, int directory, const char *file)
{
    for (size_t i = 0; i < o->n; i++) {
        const char *slash = strrchr(o->list[i].path, '/');
        if (o->list[i].directory == directory && !strcmp(slash + 1, file))
            o->list[i].is_settled = true;
    }
}

void originals_retry(struct originals *o)
{
    for (size_t i = 0; i < o->n; i++)
        o->list[i].retry_at = o->list[i].failures = 0;
}

/* ---- taking ---- */

/* When it is to be taken; INT64_MAX: not by itself. */
static int64_t take_due(const struct original *o)
{
    if (o->is_taking || !*o->seen || o->missing_since)
        return INT64_MAX;
    if (strcmp(o->seen, o->taken) != 0)
        return o->is_settled ? 0 : o->seen_since + ORIGINALS_SETTLE_MS;
    return o->reason ? o->retry_at : INT64_MAX;
}

struct original *originals_next(struct originals *o, int64_t now)
{
    for (size_t i = 0; i < o->n; i++) {
        if (take_due(&o->list[i]) <= now) {
            o->list[i].is_taking = true;
            o->list[i].is_settled = false;
            return &o->list[i];
        }
    }
    return NULL;
}

int64_t originals_due(const struct originals *o)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < o->n; i++) {
        const struct original *one = &o->list[i];
        int64_t mine = one->missing_since && !one->is_taking
                           ? one->missing_since + ORIGINALS_SETTLE_MS
                           : take_due(one);
        due = mine < due ? mine : due;
    }
    return due;
}

static int64_t pause_ms(int failures)
{
    int64_t pause = RETRY_MS;
    for (int i = 1; i < failures && pause < RETRY_MAX_MS; i++)
        pause *= 2;
    return pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS;
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool original_taken(struct original *o, const char *signature, const char *hash, json_t *document,
                    const char *reason, bool changes, int64_t now)
{
    o->is_taking = false;
    if (changes)
        o->seen_since = now;
    if (changes)
        return false;
    bool is_news = !is_same(o->reason, reason) || (!reason && strcmp(o->hash, hash) != 0);
    o->failures = reason && !strcmp(o->taken, signature) ? o->failures + 1 : reason != NULL;
    o->retry_at = now + pause_ms(o->failures);
    memcpy(o->taken, signature, HASH_TEXT_SIZE);
    free(o->reason);
    o->reason = mem_strdup(reason);
    if (!reason) {
        memcpy(o->hash, hash, HASH_TEXT_SIZE);
        json_decref(o->document);
        o->document = json_incref(document);
    }
    return is_news;
}

bool original_is_pushed(const struct originals *o, const struct original *original)
{
    return o->environments && original->directory >= o->n_plain;
}

const struct original *original_server(const struct originals *o, const struct original *original)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct original *other = &o->list[i];
        bool is_apart = original_is_pushed(o, other) && other->directory != original->directory;
        if (*other->hash && !is_apart && !strcmp(other->name, original->name))
            return other;
    }
    return NULL;
}

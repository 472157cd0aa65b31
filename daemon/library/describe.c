/* SPDX-License-Identifier: Apache-2.0 */
#include "library/describe.h"

#include "base/json.h"
#include "base/mem.h"
#include "library/content.h"
#include "library/document.h"
#include "model/registry.h"
#include "pool/pool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000 };

/* ---- what the child said ---- */

/* `text` with `to` for each `from`; the caller frees. */
static char *replaced(const char *text, const char *from, const char *to)
{
    struct buffer b = {0};
    const char *found;
    while ((found = strstr(text, from))) {
        buffer_append(&b, text, (size_t)(found - text));
        buffer_text(&b, to);
        text = found + strlen(from);
    }
    buffer_text(&b, text);
    return buffer_take(&b);
}

/* What it could not load lies beside the original: only what is listed is copied with it. */
static bool lies_beside(const char *original, const char *said, char *ret_name, size_t size)
{
    const char *end = strstr(said, ": cannot open shared object file"), *begin = end;
    while (begin && begin > said && begin[-1] != ' ')
        begin--;
    if (!begin || begin == end || (size_t)(end - begin) >= size)
        return false;
    snprintf(ret_name, size, "%.*s", (int)(end - begin), begin);
    const char *slash = strrchr(original, '/');
    char *path = mem_printf("%.*s/%s", (int)(slash - original), original, ret_name);
    bool there = !strchr(ret_name, '/') && access(path, F_OK) == 0;
    free(path);
    return there;
}

/* Names the original, not the copy; leaves out what only says that a child was run. */
static int explain(const char *program, const char *copy, const char *original, struct error *e)
{
    static const char refusal[] = "exit status 2: simlab-worker: error: ";
    char *words = replaced(e->message, copy, original), *name = content_name(original);
    const char *refused = strstr(words, refusal),
               *said = refused ? refused + strlen(refusal) : words;
    size_t n = strlen(program);
    char needed[256];
    if (lies_beside(original, said, needed, sizeof needed))
        error_set(e, LIBRARY_REFUSED, NULL,
                  "%.500s; it lies beside the library, but only what %s.files lists is copied with "
                  "it: one name a line",
                  said, name);
    else if (refused)
        error_set(e, LIBRARY_REFUSED, NULL, "%s", said);
    else
        error_set(e, LIBRARY_REFUSED, NULL, "it cannot be described: %s",
                  !strncmp(said, program, n) && said[n] == ':' ? said + n + 2 : said);
    free(words);
    free(name);
    return LIBRARY_REFUSED;
}

static int run(const char *program, const char *const *arguments, int stop, const char *copy,
               const char *original, json_t **ret_document, struct error *e)
{
    size_t n = 0;
    while (arguments && arguments[n])
        n++;
    const char **argv = mem_array(3 + n + 1, sizeof *argv);
    argv[0] = program;
    argv[1] = "describe";
    argv[2] = copy;
    if (n)
        memcpy(argv + 3, arguments, n * sizeof *argv);
    struct buffer output = {0};
    int r = pool_capture(argv, NULL, TIMEOUT_MS, DOCUMENT_MAX_BYTES, stop, &output, e);
    if (r == 0) {
        json_t *document = json_read(output.data ? output.data : "", output.size, e);
        if (json_is_object(document))
            *ret_document = document;
        else
            r = error_set(e, LIBRARY_REFUSED, NULL, "its description is no JSON object");
    } else if (r > 0) {
        r = explain(program, copy, original, e);
    }
    buffer_free(&output);
    free(argv);
    return r;
}

/* ---- what is taken ---- */

/* Objects that came with it from its own directory, and not as copies, may change at any time. */
static int check_objects(const json_t *document, const char *original, struct error *e)
{
    size_t i;
    json_t *object;
    char *name = content_name(original), *real = realpath(original, NULL);
    int r = 0;
    if (real)
        strrchr(real, '/')[1] = '\0';
    json_array_foreach(json_object_get(document, "objects"), i, object)
    {
        const char *path = json_string_value(object);
        if (r == 0 && real && path && !strncmp(path, real, strlen(real)))
            r = error_set(e, LIBRARY_REFUSED, NULL,
                          "it loads %.300s, which may change while jobs run: list it in %s.files, "
                          "and link with -Wl,-rpath,'$ORIGIN'",
                          path, name);
    }
    free(real);
    free(name);
    return r;
}

/* As a registry will: a type or a hook at least is to be good. */
static int check_types(const json_t *document, const char *name, struct error *e)
{
    const char *library = json_member_string(document, "library");
    if (!library || strcmp(library, name) != 0)
        return error_set(e, LIBRARY_REFUSED, NULL, "it is described as library \"%.100s\"",
                         library ? library : "");
    struct registry *registry = registry_new();
    int r = registry_add(registry, document, e) ? LIBRARY_REFUSED : 0;
    const json_t *bad = json_array_get(registry_left_out(registry), 0);
    if (r == 0 && bad && registry_size(registry) + json_object_size(registry_hooks(registry)) == 0)
        r = error_set(e, LIBRARY_REFUSED, NULL, "nothing in it is good: %s",
                      json_member_string(bad, "reason"));
    registry_unref(registry);
    return r;
}

int describe_copy(const char *program, const char *const *arguments, int stop, const char *copy,
                  const char *original, const char *hash, json_t **ret_document, struct error *e)
{
    json_t *document = NULL;
    char *name = content_name(original);
    int r = run(program, arguments, stop, copy, original, &document, e);
    if (r == 0)
        r = check_objects(document, original, e);
    if (r == 0)
        r = check_types(document, name, e);
    if (r == 0) {
        json_object_del(document, "path");
        json_object_del(document, "objects");
        json_object_set_new(document, "hash", json_string(hash));
        *ret_document = json_incref(document);
    }
    json_decref(document);
    free(name);
    return r;
}

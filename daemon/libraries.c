/* SPDX-License-Identifier: Apache-2.0 */
#include "libraries.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/pool.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, LIMIT = 32 * 1024 * 1024 };

static void refuse(json_t *refused, const char *path, const struct error *e)
{
    log_warning("process library %s is left out: %s", path, e->message);
    json_t *entry = json_pack("{s:s, s:s}", "path", path, "reason", e->message);
    if (entry) /* not where a name is no UTF-8 */
        json_array_append_new(refused, entry);
}

/* 0, or left out, with words: whatever it was. */
static int describe(const char *worker, const char *path, struct registry *r, struct error *e)
{
    const char *const argv[] = {worker, "describe", path, NULL};
    struct buffer output = {0};
    int result = pool_capture(argv, TIMEOUT_MS, LIMIT, &output, e);
    if (result == 0) {
        json_t *document = json_read(output.data ? output.data : "", output.size, e);
        result = document ? registry_add(r, document, e) : LIBRARIES_INVALID;
        json_decref(document);
    }
    buffer_free(&output);
    return error_explain(e, result, "describe it");
}

static int is_library(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && !strcmp(dot, ".so") && file_name_ok(entry->d_name);
}

static void describe_all(const char *worker, const char *directory, struct registry *r,
                         json_t *refused)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_library, alphasort);
    if (n < 0) {
        log_warning("no process libraries in %s: %s", directory, strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        struct error e = {.message = ""};
        char *path = file_join(directory, entries[i]->d_name);
        if (describe(worker, path, r, &e) != 0)
            refuse(refused, path, &e);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

int libraries_describe(const char *worker, const char *const *directories,
                       struct registry **ret_registry, json_t **ret_refused, struct error *e)
{
    struct registry *r = registry_new();
    json_t *refused = json_array();
    for (; *directories; directories++)
        describe_all(worker, *directories, r, refused);
    (void)e;
    registry_finish(r);
    json_array_extend(refused, (json_t *)registry_left_out(r));
    *ret_registry = r;
    *ret_refused = refused;
    return 0;
}

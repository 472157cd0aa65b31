/* SPDX-License-Identifier: Apache-2.0 */
#include "library/offered.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "offered.json"
#define MAX_BYTES ((size_t)1 << 22)

/* -1 where it lies in none of them. */
static int directory_of(const char *const *directories, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    for (int i = 0; slash && directories[i]; i++)
        if (strlen(directories[i]) == n && !strncmp(directories[i], path, n))
            return i;
    return -1;
}

void offered_read(const char *root, const char *const *directories, struct copies *copies,
                  struct originals *ret)
{
    struct buffer text = {0};
    struct error e = {.message = ""};
    char *file = file_join(root, FILE_NAME);
    const char *path;
    json_t *hash, *offered = NULL;
    if (file_read(file, MAX_BYTES, &text) == 0 && text.data)
        offered = json_read(text.data, text.size, &e);
    json_object_foreach(offered, path, hash)
    {
        json_t *document = NULL;
        int directory = directory_of(directories, path);
        if (directory >= 0 && json_is_string(hash) &&
            copies_document(copies, path, json_string_value(hash), &document, &e) == 0)
            originals_remember(ret, directory, path, json_string_value(hash), document);
        json_decref(document);
    }
    json_decref(offered);
    buffer_free(&text);
    free(file);
}

int offered_write(const char *root, const char *text)
{
    char *path = file_join(root, FILE_NAME);
    char *temporary = mem_printf("%s.partial", path);
    int r = file_replace(path, temporary, text, strlen(text), 0644, FILE_SYNC_DATA);
    free(temporary);
    free(path);
    return r;
}

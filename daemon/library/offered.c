/* SPDX-License-Identifier: Apache-2.0 */
#include "library/offered.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FILE_NAME "offered.json"
#define MAX_BYTES ((size_t)1 << 22)

/* Of the directory that is the first n bytes of a path; `directories` may be NULL. Its number, and
 * in *ret_n how many there are; -1 where there is no such. */
static int find(const char *const *directories, const char *path, size_t n, int *ret_n)
{
    int found = -1, i = 0;
    for (; directories && directories[i]; i++)
        if (strlen(directories[i]) == n && !strncmp(directories[i], path, n))
            found = found < 0 ? i : found;
    *ret_n = i;
    return found;
}

/* -1 where it lies in none of them. */
static int directory_of(const char *const *directories, const char *const *pushed, const char *path)
{
    int n_plain, n_pushed;
    const char *slash = strrchr(path, '/'), *parent = slash;
    if (!slash)
        return -1;
    int found = find(directories, path, (size_t)(slash - path), &n_plain);
    while (parent > path && parent[-1] != '/')
        parent--;
    if (found >= 0 || parent == path)
        return found;
    found = find(pushed, path, (size_t)(parent - 1 - path), &n_pushed);
    return found >= 0 ? n_plain + found : -1;
}

void offered_read(const char *root, const char *const *directories, const char *const *pushed,
                  struct copies *copies, struct originals *ret)
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
        int directory = directory_of(directories, pushed, path);
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

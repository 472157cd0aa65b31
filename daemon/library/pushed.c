/* SPDX-License-Identifier: Apache-2.0 */
#include "library/pushed.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "library/content.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNFINISHED ".new-"
enum { NAME_MAX_BYTES = 100, FILES_MAX = 1000 };

/* ---- the directory ---- */

int pushed_open(const char *root)
{
    const struct dirent *entry;
    int r = file_make_directories(root);
    DIR *d = r == 0 ? opendir(root) : NULL;
    if (r == 0 && !d)
        return -errno;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry) {
        char *path = file_join(root, entry->d_name);
        if (!strncmp(entry->d_name, UNFINISHED, strlen(UNFINISHED)))
            r = file_remove_tree(path);
        free(path);
    }
    if (d)
        closedir(d);
    return r;
}

/* ---- what is given ---- */

static bool is_identifier(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isascii((unsigned char)*p) || !(isalnum((unsigned char)*p) || *p == '_'))
            return false;
    return *name && strlen(name) <= NAME_MAX_BYTES && !isdigit((unsigned char)*name);
}

int pushed_name(const json_t *module, const char **ret_name, struct error *e)
{
    static const char *const keys[] = {"name", "environment", "files", NULL};
    const char *name = json_member_string(module, "name");
    if (!json_is_object(module))
        return error_set(e, LIBRARY_REFUSED, "", "a module is {\"name\": …, \"files\": {…}}");
    if (json_check_keys(module, keys, "", e) != 0)
        return LIBRARY_REFUSED;
    if (!name || !is_identifier(name))
        return error_set(e, LIBRARY_REFUSED, "/name",
                         "name: \"%.100s\" should be the name of a module in Python: letters, "
                         "digits and _, at most %d",
                         name ? name : "", NAME_MAX_BYTES);
    *ret_name = name;
    return 0;
}

static bool is_ours(const char *module, const char *file)
{
    static const char *const suffixes[] = {"so", "files", "json", "configuration"};
    size_t n = strlen(module);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (!strncmp(file, module, n) && file[n] == '.' && !strcmp(file + n + 1, suffixes[i]))
            return true;
    return false;
}

static int refuse_file(struct error *e, const char *file, const char *why)
{
    char token[256], pointer[300];
    error_pointer_token(file, token, sizeof token);
    snprintf(pointer, sizeof pointer, "/files/%s", token);
    return error_set(e, LIBRARY_REFUSED, pointer, "file \"%.200s\": %s", file, why);
}

static int check_files(const char *name, const json_t *files, struct error *e)
{
    const char *file;
    json_t *text;
    char *module = mem_printf("%s.py", name), *package = mem_printf("%s/__init__.py", name);
    bool has_module = json_object_get(files, module) || json_object_get(files, package);
    free(module);
    free(package);
    if (!json_is_object(files) || json_object_size(files) > FILES_MAX)
        return error_set(e, LIBRARY_REFUSED, "/files",
                         "files: should be an object of at most %d texts by their names",
                         FILES_MAX);
    if (!has_module)
        return error_set(e, LIBRARY_REFUSED, "/files",
                         "files: there is neither %s.py nor %s/__init__.py", name, name);
    json_object_foreach((json_t *)files, file, text)
    {
        if (!content_name_ok(file))
            return refuse_file(e, file,
                               "should be a relative name of at most eight parts, none of which "
                               "begins with a dot");
        if (is_ours(name, file))
            return refuse_file(e, file, "this name is the library's own");
        if (!json_is_string(text))
            return refuse_file(e, file, "should be a text");
    }
    return 0;
}

/* ---- writing ---- */

static int write_text(const char *directory, const char *name, const char *text, size_t n)
{
    char *path = file_join(directory, name), *temporary = mem_printf("%s.partial", path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int r = file_make_directories(path);
    *slash = '/';
    if (r == 0)
        r = file_replace(path, temporary, text, n, 0644, FILE_SYNC_DATA);
    free(temporary);
    free(path);
    return r;
}

static int write_files(const char *directory, const char *name, const json_t *files,
                       struct error *e)
{
    struct buffer list = {0};
    const char *file;
    json_t *text;
    int r = 0;
    json_object_foreach((json_t *)files, file, text)
    {
        if (r == 0)
            r = write_text(directory, file, json_string_value(text), json_string_length(text));
        if (r == -ENOTDIR || r == -EEXIST || r == -EISDIR)
            r = refuse_file(e, file, "another file has the name of its directory");
        buffer_printf(&list, "%s\n", file);
    }
    char *list_name = mem_printf("%s.files", name);
    if (r == 0)
        r = write_text(directory, list_name, list.data, list.size);
    free(list_name);
    buffer_free(&list);
    return error_explain(e, r, "write the module");
}

static int link_host(const char *host, const char *library)
{
    return symlink(host, library) < 0 ? -errno : 0;
}

/* ---- taking ---- */

/* Users know nothing of the directory that the module is written to. */
static void hide(const char *directory, struct error *e)
{
    size_t n = strlen(directory);
    char *found;
    while ((found = strstr(e->message, directory))) {
        size_t cut = n + (found[n] == '/');
        memmove(found, found + cut, strlen(found + cut) + 1);
    }
}

/* What was there goes, where something was. */
static int publish(const char *root, const char *directory, const char *place)
{
    int r = renameat2(AT_FDCWD, directory, AT_FDCWD, place, RENAME_EXCHANGE) < 0 ? -errno : 0;
    if (r == -ENOENT)
        r = file_rename(directory, place);
    return r < 0 ? r : file_sync_directory(root);
}

static int take(const char *directory, const char *name, const char *host, const json_t *files,
                struct copies *copies, char ret_hash[HASH_TEXT_SIZE], json_t **ret_document,
                struct error *e)
{
    char *library = mem_printf("%s/%s.so", directory, name);
    int r = write_files(directory, name, files, e);
    if (r == 0)
        r = error_errno(e, link_host(host, library), "link the host of modules");
    if (r == 0)
        r = error_errno(e, file_sync_directory(directory), "write the module");
    if (r == 0)
        r = copies_take(copies, library, ret_hash, ret_document, e);
    if (r != 0)
        hide(directory, e);
    free(library);
    return r == LIBRARY_CHANGES ? -EBUSY : r;
}

int pushed_take(const char *root, const char *host, const json_t *module, struct copies *copies,
                char **ret_path, char ret_signature[HASH_TEXT_SIZE], char ret_hash[HASH_TEXT_SIZE],
                json_t **ret_document, struct error *e)
{
    const char *name = json_member_string(module, "name");
    const json_t *files = json_object_get(module, "files");
    json_t *document = NULL;
    int r = check_files(name, files, e);
    if (r != 0)
        return r;
    char *directory = file_join(root, UNFINISHED "XXXXXX"), *place = file_join(root, name);
    char *path = mem_printf("%s/%s.so", place, name);
    if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
        r = error_errno(e, -errno, "make a directory for the module");
    if (r == 0)
        r = take(directory, name, host, files, copies, ret_hash, &document, e);
    if (r == 0)
        r = error_errno(e, publish(root, directory, place), "put the module in its place");
    if (r == 0)
        r = error_errno(e, content_signature(path, ret_signature), "look at the module");
    file_remove_tree(directory);
    if (r == 0) {
        *ret_document = document;
        *ret_path = path;
    } else {
        json_decref(document);
        free(path);
    }
    free(directory);
    free(place);
    return r;
}

/* ---- removing ---- */

/* A hidden name takes it out of sight as a whole: what a crash leaves is removed by pushed_open. */
int pushed_remove(const char *root, const char *name, struct error *e)
{
    char *hidden = file_join(root, UNFINISHED "XXXXXX"), *place = file_join(root, name);
    int r = mkdtemp(hidden) ? file_rename(place, hidden) : -errno;
    bool is_gone = r == -ENOENT;
    if (r == 0)
        r = file_sync_directory(root);
    if (r == 0 || is_gone)
        file_remove_tree(hidden);
    free(hidden);
    free(place);
    return is_gone ? 0 : error_errno(e, r, "remove the module");
}

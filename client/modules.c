/* SPDX-License-Identifier: Apache-2.0 */
#include "client/modules.h"

#include "client/document.h"
#include "client/options.h"
#include "client/request.h"
#include "client/text.h"
#include "proto/api.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1000, FILE_MAX_BYTES = 16 * 1024 * 1024, LIST_MAX_BYTES = 256 * 1024 };

/* A module NAME.py, or a package: a directory NAME. What belongs to it is what NAME.files beside it
 * lists; without that, the file, or all files of the package. */
struct module {
    char *directory; /* that it lies in, with a slash at its end; "": the working directory */
    char *name;
    bool is_package;
    json_t *files; /* relative name → text */
};

static void module_clear(struct module *m)
{
    free(m->directory);
    free(m->name);
    json_decref(m->files);
}

/* ---- files ---- */

/* NULL after a complaint. *ret_size bytes and a NUL; the caller frees. */
static char *read_file(const char *path, size_t limit, size_t *ret_size)
{
    struct stat st;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f || fstat(fd, &st)) {
        text_complain("cannot read %s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || (size_t)st.st_size > limit) {
        text_complain("%s is no plain file of at most %zu bytes", path, limit);
    } else {
        text = text_need(malloc(limit < (size_t)st.st_size ? limit + 1 : (size_t)st.st_size + 1));
        *ret_size = fread(text, 1, (size_t)st.st_size, f);
        text[*ret_size] = '\0';
    }
    if (f)
        fclose(f);
    else if (fd >= 0)
        close(fd);
    return text;
}

static int add_file(struct module *m, const char *name)
{
    size_t n = 0;
    char *path = text_printf("%s%s", m->directory, name);
    char *text = read_file(path, FILE_MAX_BYTES, &n);
    json_t *value = text && !memchr(text, '\0', n) ? json_stringn(text, n) : NULL;
    bool is_added = value && !json_object_set(m->files, name, value);
    if (text && !is_added)
        text_complain("%s: a module's files and their names are texts in UTF-8", path);
    json_decref(value);
    free(text);
    free(path);
    return is_added ? 0 : API_EXIT_USAGE;
}

static bool is_left_out(const char *name)
{
    size_t n = strlen(name);
    return name[0] == '.' || !strcmp(name, "__pycache__") ||
           (n > 4 && !strcmp(name + n - 4, ".pyc"));
}

static int add_entry(struct module *m, const char *name, int depth);

static int add_directory(struct module *m, const char *name, int depth)
{
    struct dirent **entries;
    char *path = text_printf("%s%s", m->directory, name);
    int code = 0, n = depth > 8 ? -1 : scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        text_complain("cannot read the directory %s: %s", path,
                      depth > 8 ? "it lies too deep" : strerror(errno));
        code = API_EXIT_USAGE;
    }
    for (int i = 0; i < n; i++) {
        char *below = text_printf("%s/%s", name, entries[i]->d_name);
        if (!code && !is_left_out(entries[i]->d_name))
            code = add_entry(m, below, depth + 1);
        free(below);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    free(path);
    return code;
}

static int add_entry(struct module *m, const char *name, int depth)
{
    struct stat st;
    char *path = text_printf("%s%s", m->directory, name);
    bool is_directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    free(path);
    if (is_directory)
        return add_directory(m, name, depth);
    if (json_object_size(m->files) < FILES_MAX)
        return add_file(m, name);
    text_complain("%s has more than %d files", m->name, FILES_MAX);
    return API_EXIT_USAGE;
}

static int add_listed(struct module *m, const char *list)
{
    size_t n;
    char *text = read_file(list, LIST_MAX_BYTES, &n), *rest = text, *line;
    int code = text ? 0 : API_EXIT_USAGE;
    while (!code && (line = strsep(&rest, "\n"))) {
        for (size_t k = strlen(line); k > 0 && strchr(" \t\r", line[k - 1]); k--)
            line[k - 1] = '\0';
        if (*line)
            code = add_file(m, line);
    }
    free(text);
    return code;
}

static int add_files(struct module *m)
{
    char *list = text_printf("%s%s.files", m->directory, m->name);
    char *file = text_printf("%s.py", m->name);
    int code;
    if (access(list, F_OK) == 0)
        code = add_listed(m, list);
    else if (m->is_package)
        code = add_directory(m, m->name, 1);
    else
        code = add_file(m, file);
    free(file);
    free(list);
    return code;
}

static int find(const char *given, struct module *ret)
{
    struct stat st;
    char *path = text_copy(given);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    if (stat(path, &st)) {
        text_complain("cannot read %s: %s", given, strerror(errno));
        free(path);
        return API_EXIT_USAGE;
    }
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    size_t n = strlen(last);
    bool is_module = S_ISREG(st.st_mode) && n > 3 && !strcmp(last + n - 3, ".py");
    *ret = (struct module){.directory = text_printf("%.*s", (int)(last - path), path),
                           .name = text_printf("%.*s", (int)(is_module ? n - 3 : n), last),
                           .is_package = S_ISDIR(st.st_mode),
                           .files = json_object()};
    free(path);
    if (is_module || ret->is_package)
        return 0;
    text_complain("%s is no module in Python: it should be a file NAME.py, or a package", given);
    return API_EXIT_USAGE;
}

/* ---- pushing ---- */

static void print_name(const json_t *module)
{
    text_line(stdout, "%s  %s", document_string(module, "sha256", "?"),
              document_string(module, "name", "?"));
}

static void print_pushed(const json_t *module)
{
    size_t i;
    json_t *item;
    print_name(module);
    json_array_foreach(json_object_get(module, "left_out"), i, item)
    {
        text_complain("%s is left out: %s", document_string(item, "type", "a type"),
                      document_string(item, "reason", "?"));
    }
    if (!json_array_size(json_object_get(module, "types")))
        text_complain("note: it has no process type");
}

static int push(struct server *s, const struct options *o, const json_t *body)
{
    char *text = document_text(body);
    struct request request = {.method = "POST",
                              .path = API_MODULES,
                              .body = text,
                              .size = strlen(text),
                              .content_type = API_JSON,
                              .shape = &answer_module};
    struct reply r;
    int code = request_or_complain(s, &request, &r);
    if (o->json)
        reply_print(&r);
    else if (!code)
        print_pushed(r.json);
    reply_clear(&r);
    free(text);
    return code;
}

int modules_push(struct server *s, const struct options *o)
{
    struct module m = {0};
    json_t *body = json_object();
    int code = find(o->operands[0], &m);
    code = code ? code : add_files(&m);
    code = code ? code : document_set_text(body, "name", m.name, "PATH");
    if (!code && o->environment)
        code = document_set_text(body, "environment", o->environment, "--environment");
    json_object_set(body, "files", m.files);
    code = code ? code : push(s, o, body);
    json_decref(body);
    module_clear(&m);
    return code;
}

/* ---- listing ---- */

int modules_list(struct server *s, const struct options *o)
{
    size_t i;
    json_t *answer, *module;
    if (o->json)
        return request_print(
            s, &(struct request){.method = "GET", .path = API_MODULES, .shape = &answer_modules});
    int code = request_get(s, API_MODULES, &answer_modules, &answer);
    if (code)
        return code;
    text_line(stdout, "NAME                  ENVIRONMENT     HASH          VERSION");
    json_array_foreach(json_object_get(answer, "modules"), i, module)
    {
        text_put_padded(stdout, document_string(module, "name", "?"), 22);
        text_put_padded(stdout, document_string(module, "environment", "?"), 16);
        text_line(stdout, "%.12s  %s", document_string(module, "sha256", "?"),
                  document_string(module, "version", ""));
    }
    json_decref(answer);
    return 0;
}

/* ---- removing ---- */

static int remove_one(struct server *s, const struct options *o, const char *name)
{
    char *part = text_url(name);
    char *environment = text_url(o->environment ? o->environment : "default");
    char *path = text_printf("%s/%s?environment=%s%s", API_MODULES, part, environment,
                             o->force ? "&force=1" : "");
    struct request request = {.method = "DELETE", .path = path, .shape = &answer_module};
    struct reply r;
    int code = request_or_complain(s, &request, &r);
    if (o->json)
        reply_print(&r);
    else if (!code)
        print_name(r.json);
    reply_clear(&r);
    free(path);
    free(environment);
    free(part);
    return code;
}

/* The first that is refused ends it. */
int modules_remove(struct server *s, const struct options *o)
{
    int code = 0;
    for (int i = 0; i < o->n_operands && !code; i++)
        code = remove_one(s, o, o->operands[i]);
    return code;
}

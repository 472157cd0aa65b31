/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_python.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "library/environments.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MAX_BYTES = 1 << 20 };

struct module {
    const char *libraries; /* the directory that is made */
    char *path, *directory, *name;
    bool is_package;
};

static void module_clear(struct module *m)
{
    free(m->path);
    free(m->directory);
    free(m->name);
}

/* DIRECTORY/NAME.py, or a package DIRECTORY/NAME. */
static int find(struct module *m, const char *given, struct error *e)
{
    struct stat st;
    m->path = file_absolute(given);
    for (size_t n = strlen(m->path); n > 1 && m->path[n - 1] == '/'; n--)
        m->path[n - 1] = '\0';
    if (stat(m->path, &st) < 0)
        return error_set(e, -errno, NULL, "refused: cannot read the module %s: %s", given,
                         strerror(errno));
    const char *last = strrchr(m->path, '/') + 1;
    m->is_package = S_ISDIR(st.st_mode);
    m->directory = strndup(m->path, (size_t)(last - m->path));
    size_t n = strlen(last);
    bool is_module = S_ISREG(st.st_mode) && n > 3 && !strcmp(last + n - 3, ".py");
    m->name = strndup(last, is_module ? n - 3 : n);
    if (is_module || m->is_package)
        return 0;
    return error_set(e, -EINVAL, NULL,
                     "refused: %s is no module in Python: should be a file NAME.py, or a package",
                     given);
}

/* Two modules may share a file, but not have two of the same name. */
static int link_file(const struct module *m, const char *target, const char *name, struct error *e)
{
    char *path = file_join(m->libraries, name), there[PATH_MAX];
    int r = symlink(target, path) < 0 ? -errno : 0;
    ssize_t n = r == -EEXIST ? readlink(path, there, sizeof there) : -1;
    if (n >= 0 && (size_t)n == strlen(target) && !memcmp(there, target, (size_t)n))
        r = 0;
    if (r == -EEXIST)
        error_set(e, r, NULL, "refused: %s stands where another module has a file of that name",
                  target);
    else if (r < 0)
        error_set(e, r, NULL, "cannot make %s: %s", path, strerror(-r));
    free(path);
    return r;
}

static int link_own(const struct module *m, const char *name, struct error *e)
{
    char *target = file_join(m->directory, name);
    int r = link_file(m, target, name, e);
    free(target);
    return r;
}

/* Of "a/b.py" the directory a is linked. The list itself is checked where the library is opened. */
static int link_listed(const struct module *m, char *text, struct error *e)
{
    char *line;
    int r = 0;
    while (r == 0 && (line = strsep(&text, "\n"))) {
        line[strcspn(line, "/ \t\r")] = '\0';
        if (file_name_ok(line))
            r = link_own(m, line, e);
    }
    return r;
}

/* A module without a list. `text`: all that lies beside it; NULL: it is the only file. */
static int make_list(const struct module *m, const char *list, const char *text, struct error *e)
{
    char *path = file_join(m->libraries, list), *source = mem_printf("%s.py", m->name);
    FILE *f = fopen(path, "wxe");
    int r = f ? 0 : -errno;
    if (f && fprintf(f, "%s\n", text ? text : source) < 0)
        r = -EIO;
    if (f && fclose(f) != 0)
        r = -EIO;
    if (r < 0)
        error_set(e, r, NULL, "cannot make %s: %s", path, strerror(-r));
    else
        r = link_own(m, m->is_package ? m->name : source, e);
    free(source);
    free(path);
    return r;
}

static int add_files(const struct module *m, const char *beside, struct error *e)
{
    struct buffer text = {0};
    char *list = mem_printf("%s.files", m->name), *path = file_join(m->directory, list);
    int r = file_read(path, LIST_MAX_BYTES, &text);
    if (r == -ENOENT && (beside || !m->is_package))
        r = make_list(m, list, beside, e);
    else if (r < 0)
        error_set(e, r, NULL,
                  "refused: cannot read %s, which lists the files of a module, one a line: %s",
                  path, strerror(-r));
    else if ((r = link_file(m, path, list, e)) == 0 && text.data)
        r = link_listed(m, text.data, e);
    buffer_free(&text);
    free(list);
    free(path);
    return r;
}

static int add(const char *host, const char *libraries, const char *given, const char *beside,
               struct error *e)
{
    struct module m = {.libraries = libraries};
    int r = find(&m, given, e);
    if (r == 0) {
        char *library = mem_printf("%s.so", m.name);
        r = link_file(&m, host, library, e);
        free(library);
    }
    if (r == 0)
        r = add_files(&m, beside, e);
    module_clear(&m);
    return r;
}

/* ---- a model's module, and all that lie beside it ---- */

enum { BESIDE_MOST = 1000, BESIDE_DEEPEST = 8 };

/* Files of modules, one a line, relative to a directory. */
struct listing {
    struct buffer text;
    int n;
};

static bool is_module_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && (!name[n] || !strcmp(name + n, ".py"));
}

static bool is_package(const char *path)
{
    char *first = file_join(path, "__init__.py");
    bool is_there = access(first, R_OK) == 0;
    free(first);
    return is_there;
}

static void list_all(struct listing *l, const char *directory, const char *prefix, int depth)
{
    struct dirent **entries;
    int n = depth < BESIDE_DEEPEST ? scandir(directory, &entries, NULL, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char *path = file_join(directory, name), *line = mem_printf("%s%s", prefix, name);
        bool is_file = strchr(name, '.') != NULL;
        if (is_module_name(name) && is_file && l->n++ < BESIDE_MOST) {
            buffer_append(&l->text, l->text.size ? "\n" : "", l->text.size > 0);
            buffer_append(&l->text, line, strlen(line));
        } else if (is_module_name(name) && !is_file && is_package(path)) {
            char *deeper = mem_printf("%s/", line);
            list_all(l, path, deeper, depth + 1);
            free(deeper);
        }
        free(path);
        free(line);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* Each of a directory's modules and packages as a library, to which all of them belong. */
static int add_each(const char *host, const char *libraries, const char *directory, char *text,
                    struct error *e)
{
    char *all = mem_strdup(text), *line;
    const char *last = "";
    int r = 0;
    while (r == 0 && (line = strsep(&text, "\n"))) {
        line[strcspn(line, "/")] = '\0';
        if (!strcmp(line, last))
            continue;
        last = line;
        char *path = file_join(directory, line);
        r = add(host, libraries, path, all, e);
        free(path);
    }
    free(all);
    return r;
}

static int add_all_beside(const char *host, const char *libraries, const char *model,
                          struct error *e)
{
    struct module m = {.libraries = libraries};
    struct listing l = {.n = 0};
    int r = find(&m, model, e);
    if (r == 0)
        list_all(&l, m.directory, "", 0);
    buffer_append(&l.text, "", 1);
    if (r == 0 && l.n > BESIDE_MOST)
        r = error_set(e, -E2BIG, NULL,
                      "refused: more than %d modules lie beside %s: put it into a directory of its "
                      "own, or list what belongs to it in %s.files and use --python",
                      BESIDE_MOST, model, m.name);
    if (r == 0)
        r = add_each(host, libraries, m.directory, l.text.data, e);
    buffer_free(&l.text);
    module_clear(&m);
    return r;
}

/* Of the environment that the job names; a job that cannot be read is refused later. */
static int find_host(const char *python, const char *job, size_t size, char **ret_host,
                     struct error *e)
{
    struct environments environments;
    json_t *document = json_read(job, size, NULL);
    const char *name = json_member_string(document, "environment");
    environments_find(python ? python : "", &environments);
    name = name ? name : ENVIRONMENTS_DEFAULT;
    const char *host = environments_host(&environments, name);
    int r = host ? 0 : -ENOENT;
    if (host) {
        *ret_host = mem_strdup(host);
    } else {
        char *why = environments_why_missing(&environments, name);
        error_set(e, r, NULL, "refused: %s", why);
        free(why);
    }
    environments_clear(&environments);
    json_decref(document);
    return r;
}

static int make(const char *host, const char *const *modules, const char *model, char **ret_path,
                struct error *e)
{
    const char *parent = getenv("TMPDIR");
    char *path = mem_printf("%s/simlab-python-XXXXXX", parent && *parent == '/' ? parent : "/tmp");
    int r = mkdtemp(path) ? 0 : -errno;
    if (r < 0) {
        error_set(e, r, NULL, "cannot make a directory for modules, %s: %s", path, strerror(-r));
        free(path);
        return r;
    }
    for (; r == 0 && *modules; modules++)
        r = add(host, path, *modules, NULL, e);
    if (r == 0 && model)
        r = add_all_beside(host, path, model, e);
    if (r == 0) {
        *ret_path = path;
        return 0;
    }
    file_remove_tree(path);
    free(path);
    return r;
}

int run_python_make(const char *python, const char *job, size_t size, const char *const *modules,
                    const char *model, char **ret_path, struct error *e)
{
    char *host;
    int r = find_host(python, job, size, &host, e);
    if (r < 0)
        return r;
    r = make(host, modules, model, ret_path, e);
    free(host);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "library/content.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONFIGURATION_MAX_BYTES = 1 << 20,
    LIST_MAX_BYTES = 1 << 18,
    LIST_MAX_FILES = 1000,
    LIST_MAX_DEPTH = 8,
    BLOCK = 1 << 18
};
#define CONTENT_MAX_BYTES ((int64_t)4 << 30) /* of one file */

/* ---- names ---- */

char *content_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = mem_strdup(slash ? slash + 1 : path);
    size_t n = strlen(name);
    if (n > 3 && !strcmp(name + n - 3, ".so"))
        name[n - 3] = '\0';
    return name;
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    char *directory = mem_strdup(path);
    directory[slash == path ? 1 : slash - path] = '\0';
    return directory;
}

char *content_place(const char *root, const char *hash)
{
    return file_join(root, hash);
}

char *content_file(const char *root, const char *hash, const char *name, const char *suffix)
{
    return mem_printf("%s/%s/%s%s", root, hash, name, suffix);
}

bool content_is_hash(const char *text)
{
    return strlen(text) == HASH_TEXT_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == HASH_TEXT_SIZE - 1;
}

/* ---- what belongs to a library ---- */

/* Names relative to `directory`: NAME.so, then NAME.configuration and what NAME.files lists, in
 * order. */
struct content {
    char *directory;
    char *list; /* NAME.files, whether it is there or not */
    bool has_list;
    char **files;
    size_t n;
    const char *library; /* NULL, or where NAME.so is instead */
};

static void content_clear(struct content *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->files[i]);
    free(c->files);
    free(c->directory);
    free(c->list);
}

static void add_file(struct content *c, const char *name)
{
    c->files = mem_resize(c->files, c->n + 1, sizeof *c->files);
    c->files[c->n++] = mem_strdup(name);
}

bool content_name_ok(const char *name)
{
    char *copy = mem_strdup(name), *rest = copy, *part;
    int depth = 0;
    bool ok = true;
    while (ok && (part = strsep(&rest, "/")))
        ok = file_name_ok(part) && ++depth <= LIST_MAX_DEPTH;
    free(copy);
    return ok;
}

static int add_listed(struct content *c, const char *name, char *line, struct error *e)
{
    char *end = line + strlen(line);
    while (end > line && strchr(" \t\r", end[-1]))
        *--end = '\0';
    if (!*line)
        return 0;
    char *document = mem_printf("%s.json", name);
    bool is_ours = !strcmp(line, c->files[0]) || !strcmp(line, c->list) || !strcmp(line, document);
    free(document);
    if (is_ours || !content_name_ok(line))
        return error_set(e, LIBRARY_REFUSED, NULL,
                         "%s lists \"%.200s\": should be the name of a file beside the library, or "
                         "in a directory there",
                         c->list, line);
    if (c->n > LIST_MAX_FILES)
        return error_set(e, LIBRARY_REFUSED, NULL, "%s lists more than %d files", c->list,
                         LIST_MAX_FILES);
    add_file(c, line);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once. */
static void sort_listed(struct content *c)
{
    size_t kept = 1;
    qsort(c->files + 1, c->n - 1, sizeof *c->files, compare_names);
    for (size_t i = 1; i < c->n; i++) {
        if (kept > 1 && !strcmp(c->files[i], c->files[kept - 1]))
            free(c->files[i]);
        else
            c->files[kept++] = c->files[i];
    }
    c->n = kept;
}

static int read_list(struct content *c, const char *name, struct error *e)
{
    struct buffer text = {0};
    struct stat st;
    char *path = file_join(c->directory, c->list), *line;
    int r = stat(path, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : LIBRARY_REFUSED;
    if (r == 0)
        r = file_read(path, LIST_MAX_BYTES, &text);
    c->has_list = r == 0;
    if (r == -ENOENT)
        r = 0;
    else if (r < 0)
        error_set(e, r, NULL, "cannot read %s: %s", path, strerror(-r));
    else if (r > 0 || (text.data && strlen(text.data) != text.size))
        r = error_set(e, LIBRARY_REFUSED, NULL, "%s is no list of files", path);
    char *rest = c->has_list ? text.data : NULL;
    while (r == 0 && (line = strsep(&rest, "\n")))
        r = add_listed(c, name, line, e);
    sort_listed(c);
    buffer_free(&text);
    free(path);
    return r;
}

/* The caller frees. */
static char *configuration_path(const char *path)
{
    size_t n = strlen(path);
    bool has_suffix = n > 3 && !strcmp(path + n - 3, ".so");
    return mem_printf("%.*s.configuration", (int)(has_suffix ? n - 3 : n), path);
}

/* To be cleared in any case. */
static int content_read(const char *path, struct content *c, struct error *e)
{
    const char *slash = strrchr(path, '/');
    char *name = content_name(path);
    *c = (struct content){.directory = directory_of(path), .list = mem_printf("%s.files", name)};
    add_file(c, slash ? slash + 1 : path);
    char *configuration = configuration_path(path), *last = strrchr(configuration, '/');
    if (access(configuration, F_OK) == 0)
        add_file(c, last ? last + 1 : configuration);
    int r = read_list(c, name, e);
    free(configuration);
    free(name);
    return r;
}

int content_configuration(const char *path, char **ret_text, struct error *e)
{
    struct buffer text = {0};
    char *configuration = configuration_path(path);
    int r = file_read(configuration, CONFIGURATION_MAX_BYTES, &text);
    if (r == -EFBIG || (r == 0 && text.data && strlen(text.data) != text.size))
        r = error_set(e, LIBRARY_REFUSED, NULL, "%s is no text of at most %d bytes", configuration,
                      CONFIGURATION_MAX_BYTES);
    else if (r < 0 && r != -ENOENT)
        error_set(e, r, NULL, "cannot read %s: %s", configuration, strerror(-r));
    if (r == 0 || r == -ENOENT)
        *ret_text = r == 0 ? buffer_take(&text) : NULL;
    buffer_free(&text);
    free(configuration);
    return r == -ENOENT ? 0 : r;
}

/* ---- hashing and copying ---- */

static int open_plain(const char *path, int *ret_fd, struct error *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(e, -errno, NULL, "cannot read %s: %s", path, strerror(errno));
    int r = fstat(fd, &st) < 0 ? -errno : 0;
    if (r < 0)
        error_set(e, r, NULL, "cannot look at %s: %s", path, strerror(-r));
    else if (!S_ISREG(st.st_mode))
        r = error_set(e, LIBRARY_REFUSED, NULL, "%s is no plain file", path);
    else if (st.st_size > CONTENT_MAX_BYTES)
        r = error_set(e, LIBRARY_REFUSED, NULL, "%s is larger than 4 GiB", path);
    if (r)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

/* Hashes what is left of `from`, and appends it to `to` (-1: nowhere). */
static int pass(int from, int to, char ret_hash[HASH_TEXT_SIZE])
{
    char *block = mem_array(BLOCK, 1);
    struct hash *h = hash_new();
    int64_t left = CONTENT_MAX_BYTES;
    ssize_t n;
    int r = 0;
    while (r == 0 && (n = read(from, block, BLOCK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        left -= n;
        r = n < 0 ? -errno : left < 0 ? -EFBIG : 0;
        if (r == 0)
            hash_add(h, block, (size_t)n);
        if (r == 0 && to >= 0)
            r = file_append(to, block, (size_t)n);
    }
    if (r == 0)
        hash_end(h, ret_hash);
    hash_free(h);
    free(block);
    return r;
}

/* `target`: NULL, or where the copy is to stand. */
static int pass_file(const char *source, const char *target, char ret_hash[HASH_TEXT_SIZE],
                     struct error *e)
{
    int from = -1, to = -1;
    int r = open_plain(source, &from, e);
    if (r)
        return r;
    char *temporary = target ? mem_printf("%s.partial", target) : NULL;
    if (target)
        r = file_create(temporary, 0444, &to);
    if (r == 0)
        r = pass(from, to, ret_hash);
    if (r == 0 && target)
        r = file_publish(to, temporary, target, FILE_SYNC_DATA);
    else if (to >= 0)
        file_discard(to, temporary);
    close(from);
    free(temporary);
    return r < 0 ? error_set(e, r, NULL, "cannot %s %s: %s", target ? "copy" : "read", source,
                             strerror(-r))
                 : 0;
}

static int make_parents(const char *path)
{
    char *parent = directory_of(path);
    int r = file_make_directories(parent);
    free(parent);
    return r;
}

static int pass_named(const struct content *c, const char *name, const char *directory,
                      char ret_hash[HASH_TEXT_SIZE], struct error *e)
{
    bool is_elsewhere = c->library && name == c->files[0];
    char *source = is_elsewhere ? mem_strdup(c->library) : file_join(c->directory, name);
    char *target = directory ? file_join(directory, name) : NULL;
    int r = target ? error_errno(e, make_parents(target), "make a directory of copies") : 0;
    if (r == 0)
        r = pass_file(source, target, ret_hash, e);
    free(source);
    free(target);
    return r;
}

/* `directory`: NULL, or where it is copied to. */
static int pass_all(const struct content *c, const char *directory, char ret_hash[HASH_TEXT_SIZE],
                    struct error *e)
{
    struct buffer text = {0};
    char hash[HASH_TEXT_SIZE];
    int r = 0;
    for (size_t i = 0; i < c->n && r == 0; i++) {
        r = pass_named(c, c->files[i], directory, hash, e);
        if (r == 0 && i == 0)
            buffer_printf(&text, "%s\n", hash);
        else if (r == 0)
            buffer_printf(&text, "%s  %s\n", hash, c->files[i]);
    }
    if (r == 0 && c->n > 1)
        hash_bytes(text.data, text.size, hash);
    if (r == 0 && directory && c->has_list) {
        char unused[HASH_TEXT_SIZE];
        r = pass_named(c, c->list, directory, unused, e);
    }
    if (r == 0)
        memcpy(ret_hash, hash, HASH_TEXT_SIZE);
    buffer_free(&text);
    return r;
}

int content_hash(const char *path, char ret_hash[HASH_TEXT_SIZE], struct error *e)
{
    return content_hash_as(NULL, path, ret_hash, e);
}

int content_hash_as(const char *library, const char *path, char ret_hash[HASH_TEXT_SIZE],
                    struct error *e)
{
    struct content c;
    int r = content_read(path, &c, e);
    c.library = library;
    if (r == 0)
        r = pass_all(&c, NULL, ret_hash, e);
    content_clear(&c);
    return r;
}

int content_copy(const char *path, const char *directory, char ret_hash[HASH_TEXT_SIZE],
                 struct error *e)
{
    struct content c;
    char before[HASH_TEXT_SIZE] = "", after[HASH_TEXT_SIZE];
    int r = content_read(path, &c, e);
    if (r == 0)
        r = pass_all(&c, directory, before, e);
    content_clear(&c);
    if (r == 0)
        r = content_hash(path, after, e);
    if (r == 0 && strcmp(before, after) != 0)
        r = error_set(e, LIBRARY_CHANGES, NULL, "%s is being written", path);
    if (r == 0)
        memcpy(ret_hash, after, HASH_TEXT_SIZE);
    return r;
}

/* ---- looking ---- */

static void sign(struct buffer *text, const char *directory, const char *name)
{
    struct stat s;
    char *path = file_join(directory, name);
    if (stat(path, &s) < 0)
        buffer_printf(text, "%s %d\n", name, errno);
    else
        buffer_printf(text, "%s %ju %ju %jd %jd.%ld %jd.%ld\n", name, (uintmax_t)s.st_dev,
                      (uintmax_t)s.st_ino, (intmax_t)s.st_size, (intmax_t)s.st_mtim.tv_sec,
                      s.st_mtim.tv_nsec, (intmax_t)s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    free(path);
}

int content_signature(const char *path, char ret_signature[HASH_TEXT_SIZE])
{
    struct content c;
    struct error e = {.message = ""};
    struct buffer text = {0};
    if (access(path, F_OK) < 0)
        return -errno;
    content_read(path, &c, &e);
    buffer_printf(&text, "%s\n", e.message); /* of a list that is none */
    for (size_t i = 0; i < c.n; i++)
        sign(&text, c.directory, c.files[i]);
    sign(&text, c.directory, c.list);
    hash_bytes(text.data, text.size, ret_signature);
    buffer_free(&text);
    content_clear(&c);
    return 0;
}

void content_each_listed(const char *path, void (*fn)(void *userdata, const char *name),
                         void *userdata)
{
    struct content c;
    if (content_read(path, &c, NULL) == 0)
        for (size_t i = 1; i < c.n; i++)
            fn(userdata, c.files[i]);
    content_clear(&c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "library/copies.h"

#include "base/file.h"
#include "base/mem.h"
#include "library/content.h"
#include "library/describe.h"
#include "library/document.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UNFINISHED ".new-"

struct copies {
    char *root, *program;
    const char *const *arguments;
    int stop;                   /* an eventfd: no more children */
    pthread_mutex_t publishing; /* two names may have one content */
};

/* ---- open ---- */

static void remove_unfinished(const char *root)
{
    DIR *d = opendir(root);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        char *path = file_join(root, entry->d_name);
        if (!strncmp(entry->d_name, UNFINISHED, strlen(UNFINISHED)))
            file_remove_tree(path);
        free(path);
    }
    if (d)
        closedir(d);
}

int copies_open(const char *root, const char *program, const char *const *arguments,
                struct copies **ret_copies, struct error *e)
{
    int r = file_make_directories(root);
    if (r < 0)
        return error_set(e, r, NULL, "cannot make directory %s: %s", root, strerror(-r));
    remove_unfinished(root);
    struct copies *c = mem_new(sizeof *c);
    c->root = mem_strdup(root);
    c->program = mem_strdup(program);
    c->arguments = arguments;
    pthread_mutex_init(&c->publishing, NULL);
    c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->stop < 0) {
        r = error_errno(e, -errno, "open the libraries' copies");
        copies_free(c);
        return r;
    }
    *ret_copies = c;
    return 0;
}

void copies_stop(struct copies *c)
{
    eventfd_write(c->stop, 1);
}

struct copies *copies_free(struct copies *c)
{
    if (!c)
        return NULL;
    pthread_mutex_destroy(&c->publishing);
    if (c->stop >= 0)
        close(c->stop);
    free(c->root);
    free(c->program);
    free(c);
    return NULL;
}

/* ---- a new copy ---- */

/* Directories of copies are read-only, so that nobody writes there by mistake. */
static void set_modes(const char *directory, mode_t mode)
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    chmod(directory, mode);
    while (d && (entry = readdir(d))) {
        char *path = file_join(directory, entry->d_name);
        struct stat s;
        if (entry->d_name[0] != '.' && lstat(path, &s) == 0 && S_ISDIR(s.st_mode))
            set_modes(path, mode);
        free(path);
    }
    if (d)
        closedir(d);
}

/* Another name of the same content is there, or a copy that was damaged: file by file. */
static int merge(const char *from, const char *to)
{
    DIR *d = opendir(from);
    const struct dirent *entry;
    int r = d ? file_make_directories(to) : -errno;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry) {
        char *source = file_join(from, entry->d_name), *target = file_join(to, entry->d_name);
        struct stat s;
        bool is_directory = lstat(source, &s) == 0 && S_ISDIR(s.st_mode);
        r = is_directory ? merge(source, target) : rename(source, target) < 0 ? -errno : 0;
        free(source);
        free(target);
    }
    if (d)
        closedir(d);
    return r < 0 ? r : file_sync_directory(to);
}

static int publish(struct copies *c, const char *directory, const char *hash, struct error *e)
{
    char *place = content_place(c->root, hash);
    pthread_mutex_lock(&c->publishing);
    int r = rename(directory, place) < 0 ? -errno : 0;
    if (r == -ENOTEMPTY || r == -EEXIST) {
        set_modes(place, 0755);
        r = merge(directory, place);
    }
    set_modes(place, 0555);
    if (r == 0)
        r = file_sync_directory(c->root);
    pthread_mutex_unlock(&c->publishing);
    if (r < 0)
        error_set(e, r, NULL, "cannot make %s: %s", place, strerror(-r));
    free(place);
    return r;
}

static int copy(struct copies *c, const char *path, const char *name, const char *directory,
                char ret_hash[HASH_TEXT_SIZE], json_t **ret_document, struct error *e)
{
    json_t *document = NULL;
    char *library = mem_printf("%s/%s.so", directory, name);
    int r = content_copy(path, directory, ret_hash, e);
    if (r == 0)
        r = describe_copy(c->program, c->arguments, c->stop, library, path, ret_hash, &document, e);
    if (r == 0)
        r = document_write(directory, name, document, e);
    if (r == 0)
        r = publish(c, directory, ret_hash, e);
    if (r == 0)
        *ret_document = document;
    else
        json_decref(document);
    free(library);
    return r;
}

static int take_anew(struct copies *c, const char *path, const char *name,
                     char ret_hash[HASH_TEXT_SIZE], json_t **ret_document, struct error *e)
{
    char *directory = file_join(c->root, UNFINISHED "XXXXXX");
    int r = 0;
    if (!mkdtemp(directory))
        r = error_set(e, -errno, NULL, "cannot make %s: %s", directory, strerror(errno));
    if (r == 0 && chmod(directory, 0755) == 0)
        r = copy(c, path, name, directory, ret_hash, ret_document, e);
    file_remove_tree(directory);
    free(directory);
    return r;
}

/* ---- a copy that is there ---- */

static bool is_intact(const struct copies *c, const char *hash, const char *name)
{
    char now[HASH_TEXT_SIZE], *path = content_file(c->root, hash, name, ".so");
    bool intact = content_hash(path, now, NULL) == 0 && !strcmp(now, hash);
    free(path);
    return intact;
}

/* The same copy by another describer. */
static int describe_again(struct copies *c, const char *path, const char *hash, const char *name,
                          json_t **ret_document, struct error *e)
{
    json_t *document = NULL;
    char *place = content_place(c->root, hash);
    char *library = content_file(c->root, hash, name, ".so");
    int r = describe_copy(c->program, c->arguments, c->stop, library, path, hash, &document, e);
    pthread_mutex_lock(&c->publishing);
    chmod(place, 0755);
    if (r == 0)
        r = document_write(place, name, document, e);
    chmod(place, 0555);
    pthread_mutex_unlock(&c->publishing);
    if (r == 0)
        *ret_document = document;
    else
        json_decref(document);
    free(place);
    free(library);
    return r;
}

int copies_document(struct copies *c, const char *path, const char *hash, json_t **ret_document,
                    struct error *e)
{
    char *name = content_name(path);
    int r = 0;
    if (!content_is_hash(hash) || !is_intact(c, hash, name))
        r = error_set(e, LIBRARY_REFUSED, NULL, "there is no copy of library %s", name);
    else if (document_read(c->root, hash, name, ret_document, NULL) != 0)
        r = describe_again(c, path, hash, name, ret_document, e);
    free(name);
    return r;
}

int copies_take(struct copies *c, const char *path, char ret_hash[HASH_TEXT_SIZE],
                json_t **ret_document, struct error *e)
{
    char *name = content_name(path);
    int r = content_hash(path, ret_hash, e);
    if (r == 0 && !is_intact(c, ret_hash, name))
        r = take_anew(c, path, name, ret_hash, ret_document, e);
    else if (r == 0)
        r = copies_document(c, path, ret_hash, ret_document, e);
    free(name);
    return r;
}

/* ---- copies that nobody needs ---- */

static bool is_old(const char *path, int64_t seconds)
{
    struct stat s;
    return stat(path, &s) == 0 && s.st_mtim.tv_sec + seconds <= time(NULL);
}

/* What is needed is young: its time begins when it is needed no more. */
static int sweep(struct copies *c, const char *hash, const json_t *needed, int64_t seconds,
                 int *ret_removed, struct error *e)
{
    char *path = content_place(c->root, hash);
    int r = 0;
    if (json_object_get(needed, hash)) {
        utimensat(AT_FDCWD, path, NULL, 0);
    } else if (is_old(path, seconds)) {
        r = file_remove_tree(path);
        *ret_removed += r == 0;
    }
    if (r < 0)
        error_set(e, r, NULL, "cannot remove %s: %s", path, strerror(-r));
    free(path);
    return r;
}

int copies_sweep(struct copies *c, const json_t *needed, int64_t seconds, int *ret_removed,
                 struct error *e)
{
    DIR *d = opendir(c->root);
    const struct dirent *entry;
    int r = d ? 0 : -errno;
    *ret_removed = 0;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry)
        if (content_is_hash(entry->d_name))
            r = sweep(c, entry->d_name, needed, seconds, ret_removed, e);
    if (d)
        closedir(d);
    return error_explain(e, r, "read the directory of libraries' copies");
}

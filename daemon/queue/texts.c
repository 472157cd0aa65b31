/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX  ".json"
#define PARTIAL ".text-"

enum { FILE_MAX = 1 << 30, KEPT_SECONDS = 24 * 3600 };

/* ---- any thread ---- */

void queue_text_clear(struct queue_text *t)
{
    free(t->text);
    free(t->path);
    for (size_t i = 0; i < t->n_appended; i++)
        queue_text_clear(&t->appended[i]);
    free(t->appended);
    *t = (struct queue_text){0};
}

static int read_alone(const struct queue_text *t, char **ret_text, struct error *e)
{
    struct buffer b = {0};
    if (t->text) {
        *ret_text = mem_strdup(t->text);
        return 0;
    }
    int r = file_read(t->path, FILE_MAX, &b);
    if (r == 0) {
        *ret_text = b.data ? b.data : mem_strdup("");
        return 0;
    }
    buffer_free(&b);
    if (r == -ENOENT)
        return error_set(e, QUEUE_DAMAGED, NULL, "the file %s, which the database names, is gone",
                         t->path);
    return error_set(e, r, NULL, "cannot read %s: %s", t->path, strerror(-r));
}

/* "[…, …]" */
static int read_appended(const struct queue_text *t, struct buffer *ret, struct error *e)
{
    int r = 0;
    for (size_t i = 0; i < t->n_appended && r == 0; i++) {
        char *text = NULL;
        r = read_alone(&t->appended[i], &text, e);
        if (r == 0)
            buffer_printf(ret, "%s%s", i > 0 ? "," : "[", text);
        free(text);
    }
    if (r == 0)
        buffer_text(ret, "]");
    return r;
}

/* The job was submitted with some that others had got. */
static int add_to_list(const char *text, const char *appended, char **ret_text, struct error *e)
{
    json_t *document = json_read(text, strlen(text), e);
    json_t *more = document ? json_read(appended, strlen(appended), e) : NULL;
    json_t *list = json_object_get(document, "appended");
    int r = more ? 0 : QUEUE_DAMAGED;
    if (r == 0 && json_is_array(list))
        json_array_extend(list, more);
    else if (r == 0)
        json_object_set(document, "appended", more);
    if (r == 0)
        *ret_text = json_write(document);
    json_decref(document);
    json_decref(more);
    return r;
}

/* A document is an object: the list goes before its last brace. */
static int join(const char *text, const char *appended, char **ret_text, struct error *e)
{
    const char *end = strrchr(text, '}');
    if (!end || strstr(text, "\"appended\""))
        return add_to_list(text, appended, ret_text, e);
    struct buffer all = {0};
    buffer_append(&all, text, (size_t)(end - text));
    buffer_text(&all, ",\"appended\":");
    buffer_text(&all, appended);
    buffer_text(&all, "}");
    *ret_text = all.data;
    return 0;
}

int queue_text_read(const struct queue_text *t, char **ret_text, struct error *e)
{
    char *text = NULL;
    struct buffer appended = {0};
    int r = read_alone(t, &text, e);
    if (r || t->n_appended == 0) {
        if (r == 0)
            *ret_text = text;
        return r;
    }
    r = read_appended(t, &appended, e);
    if (r == 0)
        r = join(text, appended.data, ret_text, e);
    buffer_free(&appended);
    free(text);
    return r;
}

int queue_text_write(const char *directory, const char *text, size_t n, char ret_name[65],
                     struct error *e)
{
    static atomic_uint number;
    int r = 0;
    hash_bytes(text, n, ret_name);
    char *path = mem_printf("%s/%s" SUFFIX, directory, ret_name);
    char *temporary = mem_printf("%s/" PARTIAL "%u", directory, atomic_fetch_add(&number, 1));
    /* One that is there was on the disk before it had its name; it is new again to texts_clean. */
    if (utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) < 0)
        r = file_replace(path, temporary, text, n, 0600, FILE_SYNC_DATA);
    free(path);
    free(temporary);
    return error_errno(e, r, "store a long document");
}

/* ---- the queue's ---- */

char *texts_path(const struct queue *q, const char *name)
{
    mem_assert(q->texts);
    return mem_printf("%s/%s" SUFFIX, q->texts, name);
}

static bool is_partial(const char *name)
{
    return !strncmp(name, PARTIAL, strlen(PARTIAL));
}

/* "<64 digits>.json" → the digits. */
static bool name_of(const char *entry, char ret[HASH_TEXT_SIZE])
{
    size_t n = strspn(entry, "0123456789abcdef");
    if (n != HASH_TEXT_SIZE - 1 || strcmp(entry + n, SUFFIX) != 0)
        return false;
    memcpy(ret, entry, n);
    ret[n] = '\0';
    return true;
}

/* Whether a row names it, or may do so soon. */
static int is_needed(struct queue *q, int directory, const char *entry, const char *name,
                     bool *ret_needed, struct error *e)
{
    struct stat st;
    sqlite3_stmt *s;
    *ret_needed = true;
    if (fstatat(directory, entry, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        st.st_mtime > time(NULL) - KEPT_SECONDS)
        return 0;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_TEXT_FILE, TEXT(name));
    if (r == QUEUE_NO_SUCH)
        r = database_row(&q->database, e, &s, STATEMENT_APPEND_FILE, TEXT(name));
    if (r == QUEUE_NO_SUCH)
        r = database_row(&q->database, e, &s, STATEMENT_MODEL_GET, TEXT(name));
    if (r == 0)
        database_end(s);
    *ret_needed = r != QUEUE_NO_SUCH;
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int texts_clean(struct queue *q, struct error *e)
{
    DIR *d = q->texts ? opendir(q->texts) : NULL;
    int r = 0;
    for (struct dirent *entry; r == 0 && d && (entry = readdir(d));) {
        char name[HASH_TEXT_SIZE];
        bool is_kept = !is_partial(entry->d_name);
        if (is_kept && name_of(entry->d_name, name))
            r = is_needed(q, dirfd(d), entry->d_name, name, &is_kept, e);
        if (r == 0 && !is_kept)
            unlinkat(dirfd(d), entry->d_name, 0);
    }
    if (d)
        closedir(d);
    return r;
}

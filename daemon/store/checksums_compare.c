/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "store/checksums.h"
#include "store/checksums_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY = 256, WHAT = 300 };

struct comparing {
    struct checksums_check *check;
    int root, directory; /* of the array that is looked at, or the root; -errno: not there */
    struct checksums_array array; /* name NULL: the root */
    struct checksums_names names; /* of files that stand in it … */
    size_t next;                  /* … of which those before were seen */
    struct error *e;
};

/* ---- faults ---------------------------------------------------------------------------------- */

static void find_members(const struct comparing *x, const char *key, int64_t ret[2])
{
    const struct checksums_array *a = &x->array;
    int64_t n = x->check->n_members;
    ret[0] = ret[1] = 0;
    if (!a->name || (a->rows == 0 && a->member < 0))
        return;
    if (a->rows == 0) {
        ret[0] = a->member;
        ret[1] = a->member + 1;
    } else if (!checksums_is_chunk(key)) { /* how far it had grown is not known either */
        ret[1] = n;
    } else {
        int64_t row = strtoll(key, NULL, 10);
        if (row > n / a->rows)
            return;
        ret[0] = row * a->rows;
        ret[1] = n - ret[0] < a->rows ? n : ret[0] + a->rows;
    }
}

static void tell(const struct comparing *x, const char *key, const char *what, bool is_foreign)
{
    struct checksums_fault f = {
        .array = x->array.name, .key = key, .what = what, .is_foreign = is_foreign};
    if (!is_foreign)
        find_members(x, key, f.members);
    x->check->fault(x->check->userdata, &f);
}

static void compare_file(struct comparing *x, const char *key, const struct checksums_file *stored)
{
    struct checksums_file now = {0};
    char what[WHAT];
    int r = x->directory < 0 ? -ENOENT : checksums_of_file(x->directory, key, &now);
    x->check->n_files++;
    if (r == 0 && now.size == stored->size && now.sum == stored->sum)
        return;
    if (r == -ENOENT)
        snprintf(what, sizeof what, "is missing");
    else if (r == -ELOOP)
        snprintf(what, sizeof what, "is a link, or no file");
    else if (r < 0)
        snprintf(what, sizeof what, "cannot be read: %s", strerror(-r));
    else if (now.size < stored->size)
        snprintf(what, sizeof what, "has %" PRId64 " bytes of %" PRId64, now.size, stored->size);
    else
        snprintf(what, sizeof what, "was changed");
    tell(x, key, what, false);
}

/* ---- directories ----------------------------------------------------------------------------- */

/* Files before `key` that nobody stored; NULL: all that are left. */
static void pass_names(struct comparing *x, const char *key)
{
    while (x->next < x->names.n && (!key || strcmp(x->names.list[x->next], key) < 0))
        tell(x, x->names.list[x->next++], "was not stored by the job", true);
    if (key && x->next < x->names.n && !strcmp(x->names.list[x->next], key))
        x->next++;
}

static void leave(struct comparing *x)
{
    pass_names(x, NULL);
    checksums_names_clear(&x->names);
    x->next = 0;
    if (x->directory >= 0 && x->directory != x->root)
        close(x->directory);
    x->directory = x->root;
}

static int enter(struct comparing *x)
{
    x->directory = x->array.name ? checksums_open_directory(x->root, x->array.name) : x->root;
    return x->directory >= 0 ? checksums_list(x->directory, &x->names) : 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int refuse(const struct comparing *x, const char *line)
{
    return error_set(x->e, STORE_INVALID, NULL, "the checksums have a line that is none: %.100s",
                     line);
}

/* The name is the rest of the line. */
static int read_array(struct comparing *x, const char *line)
{
    int length = 0;
    leave(x);
    x->array = (struct checksums_array){0};
    if (sscanf(line, "array %" SCNd64 " %" SCNd64 " %n", &x->array.rows, &x->array.member,
               &length) != 2 ||
        length == 0 || !file_name_ok(line + length) || x->array.rows < 0 ||
        x->array.member >= x->check->n_members)
        return refuse(x, line);
    x->array.name = line + length;
    return error_errno(x->e, enter(x), "list the files of an array");
}

static int read_file(struct comparing *x, const char *line)
{
    struct checksums_file stored;
    char key[KEY];
    if (sscanf(line, "%255s %" SCNd64 " %" SCNx64, key, &stored.size, &stored.sum) != 3 ||
        strchr(key, '/') || !strcmp(key, ".."))
        return refuse(x, line);
    pass_names(x, key);
    compare_file(x, key, &stored);
    return 0;
}

static int read_lines(struct comparing *x, char *text)
{
    int r = error_errno(x->e, enter(x), "list the files of the store");
    char *rest = text + sizeof CHECKSUMS_HEADING - 1, *line;
    while (r == 0 && (line = strsep(&rest, "\n")) && *line)
        r = strncmp(line, "array ", 6) == 0 ? read_array(x, line) : read_file(x, line);
    leave(x);
    return r;
}

int checksums_compare(const char *path, const char *text, size_t size, struct checksums_check *c,
                      struct error *e)
{
    size_t body;
    if (!checksums_are_whole(text, size, &body))
        return error_set(e, STORE_INVALID, NULL, "the checksums are damaged, or no checksums");
    struct comparing x = {.check = c, .e = e};
    x.root = checksums_open_directory(AT_FDCWD, path);
    if (x.root < 0)
        return error_set(e, x.root, NULL, "cannot open the store %.700s: %s", path,
                         strerror(-x.root));
    char *lines = mem_printf("%.*s", (int)body, text);
    int r = read_lines(&x, lines);
    free(lines);
    close(x.root);
    return r;
}

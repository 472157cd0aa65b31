/* SPDX-License-Identifier: Apache-2.0 */
/* The list of arrays, and consolidated metadata. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/format.h"
#include "store/sync_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the list of arrays -------------------------------------------------------------------- */

/* An array that cannot be seen is not an absent one: 0 or -errno. */
static int is_array(DIR *d, const char *name, const char *array_file, bool *ret)
{
    *ret = false;
    if (!file_name_ok(name))
        return 0;
    char *path = file_join(name, array_file);
    struct stat st;
    int r = fstatat(dirfd(d), path, &st, 0) < 0 ? -errno : 0;
    free(path);
    *ret = r == 0 && S_ISREG(st.st_mode);
    return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

/* As Python sorts the keys "NAME/.zarray". */
static int compare_keys(const void *a, const void *b)
{
    const unsigned char *p = *(const unsigned char *const *)a,
                        *q = *(const unsigned char *const *)b;
    while (*p && *p == *q) {
        p++;
        q++;
    }
    return (*p ? *p : '/') - (*q ? *q : '/');
}

/* Adds to `ret_names`, whatever the result. */
static int read_names(DIR *d, const char *array_file, char ***ret_names, size_t *ret_n)
{
    const struct dirent *entry;
    int r = 0;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry) {
        bool is;
        r = is_array(d, entry->d_name, array_file, &is);
        if (is) {
            *ret_names = mem_resize(*ret_names, *ret_n + 1, sizeof **ret_names);
            (*ret_names)[(*ret_n)++] = mem_strdup(entry->d_name);
        }
    }
    return r;
}

int store_arrays(struct store *s, json_t **ret_names, struct error *e)
{
    DIR *d = opendir(s->path);
    if (!d)
        return error_errno(e, -errno, "list the store");
    char **names = NULL;
    size_t n = 0;
    int r = read_names(d, format_array_file(s), &names, &n);
    closedir(d);
    if (n > 0)
        qsort(names, n, sizeof *names, compare_keys);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(names[i]));
        free(names[i]);
    }
    free(names);
    if (r == 0)
        *ret_names = list;
    else
        json_decref(list);
    return error_errno(e, r, "list the store");
}

/* ---- consolidated metadata ----------------------------------------------------------------- */

int store_consolidate(struct store *s, struct error *e)
{
    json_t *names = NULL;
    int fd = -1;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zgroup", &fd, e);
    if (r == 0)
        r = store_arrays(s, &names, e);
    if (r == 0)
        r = format_consolidate(s, names, e);
    json_decref(names);
    sync_lock_release(fd);
    return r;
}

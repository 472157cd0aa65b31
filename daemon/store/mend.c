/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mend.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands in its place is not followed where it is a link: the rename takes its name. */
static int write_group(const char *path, struct error *e)
{
    static const char text[] = "{\n    \"zarr_format\": 2\n}\n";
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return error_set(e, STORE_NO_SUCH, NULL, "there is no store at %.700s", path);
    char *group = file_join(path, ".zgroup"), *temporary = file_join(path, "..zgroup.partial");
    int r = file_replace(group, temporary, text, sizeof text - 1, 0666, FILE_SYNC_CONTENT);
    free(temporary);
    free(group);
    return error_errno(e, r, "write .zgroup of the store");
}

static int remove_file(int array, const char *name)
{
    return unlinkat(array, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int mend_array(struct store *s, const char *name, struct error *e)
{
    struct store_meta meta;
    char *path = file_join(store_path(s), name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = fd < 0 ? -errno : remove_file(fd, ".zattrs");
    free(path);
    if (r == 0) {
        int read = store_array(s, name, &meta, NULL, NULL, NULL);
        if (read == 0)
            store_meta_clear(&meta);
        else
            r = read == STORE_BROKEN ? remove_file(fd, ".zarray") : read < 0 ? read : 0;
    }
    if (fd >= 0)
        close(fd);
    return error_errno(e, r, "remove damaged metadata");
}

int store_mend(const char *path, struct error *e)
{
    struct store *s;
    json_t *names = NULL, *name;
    size_t i;
    int r = write_group(path, e);
    if (r == 0)
        r = store_open(path, STORE_READ, &s, e);
    if (r != 0)
        return r;
    r = store_arrays(s, &names, e);
    json_array_foreach(names, i, name)
    {
        if (r == 0)
            r = mend_array(s, json_string_value(name), e);
    }
    json_decref(names);
    store_close(s);
    return r;
}

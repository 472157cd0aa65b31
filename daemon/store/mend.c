/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mend.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int mend_array(struct store *s, const char *name, struct error *e)
{
    char *path = file_join(s->path, name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = fd < 0 ? -errno : 0;
    free(path);
    for (int i = 0; i < FORMAT_VERSIONS && r == 0; i++)
        if (s->format->versions[i])
            r = s->format->versions[i]->forget(s, name, fd, e);
    if (fd >= 0)
        close(fd);
    return error_errno(e, r, "remove damaged metadata");
}

static int mend(struct store *s, struct error *e)
{
    json_t *names = NULL, *name;
    size_t i;
    int r = 0;
    for (int v = 0; v < FORMAT_VERSIONS && r == 0; v++)
        if (s->format->versions[v])
            r = s->format->versions[v]->make_group(s, e);
    if (r == 0)
        r = store_arrays(s, &names, e);
    json_array_foreach(names, i, name)
    {
        if (r == 0)
            r = mend_array(s, json_string_value(name), e);
    }
    json_decref(names);
    return r;
}

/* What stands in the place of a file is not followed where it is a link: the rename takes its name.
 */
int store_mend(const char *path, struct error *e)
{
    struct store s = {
        .path = mem_strdup(path), .mode = STORE_JOIN, .is_durable = true, .directory = -1};
    struct stat st;
    int r = 0;
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        r = error_set(e, STORE_NO_SUCH, NULL, "there is no store at %.700s", path);
    s.format = format_traced(&s);
    if (!s.format)
        s.format = store_format(STORE_FORMAT_DEFAULT);
    if (r == 0)
        r = mend(&s, e);
    free(s.path);
    return r;
}

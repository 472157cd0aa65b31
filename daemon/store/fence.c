/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fence.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/claim.h"
#include "store/group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- who fences off ---- */

static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r ? r : file_sync_parent(path);
}

static int make_file(const char *directory, int64_t number)
{
    int fd, r = mkdir(directory, 0777) < 0 && errno != EEXIST ? -errno : 0;
    char *path = mem_printf("%s/%" PRId64, directory, number);
    if (r == 0)
        r = file_create(path, 0666, &fd);
    if (r == 0)
        close(fd);
    if (r == 0)
        r = sync_file(path);
    if (r == 0)
        r = file_sync_parent(directory);
    free(path);
    return r;
}

int store_fence_off(const char *path, const char *owner, int64_t number, struct error *e)
{
    int r = store_check_owner(path, owner, e);
    if (r == STORE_NO_SUCH) { /* without the mark nothing is written */
        error_clear(e);
        return 0;
    }
    char *directory = mem_printf("%s.sync/.fences", path);
    if (r == 0)
        r = make_file(directory, number);
    free(directory);
    if (r == -ENOENT)
        return 0;
    return r < 0 ? error_explain(e, r, "fence off a lease") : r;
}

/* ---- who writes ---- */

void store_set_fence(struct store *s, int64_t number)
{
    free(s->fence);
    free(s->mark);
    s->fence = number > 0 ? mem_printf("%s/.fences/%" PRId64, s->sync, number) : NULL;
    s->mark = number >= 0 ? mem_printf("%s/owner", s->sync) : NULL;
}

int fence_check_locked(const struct store *s, struct error *e)
{
    if (s->fence && access(s->fence, F_OK) == 0)
        return error_set(e, -ESTALE, NULL,
                         "nothing is written to %s: the lease has ended, since "
                         "nothing was heard of its worker",
                         s->path);
    if (s->fence && errno != ENOENT)
        return error_errno(e, -errno, "look for a fence of the lease");
    return 0;
}

int fence_check(const struct store *s, struct error *e)
{
    int r = fence_check_locked(s, e);
    if (r == 0 && s->mark && access(s->mark, F_OK) < 0)
        r = error_errno(e, -errno, "look for the owner's mark of the store");
    return r;
}

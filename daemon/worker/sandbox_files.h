/* SPDX-License-Identifier: Apache-2.0 */
/* Which files user code may read and write (Landlock of Linux 5.19 and later), for sandbox.c.
 *
 * It may write below `writable`, and to devices; where those are above `kept`, not at all. It may
 * read all but what is below `kept`: a kernel's rule only allows, and for a directory with all that
 * will ever be in it, so there is one for each entry beside the way from the root to `kept`. What
 * comes to stand beside that way later cannot be read, nor what is written below a directory that
 * is replaced: such a view is old, and only another process has a new one. Nor can files of more
 * than 16 MiB be read that stand beside that way themselves: a rule would keep them on the disk
 * after they are removed. */
#ifndef WORKER_SANDBOX_FILES_H
#define WORKER_SANDBOX_FILES_H

#include <stdbool.h>
#include <time.h>

struct sandbox_places {
    const char *kept;            /* the daemon's directory; NULL: nothing is kept from it */
    const char *const *readable; /* below `kept`, NULL at the end; those that are not there are */
    const char *const *writable; /* left out. Likewise, wherever they are */
};

struct sandbox_view;

/* This thread, and all that it starts from now on. PR_SET_NO_NEW_PRIVS holds. 0; -errno: then
 * nothing holds; -ENOSYS: the kernel has it not; -ENOTDIR: `kept` is below what is writable. */
int sandbox_files_bound(const struct sandbox_places *p, struct sandbox_view **ret_view);
struct sandbox_view *sandbox_view_free(struct sandbox_view *v);

/* Whether something has come to stand beside the way since, and whoever wants it came later than
 * the view, at `wanted` (of a file: st_ctim); or what is writable is another directory than it was.
 * NULL is never old. */
bool sandbox_view_is_old(const struct sandbox_view *v, const struct timespec *wanted);

#endif

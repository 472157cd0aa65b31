/* SPDX-License-Identifier: Apache-2.0 */
/* Open-file-description locks on files of their own: one writer at a time among all threads and
 * processes, also against POSIX record locks (zarr-python's ProcessSynchronizer). A lock dies with
 * its holder; what its file holds (store/chunk_log.h) does not. */
#ifndef STORE_SYNC_LOCK_H
#define STORE_SYNC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Waits for the exclusive lock `path`; the file is made where absent, and with `may_make_directory`
 * the directory it is in. *ret_fd is given to sync_lock_release; it appends what is written.
 * *ret_size (NULL: not wanted): bytes that the file holds. 0 or -errno. */
int sync_lock_take(const char *path, bool may_make_directory, int *ret_fd, int64_t *ret_size);

/* -1 is allowed. Always returns -1. */
int sync_lock_release(int fd);

#endif

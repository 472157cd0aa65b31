/* SPDX-License-Identifier: Apache-2.0 */
/* Open-file-description locks on files of their own: one writer at a time among all threads and
 * processes, also against POSIX record locks (zarr-python's ProcessSynchronizer). A lock dies with
 * its holder. */
#ifndef STORE_SYNC_LOCK_H
#define STORE_SYNC_LOCK_H

/* Waits for the exclusive lock `path`; the file and up to two levels of directories above it are
 * made where absent. *ret_fd is given to sync_lock_release. 0 or -errno. */
int sync_lock_take(const char *path, int *ret_fd);

/* -1 is allowed. Always returns -1. */
int sync_lock_release(int fd);

#endif

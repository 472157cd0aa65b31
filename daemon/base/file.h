/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole or absent, and never a path from outside joined unchecked. Every write, rename and
 * fsync of the daemon and the workers (SQLite's own apart) goes through here, so that tests can
 * make the Nth one fail or kill the process at it (file_fault). */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buffer.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A name that may stand as one path component: 1…255 bytes, no '/', no control character, not "."
 * or "..", not starting with '.' (hidden names are ours). */
bool file_name_ok(const char *name);

/* directory/name; aborts on no memory. The caller frees. Names are checked by the caller. */
char *file_join(const char *directory, const char *name);

/* Opens /dev/null on those of descriptors 0, 1 and 2 that are closed, so that no file of ours comes
 * to stand there and is taken for standard output or error. Before anything else in main(). */
void file_open_standard(void);

/* `path` from the root, by the working directory of now; it need not exist. The caller frees. */
char *file_absolute(const char *path);

/* Creates `path` and its parents where absent, mode 0777 less umask. 0 or -errno. */
int file_make_directories(const char *path);

/* CONTENT: the data are on the disk before they take the name, so that a power cut leaves the old
 * file or the new one, whole; which of them, is not known before the directory is synced (syncfs).
 * DATA: file and directory are on disk when it returns. */
enum file_sync { FILE_SYNC_NONE, FILE_SYNC_CONTENT, FILE_SYNC_DATA };

/* Writes data to `temporary` and renames it to `path`, both in one directory: readers see the old
 * file or the new one whole. A leftover `temporary` is overwritten. On error it is removed. 0 or
 * -errno. */
int file_replace(const char *path, const char *temporary, const void *data, size_t size,
                 mode_t mode, enum file_sync sync);

/* The same for data that comes in pieces: create, append …, publish. file_publish always closes
 * `fd`, and removes `temporary` where it fails; file_discard does both for a file given up. */
int file_create(const char *temporary, mode_t mode, int *ret_fd);
int file_append(int fd, const void *data, size_t size);
/* The disk begins to write what was appended; so publish has less to wait for. */
void file_begin_sync(int fd);
int file_publish(int fd, const char *temporary, const char *path, enum file_sync sync);
void file_discard(int fd, const char *temporary);

/* rename(2). 0 or -errno. */
int file_rename(const char *from, const char *to);

/* Reads a file of at most `limit` bytes (-EFBIG beyond), appending to `ret`. 0 or -errno. */
int file_read(const char *path, size_t limit, struct buffer *ret);

/* Reads `size` bytes at `at`, fewer where the file ends before: *ret_size. 0 or -errno. */
int file_read_at(int fd, void *ret, size_t size, off_t at, size_t *ret_size);

/* The next entry of a directory but "." and ".."; NULL at its end. A directory that cannot be read
 * any further has not ended: -errno. */
int file_next_entry(DIR *directory, const struct dirent **ret_entry);

/* Removes a tree, also what its owner made unreadable; symbolic links in it are removed, not
 * followed. Absent is 0. -ELOOP where directories nest too deeply. */
int file_remove_tree(const char *path);
/* The same for all that stands in a directory. */
int file_empty_directory(int fd);

/* fsyncs a directory, or that in which `path` stands. 0 or -errno. */
int file_sync_directory(const char *path);
int file_sync_parent(const char *path);

/* For tests, from the environment: SIMLAB_FAULT="rename:7:kill", "write:3:ENOSPC", "fsync:1:EIO" —
 * at the Nth such call of this process, die by SIGKILL or fail with that error. */
int file_fault(const char *operation);

#endif

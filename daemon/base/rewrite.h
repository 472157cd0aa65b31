/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are written in place, where the disk failed and works again.
 *
 * What a write-back that failed was to write still reads well, from memory, and nothing will write
 * it again by itself. ext4 does worse where the blocks were new: it takes them for written from
 * then on, and does not note on the disk that they are; so what is written there again reaches the
 * disk, the sync is reported as done, and after the next mount zeros are read. So who writes in
 * place cuts off or rewrites what was not synced, before anything else is written there.
 *
 * Nobody else writes the file meanwhile. A name that is absent is well. 0 or -errno. */
#ifndef BASE_REWRITE_H
#define BASE_REWRITE_H

#include <stdbool.h>

/* All that it holds is on the disk. */
int rewrite_all(const char *path);

/* What the file system does not count as written gets new blocks, and is on the disk. Does nothing
 * where there is no such thing, or where the file system does not tell. */
int rewrite_unwritten(const char *path);
/* The same of an open file, for reading and writing or appending; costs little where there is
 * nothing to do. */
int rewrite_unwritten_fd(int fd);

/* Whether a part of it does not count as written, though all was written back: after a power cut
 * or a mount, zeros are read there, which were lost. False where the file system does not tell. */
int rewrite_is_lost(int fd, bool *ret_lost);

#endif

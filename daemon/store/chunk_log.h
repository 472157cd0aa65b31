/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a chunk that several leases fill: a log in the file of its lock, of which members
 * (rows) were written, and when the chunk was found missing or broken and was made anew. A writer
 * cannot know which members of a chunk are done; with this log the end of the job tells whether
 * something of theirs was lost, and what is not done is simply written again.
 *
 *   "3 5\n"       rows 3 and 4 are written
 *   "5 6 fill\n"  row 5, too, but with the fill value only
 *   "broken\n"    what was written until here is gone
 *
 * A chunk of one row has none.
 *
 * Invariants
 *  1. "rows" is on the disk when the rows are done (the same syncfs), "broken" before the new chunk
 *     takes the place of the old.
 *     Nothing is appended in blocks that the disk lost (base/rewrite.h).
 *  2. Lines that are none (a power cut leaves such) say nothing.
 *  3. Fill values are never lost. They are told apart because a lease writes its rows in one box,
 *     as large as the largest of them: the fill values of a smaller row are written with it, and
 *     are not when that row is run again by itself.
 *
 * All under the chunk's lock. */
#ifndef STORE_CHUNK_LOG_H
#define STORE_CHUNK_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Rows [begin, end); is_blank (of each): the fill value only. 0 or -errno. */
int chunk_log_written(int fd, int64_t begin, int64_t end, const bool *is_blank);
/* `is_old`: the log was there, so that it is known that something is lost. One of a job that was
 * retried begins anew, and most chunks that are missing then never were: that is not waited for. */
int chunk_log_broken(int fd, bool is_old);

enum chunk_row { CHUNK_ROW_UNWRITTEN, CHUNK_ROW_BLANK, CHUNK_ROW_WRITTEN, CHUNK_ROW_LOST };

/* What is told of n rows from `first` (ret_rows: n, as they were before the log: UNWRITTEN, or
 * WRITTEN): LOST were written once, were
 * lost and were not written again; BLANK never had but the fill value. 0 or -errno. */
int chunk_log_read(int fd, int64_t first, int64_t n, unsigned char *ret_rows);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a store holds when its job has ended: a text of lines, in which each file stands with its
 * size and its checksum (base/checksum.h), and each array with the members that its chunks hold.
 *
 *   simlabd checksums 1
 *   .zattrs 812 00f1e2d3c4b5a697        of the root
 *   array 64 -1 m__value                chunks of 64 members; those of no single member
 *   .zarray 320 …
 *   0.0 5321 …
 *   array 0 3 m__index                  written by member 3
 *   array 0 -1 time                     known before any member ran
 *   end SHA-256                         of all lines before
 *
 * It is written beside the locks (PATH.sync/.checksums) before the job's end is told, and kept by
 * who asked for it. Bytes that are equal decode as they did then: the end of a job has read each
 * chunk. */
#ifndef STORE_CHECKSUMS_H
#define STORE_CHECKSUMS_H

#include "store/store.h"

enum { CHECKSUMS_MAX = 64 << 20 };

struct checksums_array {
    const char *name;
    int64_t rows;   /* members in a chunk row; 0: it has no axis of members */
    int64_t member; /* who wrote it, where it has none; -1: nobody */
};

/* Of all files as they stand; arrays that are not named are nobody's. Nobody else is writing. What
 * is longer than CHECKSUMS_MAX is not written. */
int checksums_write(struct store *s, const struct checksums_array *arrays, size_t n,
                    struct error *e);
/* PATH.sync/.checksums, whole, to another place: on the disk when it returns. Nothing is done where
 * there is none, or it is damaged. 0 or -errno. Any thread. */
int checksums_keep(const char *path, const char *to, const char *temporary);

/* One file that is not as it was stored. */
struct checksums_fault {
    const char *array; /* NULL: of the root */
    const char *key;
    const char *what;   /* "is missing", "was changed" … */
    int64_t members[2]; /* [begin, end) that are in it; [0, 0): nobody's */
    bool is_foreign;    /* it is none of the job's: it cannot be computed again */
};
struct checksums_check {
    int64_t n_members;
    void (*fault)(void *userdata, const struct checksums_fault *f);
    void *userdata;
    int64_t n_files; /* that were looked at: counted */
};
/* Compares a store with what was said of it; symbolic links are not followed. 0 where it could be
 * compared, whatever was found; STORE_INVALID where the text is damaged; -errno. */
int checksums_compare(const char *path, const char *text, size_t size, struct checksums_check *c,
                      struct error *e);

#endif

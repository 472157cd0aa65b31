/* SPDX-License-Identifier: Apache-2.0 */
/* What those share that write checksums, and that compare them. Internal. */
#ifndef STORE_CHECKSUMS_PARTS_H
#define STORE_CHECKSUMS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKSUMS_NAME    ".checksums"
#define CHECKSUMS_HEADING "simlabd checksums 1\n"
#define CHECKSUMS_END     "end "

struct checksums_file {
    int64_t size;
    uint64_t sum;
};

/* 0; -ELOOP where it is a link, or no file; another -errno. */
int checksums_of_file(int directory, const char *name, struct checksums_file *ret);
bool checksums_is_chunk(const char *name);

struct checksums_names {
    char **list; /* sorted */
    size_t n, capacity;
};
/* Files that a store has: chunks and metadata. 0 or -errno; to be cleared either way. */
int checksums_list(int directory, struct checksums_names *ret);
void checksums_names_clear(struct checksums_names *n);

/* A descriptor, or -errno. */
int checksums_open_directory(int parent, const char *name);

/* Its own hash is right; *ret_body: without the last line. */
bool checksums_are_whole(const char *text, size_t size, size_t *ret_body);

#endif

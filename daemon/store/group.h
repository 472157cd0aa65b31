/* SPDX-License-Identifier: Apache-2.0 */
/* The open store: its files of metadata, its locks, what its arrays share. Internal. */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include "base/buffer.h"
#include "base/file.h"
#include "store/chunk_sums.h"
#include "store/codec.h"
#include "store/store.h"

/* An array whose metadata have been read. Invariant: all but meta.shape never changes; the shape is
 * one that stood on disk once, and since arrays only grow it is at most what stands there now. */
struct store_array {
    char *name;
    struct store_meta meta;
    struct codec codec;
    int64_t strides[SIMLAB_MAX_DIMS]; /* in elements, within a chunk, of its order */
    size_t chunk_bytes;
    bool swap;     /* the file's byte order is not this machine's */
    json_t *attrs; /* as they were read, or NULL: they were not, or others may change them */
    struct chunk_sums sums; /* of chunks as they are at the end: store_keep_checksums */
};

struct store {
    char *path;
    char *sync;
    enum store_mode mode;
    const struct store_format *format;
    bool is_durable;
    bool is_alone;          /* nobody else writes: what was read is not read again */
    bool keeps_sums;        /* of chunks that are read at the end */
    bool is_resumable;      /* saved runs rely on what was written, too */
    bool is_logged;         /* rows that a chunk's log does not have were never written */
    int directory;          /* of `path`: for store_sync; -1 where it is only read */
    uint64_t device, inode; /* of that directory */
    void *arrays;           /* search.h tree of struct store_array by name */
    struct staged *staged;
    size_t n_staged, staged_capacity;
    char *fence, *mark; /* fence.c: files that forbid, and that allow, to write; or NULL */
    /* Of chunk.c, used again from chunk to chunk. */
    struct codec_space space;
    struct codec_space chunk; /* enum chunk_area */
    char *chunk_path;         /* room for any chunk file of this store, a few times */
    size_t chunk_path_size;
};

/* Takes the lock of <array>/<key>, or of <key> where `array` is NULL. */
int group_lock(struct store *s, const char *array, const char *key, int *ret_fd, struct error *e);

/* Metadata files, whole; `array` as above. 0 or -errno (get); the others with words. */
int group_get_text(struct store *s, const char *array, const char *key, struct buffer *ret);
int group_put_text(struct store *s, const char *array, const char *key, const char *text,
                   struct error *e);
int group_put_json(struct store *s, const char *array, const char *key, const json_t *value,
                   struct error *e);

/* As put_text, where another text stands there: bringing it to the disk takes long. */
int group_renew_text(struct store *s, const char *array, const char *key, const char *text,
                     struct error *e);
/* A metadata file's JSON object, a new reference. -ENOENT and -ENOTDIR without words; STORE_BROKEN
 * where it is none. */
int group_get_json(struct store *s, const char *array, const char *key, json_t **ret,
                   struct error *e);

/* STORE_BROKEN: a fault found in a file of the store. */
int group_fault(const char *array, const char *key, const struct error *why, struct error *e);

/* error_errno with the file's name. */
int group_explain(int r, const char *doing, const char *array, const char *key, struct error *e);

int group_check_writable(const struct store *s, struct error *e);

/* That the open directory is still at the store's path, and its locks are beside it: 0; -ENOENT
 * where they were moved away. */
int group_check_place(const struct store *s);

/* Asked where <array>/<key> was not found, and that matters: 0 where it is missing indeed; -ENOENT
 * where the store or the array is not at its place, or the file is there again. */
int group_check_missing(const struct store *s, const char *array, const char *key);

/* How a file is replaced that others rely on: invariant 5 of store.h. */
enum file_sync group_sync_of(const struct store *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A Zarr format 2 group in a directory (https://zarr.readthedocs.io/en/stable/spec/v2.html), as
 * xarray writes it: one level of arrays, `_ARRAY_DIMENSIONS`, consolidated metadata.
 *
 * Invariants
 *  1. A chunk or metadata file is whole or absent: temporary name in the same directory, rename.
 *     The temporary's name is a function of the file's (".NAME.partial"), and writers hold the
 *     file's lock, so that what a killed writer left is overwritten by who does its work again.
 *  2. Two writers of one file serialize on an open-file-description lock on
 *     <store>.sync/<array>/<key> (zarr-python's ProcessSynchronizer's place and kind of lock).
 * Locks die with their holder. Lock files are removed only by store_finish.
 *  3. Growth happens under the lock of <array>/.zarray, and takes the maximum of what stands there
 *     and what is asked; creation under that of the root's .zgroup.
 *  4. Equal content gives equal bytes: JSON is sorted and indented by 4, Blosc runs with one
 * thread.
 *
 * Threads: a store may be used by one thread at a time; open it once per thread. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/ndarray.h"
#include "store/result.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum store_compressor { STORE_RAW, STORE_BLOSC, STORE_ZLIB, STORE_ZSTD };

struct store_codec {
    enum store_compressor compressor;
    char cname[16]; /* blosc: lz4 lz4hc blosclz zlib zstd snappy */
    int clevel;
    int shuffle; /* blosc: 0 none, 1 byte, 2 bit, -1 auto (bit for 1-byte types, else byte) */
    int blocksize;
};

/* What .zarray and .zattrs hold. */
struct store_meta {
    int dtype;
    size_t itemsize;
    bool big_endian;
    bool fortran_order; /* of the elements within a chunk */
    int ndim;
    int64_t shape[SIMLAB_MAX_DIMS];
    int64_t chunks[SIMLAB_MAX_DIMS]; /* at least 1 each */
    struct store_codec codec;
    bool has_fill;          /* false: "fill_value": null, and missing chunks read as zeros */
    unsigned char fill[64]; /* itemsize bytes; longer strings have no fill */
    json_t *filters;        /* NULL, or an array of delta and fixedscaleoffset configurations */
};

/* The default codec (Blosc, lz4, level 5, shuffle), NaN-like fill by dtype_fill_value, chunks =
 * shape (1 where it is 0). */
void store_meta_default(struct store_meta *m, int dtype, size_t itemsize, int ndim,
                        const int64_t *shape);

/* Lays a job's encoding of one array over `m`: keys chunks, dtype, order, compressor (null, or
 * {"id": "blosc" | "zlib" | "zstd", …} as numcodecs writes them), fill_value, filters. Other keys
 * are refused. STORE_INVALID with a pointer relative to `encoding`. Without a job it checks: model/
 * cannot call it, so job submission goes through store_check_encoding in http/ and worker/. */
int store_meta_encode(struct store_meta *m, const json_t *encoding, struct error *e);
void store_meta_clear(struct store_meta *m);

/* Chunk shapes for an output, a function of these numbers only: about 1 MiB of uncompressed data in
 * a chunk. `shape` has the batch axis first where has_batch (its extent: the members), then the
 * clock's axis where has_clock. Batch members fill a chunk only if one member's data are smaller;
 * never more than 4096 members in a chunk row. */
void store_choose_chunks(size_t itemsize, int ndim, const int64_t *shape, bool has_batch,
                         bool has_clock, int64_t *ret_chunks);

struct store;

/* Opens the group at `path` (made where absent, with its parents, unless read_only; a directory
 * with other things in it is refused). The directory of locks is "<path>.sync", made when first
 * needed. */
int store_open(const char *path, bool read_only, struct store **ret_store, struct error *e);
struct store *store_close(struct store *s);
const char *store_path(const struct store *s);

/* Root attributes as they stand: a new reference, an empty object where there are none. */
int store_attributes(struct store *s, json_t **ret_attrs, struct error *e);
/* Root attributes: replaced whole. */
int store_set_attributes(struct store *s, const json_t *attrs, struct error *e);

/* Creates an array, or, where it stands already with the same metadata but for a smaller or larger
 * shape, opens it and grows it to at least this shape. `dims` become _ARRAY_DIMENSIONS in attrs.
 * Other metadata there: STORE_CONFLICT that names what differs; attributes there stay. A reader
 * through .zmetadata sees it after store_consolidate. */
int store_create_array(struct store *s, const char *name, const struct store_meta *m,
                       const char *const *dims, const json_t *attrs, struct error *e);

/* Removes an array with all that is in it; nobody else may be using it. Absent is 0. */
int store_remove_array(struct store *s, const char *name, struct error *e);

/* Metadata as they stand now; the caller clears them (store_meta_clear). *ret_dims (NULL: not
 * wanted) is an array of ndim strings, from _ARRAY_DIMENSIONS; *ret_attrs the attributes, new
 * references. STORE_NO_SUCH. */
int store_array(struct store *s, const char *name, struct store_meta *ret_meta, json_t **ret_dims,
                json_t **ret_attrs, struct error *e);

/* Grows to at least `shape`; smaller extents stay as they are. */
int store_grow(struct store *s, const char *name, const int64_t *shape, struct error *e);

/* Called under the chunk's lock, before the rename of a chunk that was not wholly given: a negative
 * errno refuses the write (a lease was lost), and is returned. NULL: none. */
typedef int (*store_fence_fn)(void *userdata);
void store_set_fence(struct store *s, store_fence_fn fn, void *userdata);

/* Writes the box [start, start+count) from `data`: native byte order, C order, of `dtype`, cast to
 * the array's dtype. Data beyond the array's shape are an error. Chunks wholly covered (up to the
 * array's edge) are encoded and replaced; others are read, changed and replaced, under their lock;
 * a chunk's parts outside the array hold the fill value. */
int store_write(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                int dtype, size_t itemsize, const void *data, struct error *e);

/* Reads the box into `ret_data` as the array's own dtype, native byte order, C order. */
int store_read(struct store *s, const char *name, const int64_t *start, const int64_t *count,
               void *ret_data, struct error *e);

/* Names of the arrays, sorted: a JSON array, a new reference. */
int store_arrays(struct store *s, json_t **ret_names, struct error *e);

/* Writes .zmetadata from what stands on disk, under the root's lock. */
int store_consolidate(struct store *s, struct error *e);

/* Brings all that was written to the disk (syncfs): after it, a range may be reported done. */
int store_sync(struct store *s, struct error *e);

/* Where an array has no fill value: writes zeros as the chunks that are missing, which zarr-python
 * would read as whatever its memory held. */
int store_fill_missing(struct store *s, const char *name, struct error *e);

/* The end of a job: removes what killed writers left (*.partial), consolidates, syncs the file
 * system, removes the directory of locks. */
int store_finish(struct store *s, struct error *e);

/* Every chunk that the shape of array `name` calls for is there and decodes; STORE_BROKEN names
 * the first that is not. */
int store_verify(struct store *s, const char *name, struct error *e);

#endif

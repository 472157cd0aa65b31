/* SPDX-License-Identifier: Apache-2.0 */
/* A Zarr group in a directory, as xarray writes it: one level of arrays, consolidated metadata, of
 * version 2 (https://zarr.readthedocs.io/en/stable/spec/v2.html; `_ARRAY_DIMENSIONS`), of version 3
 * (https://zarr-specs.readthedocs.io/en/latest/v3/core/; `dimension_names`), or of both over the
 * same chunks (store/format.h).
 *
 * Invariants
 *  1. A chunk or metadata file is whole or absent: temporary name in the same directory, rename.
 *     The temporary's name is a function of the file's (".NAME.partial"), and writers hold the
 *     file's lock, so that what a killed writer left is overwritten by who does its work again.
 *  2. Two writers of one file serialize on an open-file-description lock on
 *     <store>.sync/<array>/<key> (zarr-python's ProcessSynchronizer's place and kind of lock).
 *     Locks die with their holder. Lock files are never removed while anybody writes.
 *  3. Growth happens under the lock of <array>/.zarray, and takes the maximum of what stands there
 *     and what is asked; creation under that of the root's .zgroup. Locks have these names in every
 *     format.
 *  4. Equal content gives equal bytes: JSON is sorted and indented by 4, Blosc runs with one
 *     thread.
 *  5. What others rely on (a store that is joined: metadata, chunks of members that are done) is
 *     replaced only by a file whose data are on the disk: a power cut leaves the old or the new
 *     one. What nobody relies on yet is written faster, and made anew where it is found broken.
 *  6. One descriptor, opened before the first write, tells whether everything reached the disk
 *     (store_sync): a failed write-back is told once to each descriptor that was open by then.
 *
 * Threads: a store may be used by one thread at a time; open it once per thread. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buffer.h"
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

/* What is said of an array but its attributes. */
struct store_meta {
    int dtype;
    size_t itemsize;
    bool big_endian;
    bool fortran_order; /* of the elements within a chunk */
    int ndim;
    int64_t shape[SIMLAB_MAX_DIMS];
    int64_t chunks[SIMLAB_MAX_DIMS]; /* at least 1 each */
    struct store_codec codec;
    /* false: "fill_value": null (version 3: 0, and no _FillValue), and missing chunks read as zeros
     */
    bool has_fill;
    unsigned char fill[64]; /* itemsize bytes; longer strings have no fill */
    json_t *filters;        /* NULL, or an array of delta and fixedscaleoffset configurations */
    /* Not in .zarray: NaN would be encoded as a plausible number, so that whoever writes values is
     * to write the fill value in its place. */
    bool nan_is_fill;
};

/* The default codec (Blosc, lz4, level 5, shuffle), NaN-like fill by dtype_fill_value, chunks =
 * shape (1 where it is 0). */
void store_meta_default(struct store_meta *m, int dtype, size_t itemsize, int ndim,
                        const int64_t *shape);

/* Lays a job's encoding of one array over `m`: keys chunks, dtype, order, compressor (null, or
 * {"id": "blosc" | "zlib" | "zstd", …} as numcodecs writes them), fill_value, filters. Other keys
 * are refused. STORE_INVALID with a pointer relative to `encoding`. */
int store_meta_encode(struct store_meta *m, const json_t *encoding, struct error *e);
void store_meta_clear(struct store_meta *m);
/* The same for an array of ndim dimensions that is still to come, in a store of this format:
 * whether it can be encoded so, and what is missing still reads as missing (store/missing.h). For
 * job_check_encodings. */
int store_check_encoding(const char *format, const json_t *encoding, int dtype, size_t itemsize,
                         int ndim, struct error *e);

/* Which versions of Zarr a store's metadata are written in: "2", "3", or "both", over the same
 * chunks. NULL where there is no such format. */
struct store_format;
#define STORE_FORMAT_DEFAULT "2"
const struct store_format *store_format(const char *name);
/* Whether an array can be said in this format: STORE_INVALID, with a pointer into its encoding and
 * what would be right. */
int store_format_check(const struct store_format *f, const struct store_meta *m, struct error *e);

/* Chunk shapes for an output, a function of these numbers only: about 1 MiB of uncompressed data in
 * a chunk; of a great batch up to 8 MiB, so that there are not thousands of files. `shape` has the
 * batch axis first where has_batch (its extent: the members), then the clock's axis where
 * has_clock. Batch members fill a chunk only if one member's data are smaller; more than 4096
 * members in a chunk row only where there are 64 such rows or more. */
void store_choose_chunks(size_t itemsize, int ndim, const int64_t *shape, bool has_batch,
                         bool has_clock, int64_t *ret_chunks);

struct store;

enum store_mode {
    STORE_READ, /* what stands there; nothing is written */
    STORE_JOIN, /* what stands there, with its directory of locks; others may be writing too */
    /* Nothing of it is committed and nobody else is writing: it is made where absent, and what
     * stands there is overwritten by what is created. */
    STORE_ANEW
};

/* Opens the group at `path`; "<path>.sync" is the directory of its locks, made with it. Neither is
 * reached through a symbolic link. STORE_NO_SUCH where there is none to read or to join;
 * STORE_CONFLICT where something else stands there (ANEW: a directory that holds other things and
 * bears no mark of store/claim.h). The format is the one that stands there; of a new one version 2.
 */
int store_open(const char *path, enum store_mode mode, struct store **ret_store, struct error *e);
/* The same, of this format (NULL: as above). */
int store_open_format(const char *path, enum store_mode mode, const struct store_format *format,
                      struct store **ret_store, struct error *e);
struct store *store_close(struct store *s);
const char *store_path(const struct store *s);

/* Where a power cut need not be survived (a run without a daemon): nothing waits for the disk. */
void store_set_durable(struct store *s, bool durable);

/* From now on runs are saved that rely on what was written, or staged, so far: it is replaced as in
 * a store that is joined. */
void store_set_resumable(struct store *s);

/* From now on others rely on what was written: ANEW becomes JOIN. After a store_sync. */
void store_join(struct store *s);

/* From now on nobody else writes (the end of a job): metadata that were read once are not read
 * again. Before an array of it is used. */
void store_be_alone(struct store *s);

/* Root attributes as they stand: a new reference, an empty object where there are none. */
int store_attributes(struct store *s, json_t **ret_attrs, struct error *e);
/* Root attributes: replaced whole. */
int store_set_attributes(struct store *s, const json_t *attrs, struct error *e);
/* What they tell of where the data come from: one JSON text, which xarray's to_netcdf and merge
 * keep, and GDAL shows (an object in stores of earlier releases). A new reference; NULL where they
 * tell nothing. */
#define STORE_PROVENANCE "simlabd"
json_t *store_provenance(const json_t *attrs);

/* Creates an array; `dims` become _ARRAY_DIMENSIONS in attrs. A reader
 * through consolidated metadata sees it after store_consolidate.
 * ANEW: in place of what stands there. JOIN: where it stands already with the same metadata but for
 * a smaller or larger shape, it is opened and grown to at least this shape; attributes there stay.
 * Other metadata there: STORE_CONFLICT that names what differs. STORE_NO_SUCH where it was made
 * once (its lock tells) and has vanished. */
int store_create_array(struct store *s, const char *name, const struct store_meta *m,
                       const char *const *dims, const json_t *attrs, struct error *e);

/* Removes an array with all that is in it, and its locks; nobody else may be using it. Absent is 0.
 */
int store_remove_array(struct store *s, const char *name, struct error *e);

/* Metadata as they stand now; the caller clears them (store_meta_clear). *ret_dims (NULL: not
 * wanted) is an array of ndim strings, from _ARRAY_DIMENSIONS; *ret_attrs the attributes, new
 * references. STORE_NO_SUCH. */
int store_array(struct store *s, const char *name, struct store_meta *ret_meta, json_t **ret_dims,
                json_t **ret_attrs, struct error *e);

/* Grows to at least `shape`; smaller extents stay as they are. */
int store_grow(struct store *s, const char *name, const int64_t *shape, struct error *e);

/* What is written from now on is written under this lease (0: none), and only while the owner's
 * mark is there: else the rename is refused, under the chunk's lock (store/fence.h). -1, as at
 * first: nothing is looked for. */
void store_set_fence(struct store *s, int64_t number);

/* Writes the box [start, start+count) from `data`: of the array's dtype, native byte order, C
 * order. Data beyond the array's shape are an error. Chunks wholly covered are encoded and
 * replaced; others are read, changed and replaced, under their lock; a chunk's parts outside the
 * array hold the fill value. STORE_BROKEN where a chunk of which a part is given cannot be decoded,
 * in a store that was opened ANEW; in one that is joined it belongs to nobody who is done, and is
 * made anew. */
int store_write(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                const void *data, struct error *e);

/* The same for an array whose first axis is members (rows), and several writers fill its chunks,
 * each its rows: a chunk that is missing or broken is made anew, and what others had written there
 * is noted as lost (store/chunk_log.h; store_end_array tells, unless they write it again).
 * `is_alone`: no row but those of the box is done in the chunks that it touches. */
int store_write_rows(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                     const void *data, bool is_alone, struct error *e);

/* What a member saves before it has ended, where it cannot be held: as store_write, but beside the
 * chunks' places, where nobody reads it, and also beyond the array's shape. A box is of one row, or
 * the array has no axis of rows (`has_rows`). Then either publish, once the array has grown, as
 * store_write_rows would have written it; or discard. What a killed worker staged is never used,
 * and is removed by store_finish. */
int store_stage(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                const void *data, bool has_rows, struct error *e);
int store_publish_staged(struct store *s, const char *name, bool is_alone, struct error *e);
void store_discard_staged(struct store *s);

/* For a run that is saved and goes on in another process: what it has staged, as text. There, once
 * its arrays were joined, it is staged again: STORE_NO_SUCH where a file of it has gone,
 * STORE_INVALID where the text is none. `leave` forgets it, and lets the files be. */
void store_staged_text(const struct store *s, struct buffer *ret);
int store_take_staged(struct store *s, const char *text, struct error *e);
void store_leave_staged(struct store *s);

/* Reads the box into `ret_data` as the array's own dtype, native byte order, C order. */
int store_read(struct store *s, const char *name, const int64_t *start, const int64_t *count,
               void *ret_data, struct error *e);

/* Whether each chunk that the box touches has a file, be that damaged or not. */
int store_has_box(struct store *s, const char *name, const int64_t *start, const int64_t *count,
                  bool *ret_has, struct error *e);

/* Names of the arrays, sorted: a JSON array, a new reference. */
int store_arrays(struct store *s, json_t **ret_names, struct error *e);

/* Writes consolidated metadata from what stands on disk, under the root's lock. */
int store_consolidate(struct store *s, struct error *e);

/* How far readers through consolidated metadata see the arrays along a dimension: the least of
 * their extents; -1 where none has it. And: from now on they see `extent` at least, in all arrays
 * at once. These have grown, and what stands there is on the disk. */
int store_seen_extent(struct store *s, const char *dim, int64_t *ret_extent, struct error *e);
int store_show_extent(struct store *s, const char *dim, int64_t extent, struct error *e);

/* Brings all that was written to the disk (syncfs): after it, a range may be reported done. Where
 * it fails, nothing that was written since the last success may be reported: the system may have
 * dropped it, so it is to be written again. -ENOENT where the store, or the directory of its locks,
 * is no longer at its path. */
int store_sync(struct store *s, struct error *e);

/* What is known of an array when its job ends. */
struct store_end {
    bool has_rows;            /* the first axis is members … */
    const int64_t (*dead)[2]; /* … of which these are dead: [begin, end), ascending */
    size_t n_dead;
    const int64_t (*kept)[2]; /* … and these were done before there was a log of them */
    size_t n_kept;
    /* What was damaged was computed again: chunks of which no row was kept (without rows: all), and
     * that nobody has locked since, are none of the rows' any more, and are removed. */
    bool drops_unwritten;
    /* Extents in which each chunk was written, but where all of its rows are dead; NULL: only those
     * chunks were written that were ever locked, or are there. */
    const int64_t *full;
    /* After each chunk that was looked at; other than 0 ends it, and is returned. NULL: none. */
    int (*look)(void *userdata);
    void *userdata;
};

/* Verifies an array: what was written is there and decodes, and nothing of it was lost;
 * STORE_BROKEN names the first chunk of which that is not so. And makes it so that nothing is left
 * of dead rows, nor of what a power cut left where nobody has written: no chunks that are theirs
 * alone (where there is no fill value, chunks of zeros), and the fill value in chunks with others
 * and beyond the array. Nobody else may be writing. */
int store_end_array(struct store *s, const char *name, const struct store_end *how,
                    struct error *e);
/* From now on it keeps the checksums of what it reads, for checksums_write (store/checksums.h),
 * which else reads all again. */
void store_keep_checksums(struct store *s);

/* Where an array has no fill value: writes zeros as the chunks that are missing, which zarr-python
 * would read as whatever its memory held. */
int store_fill_missing(struct store *s, const char *name, struct error *e);

/* The end of a job: removes what killed writers left (*.partial, *.staged), and consolidates; then
 * syncs the file system (finish). May be done again. */
int store_tidy(struct store *s, struct error *e);
int store_finish(struct store *s, struct error *e);

/* Every chunk that the shape of array `name` calls for is there and decodes; STORE_BROKEN names
 * the first that is not. */
int store_verify(struct store *s, const char *name, struct error *e);

#endif

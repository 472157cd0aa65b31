/* SPDX-License-Identifier: Apache-2.0 */
/* How a store's metadata are written: version 2 of Zarr, version 3, or both over the same chunks.
 * Nobody else knows which files they are. Chunks are the same files in all formats (version 3 names
 * them by its key encoding "v2"), and so are locks: those of ".zgroup", ".zattrs" and ".zarray",
 * whatever is written under them. Internal.
 *
 * Invariants
 *  1. What the first version of a format says holds. The others are written before it, under the
 *     same lock: where a writer was killed in between, they are ahead of it, and the job's end
 *     brings them together (format_settle_array).
 *  2. A store's metadata mean the same whichever version is read. What a version cannot say is
 *     refused (store_format_check). */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include "store/group.h"

/* One version's files. Attributes are as version 2 has them: with _ARRAY_DIMENSIONS. Where `array`
 * is NULL, the root is meant. Errors are those of store.h: a file that is not there is
 * STORE_NO_SUCH, one that is none is STORE_BROKEN. */
struct zarr_version {
    const char *group_file, *array_file, *consolidated_file;
    /* STORE_INVALID with a pointer into the metadata, and what would be right. */
    int (*check)(const struct store_meta *m, struct error *e);
    int (*check_group)(struct store *s, struct error *e);
    int (*make_group)(struct store *s, struct error *e);
    /* A new reference; an empty object where there are none. */
    int (*read_attributes)(struct store *s, const char *array, json_t **ret, struct error *e);
    int (*write_attributes)(struct store *s, const char *array, const json_t *attrs,
                            struct error *e);
    int (*read_array)(struct store *s, const char *name, struct store_meta *ret, struct error *e);
    /* The attributes first. attrs NULL: those that stand there stay. */
    int (*write_array)(struct store *s, const char *name, const struct store_meta *m,
                       const json_t *attrs, struct error *e);
    /* What may be damaged unseen of an array is removed, for who joins it to write again; all of it
     * where it is damaged. `directory`: the array's. */
    int (*forget)(struct store *s, const char *name, int directory, struct error *e);
    /* Of these arrays, under the root's lock. */
    int (*consolidate)(struct store *s, const json_t *names, struct error *e);
    /* Calls fn for each array in the consolidated metadata. */
    void (*each_consolidated)(json_t *document,
                              void (*fn)(void *userdata, json_t *shape, const json_t *dims),
                              void *userdata);
};

extern const struct zarr_version zarr2, zarr3;

enum { FORMAT_VERSIONS = 2 };

struct store_format {
    const char *name;
    const struct zarr_version *versions[FORMAT_VERSIONS]; /* the rest NULL */
};

/* By the files that stand in the root; NULL where there are none. */
const struct store_format *format_found(const struct store *s);
/* By those that stand in the root, or in one of its directories. */
const struct store_format *format_traced(const struct store *s);

int format_check_group(struct store *s, struct error *e);
int format_make_group(struct store *s, struct error *e);
int format_read_attributes(struct store *s, const char *array, json_t **ret, struct error *e);
int format_write_attributes(struct store *s, const char *array, const json_t *attrs,
                            struct error *e);
int format_read_array(struct store *s, const char *name, struct store_meta *ret, struct error *e);
int format_write_array(struct store *s, const char *name, const struct store_meta *m,
                       const json_t *attrs, struct error *e);
/* The other versions say of the array what the first one says. Nobody else writes. */
int format_settle_array(struct store *s, const char *name, struct error *e);
int format_consolidate(struct store *s, const json_t *names, struct error *e);
const char *format_array_file(const struct store *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The files NAME.so that lie in the daemon's directories of libraries, and what is known of each:
 * how it looked last, which content of it is on offer, and why its newest is not. Directories are
 * plain, and after these by number those of pushed modules (library/pushed.h), where each library
 * lies in a directory of its own name: NAME/NAME.so.
 *
 * Invariants
 *  1. What is on offer from a file is its newest content that was good; a bad one changes nothing
 *     but the reason.
 *  2. A file is taken (copied and described) when it looks settled: somebody has closed it after
 *     writing, or it looked the same twice, ORIGINALS_SETTLE_MS apart. So a file that is being
 *     written is not judged, or is judged again.
 *  3. Of the files of one name that of the first directory serves which has something on offer.
 *
 * Times are loop_now's. Nothing here reads a file, but originals_look, which any thread may
 * call. */
#ifndef LIBRARY_ORIGINALS_H
#define LIBRARY_ORIGINALS_H

#include "base/errors.h"
#include "base/hash.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ORIGINALS_SETTLE_MS = 1000,
    ORIGINALS_MAX = 1000, /* files */
};

/* ---- a look at the directories ---- */

struct seen {
    int directory;
    char *path;
    char signature[HASH_TEXT_SIZE];
};
struct look {
    struct seen *seen; /* by directory, then by name */
    size_t n;
    int *errors; /* of each directory: 0, or the errno by which it could not be read */
    int n_directories;
};

/* Objects that another library lists as its own are none of these. `pushed`: those of pushed
 * modules; both end with NULL, and `pushed` may be NULL. */
void originals_look(const char *const *directories, const char *const *pushed, struct look *ret);
void look_clear(struct look *l);

/* ---- what is known ---- */

struct original {
    int directory;
    char *name, *path;
    char seen[HASH_TEXT_SIZE];  /* signature as of the last look … */
    int64_t seen_since;         /* … and since when it has been so */
    bool is_settled;            /* as of the last look, somebody says that it is whole */
    int64_t missing_since;      /* 0: it is there */
    bool is_taking;             /* its result will come */
    char taken[HASH_TEXT_SIZE]; /* signature of what was taken last */
    char hash[HASH_TEXT_SIZE];  /* of what is on offer; "": nothing */
    json_t *document;           /* of that */
    char *reason;               /* why what was taken last is not on offer; NULL: it is */
    int failures;               /* of taking the same, in a row */
    int64_t retry_at;
};

struct originals {
    struct original *list; /* in the order of looks */
    size_t n;
    /* Number of the first directory of pushed modules, and the environment of Python that each of
     * those is for, NULL at the end (borrowed); NULL: there are none. */
    int n_plain;
    const char *const *environments;
};
void originals_clear(struct originals *o);

/* One that a former daemon had on offer; it is not seen yet. Takes a new reference. */
void originals_remember(struct originals *o, int directory, const char *path, const char *hash,
                        json_t *document);

/* Merges a look. Those that are gone for a while (or were never seen) go; `are_settled`: all are to
 * be taken as they are. True where something on offer went. */
bool originals_merge(struct originals *o, const struct look *l, bool are_settled, int64_t now);
/* After a look: somebody had closed this file after writing it, or moved it there whole. */
void originals_settled(struct originals *o, int directory, const char *file);
/* All are to be tried again. */
void originals_retry(struct originals *o);

/* After a look: the next one to be taken now, marked as being taken; NULL: none. */
struct original *originals_next(struct originals *o, int64_t now);
/* When another look is due, and then originals_next; INT64_MAX: not by itself. */
int64_t originals_due(const struct originals *o);
/* One that was taken beside all looks, as original_taken is to be told; it is made where absent.
 * Pointers to others are void after it. */
struct original *originals_put(struct originals *o, int directory, const char *path,
                               const char *signature, int64_t now);
/* One that was removed beside all looks; nothing where it has gone meanwhile. Pointers to others
 * are void after it. */
void originals_remove(struct originals *o, const char *path);
/* By path; NULL where it has gone meanwhile. */
struct original *originals_find(struct originals *o, const char *path);
/* How it went: a hash and a document (a new reference is taken), or a reason; `changes`: it was
 * being written, which says nothing. True where what is on offer, or the reason, is another. */
bool original_taken(struct original *o, const char *signature, const char *hash, json_t *document,
                    const char *reason, bool changes, int64_t now);

/* Whether it is one of pushed modules. */
bool original_is_pushed(const struct originals *o, const struct original *original);
/* The one of its name that serves, it or another; NULL: none. Those of pushed modules of different
 * directories have nothing to do with each other. */
const struct original *original_server(const struct originals *o, const struct original *original);

#endif

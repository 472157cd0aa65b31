/* SPDX-License-Identifier: Apache-2.0 */
/* Large answers: counted, and shared by those who ask for the same. A client that does not read
 * holds no copy of its own; what all hold together is bounded.
 *
 * Invariants
 *  1. An answer lives while somebody reads it; one that has a key also after, until its room is
 *     needed, or its key is not valid any more.
 *  2. Texts in memory have at most `budget` bytes together, files at most ANSWERS_FILES
 *     descriptors. */
#ifndef HTTP_ANSWERS_H
#define HTTP_ANSWERS_H

#include <stddef.h>

struct MHD_Response;

/* Smaller ones are not counted: there are no more than connections. */
enum { ANSWERS_LARGE = 16 * 1024, ANSWERS_FILES = 16 };

struct answer {
    char *key; /* or NULL */
    struct MHD_Response *response;
    size_t bytes; /* in memory; 0: a file */
    unsigned readers;
    struct answer *previous, *next;
};

/* Zeroed, with a budget. */
struct answers {
    struct answer *list; /* the newest first */
    size_t budget, bytes;
    unsigned n_files;
};

/* One more reader of the answer with the key; NULL where there is none. */
struct answer *answers_find(struct answers *a, const char *key);
/* A new one, of one reader: takes `text` (malloc'd, n bytes), or `fd` (a file of n bytes). `key`
 * (NULL: nobody else may have it) is new. NULL where there is no room: then nothing was taken. */
struct answer *answers_add_text(struct answers *a, const char *key, char *text, size_t n,
                                const char *type);
struct answer *answers_add_file(struct answers *a, const char *key, int fd, size_t n,
                                const char *type);
/* A reader less. */
void answers_release(struct answers *a, struct answer *answer);
/* Keys are not valid any more. */
void answers_forget(struct answers *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A library is known by its content, which a hash names: that of NAME.so, of NAME.configuration
 * where it is beside it (simlab/process.h: simlab_opening), and of what NAME.files lists, one
 * relative name a line: data files, and shared objects of its own, which it finds by $ORIGIN. Blank
 * lines count for nothing.
 *
 * The hash (said here only) is SHA-256, in hexadecimal:
 *   where there is NAME.so only, or NAME.files lists nothing, of NAME.so;
 *   else of the text "H\n" with H that of NAME.so, and then, for each other file in the order of
 *   their names' bytes, "H  NAME\n": what `sha256sum` prints of them.
 *
 * All functions may be called by any thread; they read whole files. */
#ifndef LIBRARY_CONTENT_H
#define LIBRARY_CONTENT_H

#include "base/errors.h"
#include "base/hash.h"
#include "library/result.h"

#include <stdbool.h>

/* "ver" of "/lib/ver.so"; the caller frees. */
char *content_name(const char *path);
/* Whether a list may have it: parts that file_name_ok takes, eight at most. */
bool content_name_ok(const char *name);

/* Of the library at `path`. LIBRARY_REFUSED where it, its list or what is listed is no plain file,
 * or the list is none; -errno where it cannot be read; with words. */
int content_hash(const char *path, char ret_hash[HASH_TEXT_SIZE], struct error *e);

/* The same as if the file `library` lay at `path`, beside that NAME.configuration. */
int content_hash_as(const char *library, const char *path, char ret_hash[HASH_TEXT_SIZE],
                    struct error *e);

/* The same for one that is copied into `directory`, which is there and empty: NAME.so, NAME.files,
 * and what that lists. The copies are on the disk, read-only. LIBRARY_CHANGES where the original is
 * not what was copied, once that is done. */
int content_copy(const char *path, const char *directory, char ret_hash[HASH_TEXT_SIZE],
                 struct error *e);

/* The text of NAME.configuration, NULL where there is none; the caller frees. LIBRARY_REFUSED where
 * it is no text, or longer than 1 MiB; -errno; with words. */
int content_configuration(const char *path, char **ret_text, struct error *e);

/* What stat() tells of all that counts, as a text: another one where any of it was written. -ENOENT
 * where there is no library. */
int content_signature(const char *path, char ret_signature[HASH_TEXT_SIZE]);

/* Calls fn with NAME.configuration, if there is one, and each name that NAME.files lists. */
void content_each_listed(const char *path, void (*fn)(void *userdata, const char *name),
                         void *userdata);

/* Every copy has its place: ROOT/HASH/NAME.so, and NAME.json (library/document.h) beside it. The
 * caller frees. */
char *content_place(const char *root, const char *hash);
char *content_file(const char *root, const char *hash, const char *name, const char *suffix);
/* 64 hexadecimal digits. */
bool content_is_hash(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents: files that users write, and members that may be absent. */
#ifndef CLIENT_DOCUMENT_H
#define CLIENT_DOCUMENT_H

#include <jansson.h>

/* Reads an object from a file, or from standard input where `path` is "-". 0, or an exit code after
 * a complaint that names file, line and column. */
int document_read(const char *path, json_t **ret_document);
/* Compact text of it. The caller frees. */
char *document_text(const json_t *document);
/* Sets a member to a text of the command line. 0, or an exit code after a complaint that names
 * `option` where that is no UTF-8, which JSON cannot say. */
int document_set_text(json_t *object, const char *key, const char *text, const char *option);
/* Writes it indented to `path`, or to standard output where that is NULL or "-". Exit code. */
int document_write(const char *path, const json_t *document);

/* `otherwise` where there is no such member, or it is of another type. Borrowed. */
const char *document_string(const json_t *object, const char *key, const char *otherwise);
json_int_t document_integer(const json_t *object, const char *key, json_int_t otherwise);

/* A value as people write it: 0.1, not 0.10000000000000001; texts without quotes. New string. */
char *document_value_words(const json_t *value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of texts and files, and unguessable tokens (libsodium). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>

#define HASH_TEXT_SIZE 65 /* 64 hexadecimal digits and NUL */

void hash_bytes(const void *data, size_t size, char ret[HASH_TEXT_SIZE]);
/* The same of bytes that come in pieces. */
struct hash *hash_new(void);
void hash_add(struct hash *h, const void *data, size_t size);
void hash_end(struct hash *h, char ret[HASH_TEXT_SIZE]); /* nothing may be added after it */
struct hash *hash_free(struct hash *h);
/* 0 or -errno. */
int hash_file(const char *path, char ret[HASH_TEXT_SIZE]);
/* 256 random bits as text. */
void hash_token(char ret[HASH_TEXT_SIZE]);
/* Compares texts in time that depends on their lengths only. */
bool hash_equal(const char *a, const char *b);

#endif

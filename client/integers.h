/* SPDX-License-Identifier: Apache-2.0 */
/* JSON with integers beyond 2^63-1, which jansson refuses and the daemon takes. Up to 2^64-1 they
 * are kept as texts that begin with U+10FFFF, a character that no text has, and written as numbers
 * again; larger ones, and smaller than -2^63, are read as real numbers, as the daemon does. */
#ifndef CLIENT_INTEGERS_H
#define CLIENT_INTEGERS_H

#include <jansson.h>

/* As json_loadb and json_dumps. */
json_t *integers_read(const char *text, size_t n, size_t flags, json_error_t *ret_error);
char *integers_write(const json_t *value, size_t flags);

/* The digits of one that is kept so, or NULL. Borrowed. */
const char *integers_digits(const json_t *value);

#endif

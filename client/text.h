/* SPDX-License-Identifier: Apache-2.0 */
/* Small texts, and all that is printed: what leaves the client for people's eyes or a terminal
 * passes here and is escaped (escape.h), whoever said it; tests/scenario/client_answers.py checks
 * that no other file prints. Running out of memory ends the program, since the client holds nothing
 * that would be lost. */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* `p`; the program ends, with a word, where that is NULL. */
void *text_need(void *p);

/* New strings; the caller frees. */
char *text_copy(const char *s); /* NULL gives NULL */
__attribute__((format(printf, 1, 2))) char *text_printf(const char *format, ...);
/* One part of a URL's path or query, percent-encoded. */
char *text_url(const char *part);

/* Writes `s`, escaped. */
void text_put(FILE *out, const char *s);
/* The same, padded to `width` columns (a character counts as one). */
void text_put_padded(FILE *out, const char *s, int width);
int text_width(const char *s); /* as it is written */
/* Writes it, escaped, and a line end. */
__attribute__((format(printf, 2, 3))) void text_line(FILE *out, const char *format, ...);
/* Writes a JSON text: escapes that JSON has, so that it means the same; and a line end where it has
 * none. */
void text_put_json(FILE *out, const char *json, size_t n);

/* "simlab: …" and a line end on standard error. */
__attribute__((format(printf, 1, 2))) void text_complain(const char *format, ...);

#endif

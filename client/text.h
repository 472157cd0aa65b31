/* SPDX-License-Identifier: Apache-2.0 */
/* Small texts and messages. Running out of memory ends the program: the client holds nothing that
 * would be lost. */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* New strings; the caller frees. */
char *text_copy(const char *s); /* NULL gives NULL */
__attribute__((format(printf, 1, 2))) char *text_printf(const char *format, ...);
/* One part of a URL's path or query, percent-encoded. */
char *text_url(const char *part);

/* Writes `s` with control characters as '?': what comes from elsewhere must not drive a terminal.
 * Tabs and line ends become spaces. */
void text_put(FILE *out, const char *s);
/* The same, padded to `width` columns (UTF-8 characters are counted as one). */
void text_put_padded(FILE *out, const char *s, int width);
int text_width(const char *s);

/* "simlab: …" and a line end on standard error. */
__attribute__((format(printf, 1, 2))) void text_complain(const char *format, ...);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from a server or a file must not drive a terminal, nor look like what it is not. Every
 * text that leaves the client passes here (text_put and its like see to it): controls (C0, DEL,
 * C1), line separators, marks that change the direction of writing or cannot be seen, noncharacters
 * and bytes that are no UTF-8 are written as escapes. All else, also other scripts, stays. */
#ifndef CLIENT_ESCAPE_H
#define CLIENT_ESCAPE_H

#include <stddef.h>

enum escape_style {
    ESCAPE_SHOWN,  /* \n, \x1b, \u202e, \U000e0041: it stays one line */
    ESCAPE_PYTHON, /* the same within a Python literal: quotes and backslashes too */
    ESCAPE_JSON    /* \u001b, \u202e, \udb40\udc41 in a JSON text, whose line ends and tabs stay */
};

/* `n` bytes, which may hold NUL, as printable UTF-8. New string. */
char *escape_bytes(const char *bytes, size_t n, enum escape_style style);
char *escape_text(const char *s, enum escape_style style);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, before people see it. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Writes `n` bytes of text as one printable line of UTF-8: what a terminal or a reader would obey
 * is shown, not done. Rules (the client's escape.h has the same, and shows what is unseen too):
 *  - tab, line feed and carriage return become \t, \n, \r; other bytes below 0x20, and 0x7f, \xHH;
 *  - bytes that are not UTF-8 become \xHH;
 *  - U+0080…9F (C1), U+2028, U+2029 (line and paragraph separators), U+061C, U+200E, U+200F,
 *    U+202A…2E and U+2066…69 (direction of writing) become \uHHHH;
 *  - all else stays, backslashes too: it is to be read, not read back.
 * Writes at most `size` - 1 bytes and a NUL (size > 3); what does not fit ends in "…", and no
 * character or escape is cut. Returns the bytes written. */
size_t text_printable(const char *text, size_t n, char *ret, size_t size);

/* The first character of JSON text, or of any that is UTF-8, that a terminal or a reader would obey
 * (those of text_printable that become \uHHHH, and 0x7f), its number and its bytes: n where there
 * is none. */
size_t text_find_obeyed(const char *text, size_t n, unsigned *ret_code, size_t *ret_length);

/* At most `limit` bytes of a text as valid UTF-8, no character cut; bytes that are not UTF-8 become
 * '?'. NULL gives "". A new string: for what is stored, and shown by others. */
char *text_valid(const char *text, size_t limit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, before people see it. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* The length of the character at `text`, of `n` > 0 bytes; 0 where that is not UTF-8. */
size_t text_decode(const char *text, size_t n, uint32_t *ret_code);
/* A character beyond ASCII that text_printable shows as \uHHHH. */
bool text_is_obeyed(uint32_t code);

/* At most `limit` bytes of a text as valid UTF-8, no character cut; bytes that are not UTF-8 become
 * '?'. NULL gives "". A new string: for what is stored, and shown by others. */
char *text_valid(const char *text, size_t limit);

#endif

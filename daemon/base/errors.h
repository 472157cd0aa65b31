/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller or a user is told when something is wrong.
 *
 * Results are of three kinds:
 *   0         ok.
 *   negative  an errno: the machine failed us. It goes up untouched, and never means "no".
 *   positive  what a module found, by an enum in its public header (enum queue_result …). Its
 * caller handles it: nobody returns another module's value as its own. For both of the latter a
 * struct error may have words, for whoever tells a user. */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <stdarg.h>

/* What base's own readers of foreign data (JSON, .npy, elements) find. */
enum base_result {
    BASE_INVALID = 1,
    BASE_TOO_LARGE /* more than the caller takes */
};

struct error {
    char pointer[512];  /* RFC 6901, to the fault in the document given; "" is the whole */
    char message[1024]; /* names process, variable, value, and what would be right */
};

/* Fills `e` (NULL is allowed) and returns `result`. `pointer` may be NULL. Whatever the arguments
 * hold, both texts are UTF-8 with no character cut, and the message is one printable line
 * (base/text.h). */
__attribute__((format(printf, 4, 5))) int error_set(struct error *e, int result,
                                                    const char *pointer, const char *format, ...);

/* The same for a va_list. */
__attribute__((format(printf, 4, 0))) int
error_vset(struct error *e, int result, const char *pointer, const char *format, va_list arguments);

/* No words any more: where a finding was handled, before the same `e` is used again. */
void error_clear(struct error *e);

/* Where a call failed that gives no words: "cannot <doing>: <strerror>" for r < 0, whatever `e`
 * said before; nothing for others. Returns r. */
int error_errno(struct error *e, int r, const char *doing);

/* Where words may have been given below: as error_errno, but only where `e` has none. */
int error_explain(struct error *e, int r, const char *doing);

/* Puts `prefix` before the pointer, where a document was part of a larger one. */
void error_prefix_pointer(struct error *e, const char *prefix);

/* Escapes one reference token of a JSON pointer ('~' and '/') into `ret` of `size` bytes. */
void error_pointer_token(const char *token, char *ret, unsigned size);

#endif

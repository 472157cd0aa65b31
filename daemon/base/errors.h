/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller or a user is told when something is wrong.
 *
 * Results are of three kinds: 0 is ok; a negative errno goes up untouched (the machine failed us);
 * a positive value is an enum error_kind, and then a struct error says what is wrong in words. */
#ifndef BASE_ERRORS_H
#define BASE_ERRORS_H

#include <stdarg.h>

enum error_kind {
    ERROR_INVALID = 1, /* the input is at fault: HTTP 422, exit 2 */
    ERROR_SYNTAX,      /* the input cannot be read at all: HTTP 400, exit 2 */
    ERROR_NOT_FOUND,   /* HTTP 404 */
    ERROR_CONFLICT,    /* HTTP 409 */
    ERROR_TOO_LARGE,   /* HTTP 413 */
    ERROR_FAILED,      /* the simulation or its user code failed: exit 1 */
    ERROR_STORAGE,     /* the store or the disk failed: exit 1 */
    ERROR_BUSY         /* try again later: HTTP 503 */
};

struct error {
    enum error_kind kind;
    char pointer[512];  /* RFC 6901, to the fault in the document given; "" is the whole */
    char message[1024]; /* names process, variable, value, and what would be right */
};

/* Fills `e` (NULL is allowed) and returns `kind`. `pointer` may be NULL. Texts too long are cut. */
__attribute__((format(printf, 4, 5))) int error_set(struct error *e, enum error_kind kind,
                                                    const char *pointer, const char *format, ...);

/* The same for a va_list. */
__attribute__((format(printf, 4, 0))) int error_vset(struct error *e, enum error_kind kind,
                                                     const char *pointer, const char *format,
                                                     va_list arguments);

/* Puts `prefix` before the pointer, where a document was part of a larger one. */
void error_prefix_pointer(struct error *e, const char *prefix);

/* For a result `r` of any kind: ensures that `e` has words, taking them from errno where r < 0.
 * `doing` completes "cannot …". Returns r. */
int error_explain(struct error *e, int r, const char *doing);

/* Escapes one reference token of a JSON pointer ('~' and '/') into `ret` of `size` bytes. */
void error_pointer_token(const char *token, char *ret, unsigned size);

#endif

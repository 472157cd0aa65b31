/* SPDX-License-Identifier: Apache-2.0 */
/* JSON with bounds, and with texts that are the same each time. Where there is no memory, all of
 * jansson aborts, as mem_* do: its NULL and -1 mean bad arguments only, such as a text that is not
 * UTF-8. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses UTF-8 text; duplicate keys, trailing text, NUL characters, nesting beyond 64 and a bare
 * NaN or Infinity (with the hint to write it as a string) are refused. A new reference, or NULL
 * with words in `e`. Any JSON value may stand at the top. Integers beyond those of jansson (int64)
 * are large integers, see below, up to 2^64-1, and reals where they are larger still or below
 * -2^63. */
json_t *json_read(const char *text, size_t size, struct error *e);

/* The text with keys in their order (json_write) or sorted (json_canonical), compact, no trailing
 * newline. Reals have the fewest digits that read back the same (base/number.h). The caller frees;
 * never NULL. Zarr metadata: json_pretty is the indented form (4 spaces, sorted, ASCII), with a
 * newline at the end. */
char *json_write(const json_t *value);
/* json_write for people: what a terminal or a reader would obey (base/text.h) is escaped. */
char *json_show(const json_t *value);
char *json_canonical(const json_t *value);
char *json_pretty(const json_t *value);

/* Integers from 2^63 to 2^64-1 are no jansson integers. Within a json_t they are strings: U+10FFFF
 * (no character, so that nobody's text begins with it) and the digits; in texts, plain digits.
 *
 * json_unsigned: a new reference, to an integer where it fits. json_is_large: false for all
 * else. */
json_t *json_unsigned(uint64_t value);
bool json_is_large(const json_t *value, uint64_t *ret);

/* Members of an object that may be absent; NULL or a default where absent or of another type. */
const char *json_member_string(const json_t *object, const char *key);
json_int_t json_member_integer(const json_t *object, const char *key, json_int_t otherwise);

/* Unix time in milliseconds as RFC 3339, UTC: "2026-01-02T03:04:05.678Z"; null for 0 (never). */
json_t *json_time(int64_t ms);

/* BASE_INVALID with a pointer to the first key of `object` that is not in `allowed` (NULL ends
 * it), naming the nearest allowed one where one is near; 0 where all are. `pointer` is the
 * object's. */
int json_check_keys(const json_t *object, const char *const *allowed, const char *pointer,
                    struct error *e);

/* The one of `names` (NULL ends it) nearest to `name` by edit distance, or NULL if none is near:
 * "did you mean …?" */
const char *json_nearest(const char *name, const char *const *names);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Element types: names, sizes, NumPy's type strings, default fill values, conversion of values.
 * Names are those of enum simlab_dtype in small letters: "f8", "bool", "str" … */
#ifndef BASE_DTYPE_H
#define BASE_DTYPE_H

#include "base/errors.h"
#include "simlab/types.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

const char *dtype_name(int dtype); /* "any" of SIMLAB_ANY */

/* Bytes of one element; 0 for SIMLAB_STR, whose length its variable tells, and for SIMLAB_ANY. */
size_t dtype_size(int dtype);

/* By name ("f8"); false where there is none. */
bool dtype_from_name(const char *name, int *ret_dtype);

/* NumPy's type string, as Zarr 2 has it: "<f8", ">i4", "|b1", "|S12", "<c16". `itemsize` matters
 * for str. `ret` has room for 16 bytes. */
void dtype_to_numpy(int dtype, size_t itemsize, bool big_endian, char *ret);
/* "=" and missing byte order mean this machine's. False where it is none of ours. */
bool dtype_from_numpy(const char *text, int *ret_dtype, size_t *ret_itemsize, bool *ret_big_endian);

bool dtype_is_float(int dtype);   /* f4 f8 */
bool dtype_is_integer(int dtype); /* i* u* */

/* xarray-simlab's default fill value: NaN for floats (both parts of a complex one), the greatest
 * value for integers, zeros for bool and str. Writes itemsize bytes. */
void dtype_fill_value(int dtype, size_t itemsize, void *ret);

/* "NaN", "nan", "Infinity", "inf", "-Infinity", "-inf". */
bool dtype_number_from_text(const char *text, double *ret);

/* One element from JSON: numbers, booleans, the strings "NaN", "Infinity", "-Infinity" (also "nan",
 * "inf", "-inf"), a pair of numbers for complex, a string for str. Refuses what does not fit
 * exactly: a fraction or a value out of range for an integer, a number for a bool. Integers are
 * taken for floats. 0 or BASE_INVALID with a message that names the value; no pointer is set. */
int dtype_from_json(int dtype, size_t itemsize, const json_t *value, void *ret, struct error *e);

/* A new reference: what dtype_from_json reads back to the same bits (NaN payloads apart). */
json_t *dtype_to_json(int dtype, size_t itemsize, const void *value);

/* Element i of `data` as a double (real part; bool 0 or 1; str NaN). */
double dtype_to_double(int dtype, const void *data, size_t i);

/* Converts n elements as NumPy's astype does (C conversions; out-of-range float to integer gives
 * the nearest bound, NaN gives 0). Neither may be str unless both are, of the sizes given. */
void dtype_cast(int from, size_t from_size, const void *source, int to, size_t to_size,
                void *target, size_t n);

/* Reverses the bytes of each element (each half of a complex one); str and 1-byte are untouched. */
void dtype_swap(int dtype, void *data, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An array of numbers in memory, with named dims, in C order. */
#ifndef BASE_NDARRAY_H
#define BASE_NDARRAY_H

#include "base/dtype.h"

#include <stdint.h>

struct ndarray {
    int dtype; /* enum simlab_dtype */
    size_t itemsize;
    int ndim;
    int64_t shape[SIMLAB_MAX_DIMS];
    char *dims[SIMLAB_MAX_DIMS]; /* owned; NULL where the dims have no names */
    void *data;                  /* owned; ndarray_bytes() of it, at least one byte; NULL: only a
                                  * shape, by who says so (model/job.h) */
};

/* Elements and bytes; the shape has been checked, so neither overflows. */
size_t ndarray_size(const struct ndarray *a);
size_t ndarray_bytes(const struct ndarray *a);

/* Zeroed data, no dims' names. itemsize 0 takes the dtype's. 0, -ENOMEM, or -EOVERFLOW where the
 * size is not representable or an extent is negative. */
int ndarray_init(struct ndarray *a, int dtype, size_t itemsize, int ndim, const int64_t *shape);
void ndarray_set_dims(struct ndarray *a, const char *const *dims); /* copies a->ndim names */
void ndarray_clear(struct ndarray *a); /* frees what it owns; zeroed is fine */

/* Nested lists of equal lengths, or one value, to an array of this dtype. BASE_INVALID with a
 * pointer relative to `data` ("/0/3"), BASE_TOO_LARGE beyond `max_size` elements, or -errno. */
int ndarray_from_json(const json_t *data, int dtype, size_t itemsize, size_t max_size,
                      struct ndarray *ret, struct error *e);

/* The dtype that NumPy would give such data: bool, i8, f8 or str (with its itemsize); f8 if empty.
 */
int ndarray_guess_dtype(const json_t *data, size_t *ret_itemsize);

/* Nested lists; a new reference. */
json_t *ndarray_to_json(const struct ndarray *a);

/* Axis i of the result is axis axes[i] of `a`; dims' names go along. Where `a` is a shape without
 * data (NULL), so is the result. 0 or -errno. */
int ndarray_transpose(const struct ndarray *a, const int *axes, struct ndarray *ret);

/* Bytes from one element to the next along each dim, of an array in C order. */
void ndarray_steps(int ndim, const int64_t *extents, size_t itemsize, int64_t *ret_steps);
/* Copies a box of `count` elements from one place to another. */
void ndarray_copy_box(int ndim, const int64_t *count, size_t itemsize, void *to,
                      const int64_t *to_steps, const void *from, const int64_t *from_steps);

/* NumPy's .npy, versions 1 to 3, any byte order, C or Fortran order; the result is native and in C
 * order, without dims' names. Refuses objects, structs and more than max_size elements.
 * BASE_INVALID, BASE_TOO_LARGE, or -errno. */
int ndarray_from_npy(const void *bytes, size_t size, size_t max_size, struct ndarray *ret,
                     struct error *e);

#endif

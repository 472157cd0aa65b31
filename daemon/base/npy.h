/* SPDX-License-Identifier: Apache-2.0 */
/* The header of NumPy's .npy files, versions 1 to 3:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * ndarray_from_npy reads whole files. */
#ifndef BASE_NPY_H
#define BASE_NPY_H

#include "base/dtype.h"
#include "base/ndarray.h"

#include <stdint.h>

struct npy_header {
    int dtype; /* enum simlab_dtype */
    size_t itemsize;
    bool big_endian, fortran;
    int ndim;
    int64_t shape[SIMLAB_MAX_DIMS];
    size_t offset; /* of the data */
    size_t n;      /* elements */
};

/* So many bytes from a file's beginning always hold its header, where it is one that we read. */
#define NPY_HEADER_BYTES (12 + 65536)

/* Reads the header in the first `n` bytes of a file of `size` bytes; n is at least the smaller of
 * size and NPY_HEADER_BYTES. The data's size fits the shape. Refuses objects, structs, and more
 * than max_elements. BASE_INVALID, BASE_TOO_LARGE, or -errno. */
int npy_read_header(const void *bytes, size_t n, size_t size, size_t max_elements,
                    struct npy_header *ret, struct error *e);

/* The same of an open file; its size fits. -errno too. */
int npy_open(int fd, size_t max_elements, struct npy_header *ret, struct error *e);
/* Elements [at, at + n) in the file's order, as this machine has them. 0 or -errno (EIO where the
 * file is shorter than its header said). */
int npy_read(int fd, const struct npy_header *h, size_t at, size_t n, void *ret);

/* Version 1, in this machine's byte order. 0 or -errno. */
int npy_write(const char *path, const struct ndarray *a);

#endif

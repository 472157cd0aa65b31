/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npy format:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#include "base/ndarray.h"

#include "base/mem.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct npy_header {
    int dtype;
    size_t itemsize;
    bool big_endian, fortran;
    int ndim;
    int64_t shape[SIMLAB_MAX_DIMS];
};

static int malformed(struct error *e, const char *why)
{
    return error_set(e, ERROR_SYNTAX, NULL, "not a NumPy .npy file: %s", why);
}

static const char *after_key(const char *header, const char *key)
{
    const char *p = strstr(header, key);
    if (!p)
        return NULL;
    p += strlen(key);
    return p + strspn(p, " :");
}

static int read_descr(const char *header, struct npy_header *h, struct error *e)
{
    const char *p = after_key(header, "'descr'");
    char text[16];
    if (!p || sscanf(p, "'%15[^']'", text) != 1)
        return error_set(e, ERROR_INVALID, NULL,
                         "the .npy file holds no plain array (structured dtypes cannot be read)");
    if (!dtype_from_numpy(text, &h->dtype, &h->itemsize, &h->big_endian))
        return error_set(e, ERROR_INVALID, NULL,
                         "the .npy file has dtype '%s', which is none of "
                         "b1, i1…i8, u1…u8, f4, f8, c8, c16, S",
                         text);
    return 0;
}

static int read_shape(const char *header, struct npy_header *h, struct error *e)
{
    const char *p = after_key(header, "'shape'");
    if (!p || *p++ != '(')
        return malformed(e, "no shape");
    for (;;) {
        p += strspn(p, " ,");
        if (*p == ')')
            return 0;
        char *end;
        errno = 0;
        long long n = strtoll(p, &end, 10);
        if (end == p || n < 0 || errno)
            return malformed(e, "bad shape");
        if (h->ndim == SIMLAB_MAX_DIMS)
            return error_set(e, ERROR_INVALID, NULL, "the .npy file has more than %d dimensions",
                             SIMLAB_MAX_DIMS);
        h->shape[h->ndim++] = n;
        p = end;
    }
}

static int read_header(const unsigned char *bytes, size_t size, struct npy_header *h,
                       size_t *ret_offset, struct error *e)
{
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return malformed(e, "no magic string");
    size_t start = bytes[6] == 1 ? 10 : 12;
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] >= 2)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (bytes[6] < 1 || bytes[6] > 3)
        return malformed(e, "unknown version");
    if (length > size - start || length > 65536)
        return malformed(e, "the header is cut");
    char *header = strndup((const char *)bytes + start, length);
    if (!header)
        return -ENOMEM;
    *ret_offset = start + length;
    const char *fortran = after_key(header, "'fortran_order'");
    h->fortran = fortran && !strncmp(fortran, "True", 4);
    int r = fortran ? read_descr(header, h, e) : malformed(e, "no fortran_order");
    if (r == 0)
        r = read_shape(header, h, e);
    free(header);
    return r;
}

/* Fortran order is C order of the reversed shape. */
static int from_fortran(struct ndarray *a)
{
    int axes[SIMLAB_MAX_DIMS];
    for (int i = 0; i < a->ndim; i++)
        axes[i] = a->ndim - 1 - i;
    struct ndarray t;
    int r = ndarray_transpose(a, axes, &t);
    if (r < 0)
        return r;
    ndarray_clear(a);
    *a = t;
    return 0;
}

int ndarray_from_npy(const void *bytes, size_t size, size_t max_size, struct ndarray *ret,
                     struct error *e)
{
    struct npy_header h = {0};
    size_t offset = 0;
    int r = read_header(bytes, size, &h, &offset, e);
    if (r)
        return r;
    size_t elements = 1, data_size;
    for (int i = 0; i < h.ndim; i++)
        if (!mem_mul(elements, (size_t)h.shape[i], &elements) || elements > max_size)
            return error_set(e, ERROR_TOO_LARGE, NULL, "the .npy file has more than %zu elements",
                             max_size);
    if (!mem_mul(elements, h.itemsize, &data_size) || data_size != size - offset)
        return malformed(e, "its size does not fit its shape");
    int64_t shape[SIMLAB_MAX_DIMS] = {0};
    for (int i = 0; i < h.ndim; i++)
        shape[i] = h.shape[h.fortran ? h.ndim - 1 - i : i];
    struct ndarray a;
    r = ndarray_init(&a, h.dtype, h.itemsize, h.ndim, shape);
    if (r < 0)
        return r;
    memcpy(a.data, (const char *)bytes + offset, data_size);
    if (h.big_endian != (__BYTE_ORDER == __BIG_ENDIAN))
        dtype_swap(a.dtype, a.data, elements);
    if (h.dtype == SIMLAB_BOOL)
        for (size_t i = 0; i < elements; i++)
            ((uint8_t *)a.data)[i] = ((uint8_t *)a.data)[i] != 0;
    r = h.fortran && h.ndim > 1 ? from_fortran(&a) : 0;
    if (r < 0)
        ndarray_clear(&a);
    else
        *ret = a;
    return r;
}

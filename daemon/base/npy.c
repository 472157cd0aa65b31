/* SPDX-License-Identifier: Apache-2.0 */
#include "base/npy.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ndarray.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int malformed(struct error *e, const char *why)
{
    return error_set(e, BASE_INVALID, NULL, "not a NumPy .npy file: %s", why);
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
        return error_set(e, BASE_INVALID, NULL,
                         "the .npy file holds no plain array (structured dtypes cannot be read)");
    if (!dtype_from_numpy(text, &h->dtype, &h->itemsize, &h->big_endian))
        return error_set(e, BASE_INVALID, NULL,
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
            return error_set(e, BASE_INVALID, NULL, "the .npy file has more than %d dimensions",
                             SIMLAB_MAX_DIMS);
        h->shape[h->ndim++] = n;
        p = end;
    }
}

static int read_dict(const char *header, struct npy_header *h, struct error *e)
{
    const char *fortran = after_key(header, "'fortran_order'");
    if (!fortran)
        return malformed(e, "no fortran_order");
    h->fortran = !strncmp(fortran, "True", 4);
    int r = read_descr(header, h, e);
    return r == 0 ? read_shape(header, h, e) : r;
}

static int check_size(struct npy_header *h, size_t size, size_t max_elements, struct error *e)
{
    size_t data_size;
    h->n = 1;
    for (int i = 0; i < h->ndim; i++)
        if (!mem_mul(h->n, (size_t)h->shape[i], &h->n) || h->n > max_elements)
            return error_set(e, BASE_TOO_LARGE, NULL, "the .npy file has more than %zu elements",
                             max_elements);
    if (!mem_mul(h->n, h->itemsize, &data_size) || data_size != size - h->offset)
        return malformed(e, "its size does not fit its shape");
    return 0;
}

int npy_read_header(const void *bytes, size_t n, size_t size, size_t max_elements,
                    struct npy_header *ret, struct error *e)
{
    const unsigned char *b = bytes;
    struct npy_header h = {0};
    if (n < 12 || memcmp(b, "\x93NUMPY", 6) != 0)
        return malformed(e, "no magic string");
    size_t start = b[6] == 1 ? 10 : 12;
    size_t length = b[8] | (size_t)b[9] << 8;
    if (b[6] >= 2)
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (b[6] < 1 || b[6] > 3)
        return malformed(e, "unknown version");
    if (length > n - start || length > 65536)
        return malformed(e, "the header is cut");
    char *header = strndup((const char *)b + start, length);
    if (!header)
        return -ENOMEM;
    h.offset = start + length;
    int r = read_dict(header, &h, e);
    free(header);
    if (r == 0)
        r = check_size(&h, size, max_elements, e);
    if (r == 0)
        *ret = h;
    return r;
}

int npy_open(int fd, size_t max_elements, struct npy_header *ret, struct error *e)
{
    struct stat st;
    char *head = mem_new(NPY_HEADER_BYTES);
    size_t n = 0;
    int r = fstat(fd, &st) < 0 ? -errno : file_read_at(fd, head, NPY_HEADER_BYTES, 0, &n);
    if (r == 0)
        r = npy_read_header(head, n, (size_t)st.st_size, max_elements, ret, e);
    free(head);
    return r;
}

static void make_native(const struct npy_header *h, void *data, size_t n)
{
    if (h->big_endian != (__BYTE_ORDER == __BIG_ENDIAN))
        dtype_swap(h->dtype, data, n);
    if (h->dtype == SIMLAB_BOOL)
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)data)[i] = ((uint8_t *)data)[i] != 0;
}

int npy_read(int fd, const struct npy_header *h, size_t at, size_t n, void *ret)
{
    size_t got;
    int r = file_read_at(fd, ret, n * h->itemsize, (off_t)(h->offset + at * h->itemsize), &got);
    if (r == 0 && got < n * h->itemsize)
        r = -EIO;
    if (r == 0)
        make_native(h, ret, n);
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
    struct npy_header h;
    int r = npy_read_header(bytes, size, size, max_size, &h, e);
    if (r != 0)
        return r;
    int64_t shape[SIMLAB_MAX_DIMS] = {0};
    for (int i = 0; i < h.ndim; i++)
        shape[i] = h.shape[h.fortran ? h.ndim - 1 - i : i];
    struct ndarray a;
    r = ndarray_init(&a, h.dtype, h.itemsize, h.ndim, shape);
    if (r < 0)
        return r;
    memcpy(a.data, (const char *)bytes + h.offset, size - h.offset);
    make_native(&h, a.data, h.n);
    r = h.fortran && h.ndim > 1 ? from_fortran(&a) : 0;
    if (r < 0)
        ndarray_clear(&a);
    else
        *ret = a;
    return r;
}

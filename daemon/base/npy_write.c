/* SPDX-License-Identifier: Apache-2.0 */
#include "base/npy.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, FIXED = 10 /* magic, version, length */ };

static void add_shape(const struct ndarray *a, struct buffer *b)
{
    buffer_text(b, "(");
    for (int d = 0; d < a->ndim; d++)
        buffer_printf(b, "%lld,%s", (long long)a->shape[d], d + 1 < a->ndim ? " " : "");
    buffer_text(b, ")");
}

int npy_write(const char *path, const struct ndarray *a)
{
    char dtype[16];
    struct buffer header = {0}, file = {0};
    dtype_to_numpy(a->dtype, a->itemsize, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, dtype);
    buffer_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': ", dtype);
    add_shape(a, &header);
    buffer_text(&header, ", }");
    while ((FIXED + header.size + 1) % ALIGNMENT != 0)
        buffer_text(&header, " ");
    buffer_text(&header, "\n");
    const unsigned char length[2] = {header.size & 0xff, (unsigned char)(header.size >> 8)};
    buffer_append(&file, "\x93NUMPY\x01\x00", 8);
    buffer_append(&file, length, sizeof length);
    buffer_append(&file, header.data, header.size);
    buffer_append(&file, a->data, ndarray_bytes(a));
    char *temporary = mem_printf("%s.partial", path);
    int r = file_replace(path, temporary, file.data, file.size, 0666, FILE_SYNC_NONE);
    free(temporary);
    buffer_free(&header);
    buffer_free(&file);
    return r;
}

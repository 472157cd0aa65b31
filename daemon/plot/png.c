/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/png.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

static void append(png_structp png, png_bytep data, size_t size)
{
    buffer_append(png_get_io_ptr(png), data, size);
}

static void flush(png_structp png)
{
    (void)png;
}

/* libpng jumps out of here on errors; nothing local is used after that. */
static int encode(png_structp png, png_infop info, const struct canvas *c, struct buffer *ret)
{
    if (setjmp(png_jmpbuf(png)))
        return -1;
    png_set_write_fn(png, ret, append, flush);
    png_set_IHDR(png, info, (png_uint_32)c->width, (png_uint_32)c->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < c->height; y++)
        png_write_row(png, c->rgb + (size_t)y * (size_t)c->width * 3);
    png_write_end(png, NULL);
    return 0;
}

/* Hidden, in the file's own directory. */
static char *temporary_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    return mem_printf("%.*s.%s.partial", directory, path, path + directory);
}

int png_save(const struct canvas *c, const char *path, struct error *e)
{
    struct buffer bytes = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int r = 0;
    if (!info || encode(png, info, c, &bytes) != 0)
        r = error_set(e, -EIO, NULL, "the picture could not be encoded");
    png_destroy_write_struct(&png, &info);
    if (r == 0) {
        char *temporary = temporary_of(path);
        r = file_replace(path, temporary, bytes.data, bytes.size, 0666, FILE_SYNC_NONE);
        free(temporary);
        if (r < 0) {
            char what[300];
            snprintf(what, sizeof what, "write %.280s", path);
            error_errno(e, r, what);
        }
    }
    buffer_free(&bytes);
    return r;
}

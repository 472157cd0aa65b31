/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/png.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SMALL_PICTURE = 1500000 };

/* ---- one picture ------------------------------------------------------------------------- */

static void append(png_structp png, png_bytep data, size_t size)
{
    buffer_append(png_get_io_ptr(png), data, size);
}

static void flush(png_structp png)
{
    (void)png;
}

/* libpng jumps out of here on errors; nothing local is used after that. */
static int encode(png_structp png, png_infop info, const struct png_file *p, const uint8_t *rgb,
                  const struct canvas_box *box, int filters, struct buffer *ret)
{
    png_text texts[] = {{.compression = PNG_ITXT_COMPRESSION_NONE,
                         .key = (char *)(uintptr_t) "Title",
                         .text = (char *)(uintptr_t)p->title},
                        {.compression = PNG_ITXT_COMPRESSION_NONE,
                         .key = (char *)(uintptr_t) "Description",
                         .text = (char *)(uintptr_t)p->description}};
    if (setjmp(png_jmpbuf(png)))
        return -1;
    png_set_write_fn(png, ret, append, flush);
    png_set_compression_level(png, p->width * p->height <= SMALL_PICTURE ? 9 : 6);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, filters);
    png_set_IHDR(png, info, (png_uint_32)(box->right - box->left),
                 (png_uint_32)(box->bottom - box->top), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (p->n_added == 0)
        png_set_text(png, info, texts, 2);
    png_write_info(png, info);
    for (int y = box->top; y < box->bottom; y++)
        png_write_row(png, rgb + ((size_t)y * (size_t)p->width + (size_t)box->left) * 3);
    png_write_end(png, NULL);
    return 0;
}

static int encode_by(const struct png_file *p, const uint8_t *rgb, const struct canvas_box *box,
                     int filters, struct buffer *ret)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int r = info ? encode(png, info, p, rgb, box, filters, ret) : -1;
    png_destroy_write_struct(&png, &info);
    return r;
}

/* Lines are smaller without filters, relief with them: the smaller one, where that is worth it. */
static int encode_box(const struct png_file *p, const uint8_t *rgb, const struct canvas_box *box,
                      struct buffer *ret, struct error *e)
{
    struct buffer other = {0};
    int r = encode_by(p, rgb, box, PNG_ALL_FILTERS, ret);
    if (r == 0 && p->width * p->height <= SMALL_PICTURE)
        r = encode_by(p, rgb, box, PNG_FILTER_NONE, &other);
    if (r == 0 && other.size > 0 && other.size < ret->size) {
        struct buffer smaller = other;
        other = *ret;
        *ret = smaller;
    }
    buffer_free(&other);
    return r == 0 ? 0 : error_set(e, -EIO, NULL, "the picture could not be encoded");
}

/* ---- several (https://www.w3.org/TR/png-3/, 11.3.6) ---------------------------------------- */

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const char *from)
{
    const unsigned char *b = (const unsigned char *)from;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A chunk of which the data are `head` and then `data`. */
static void put_chunk(struct buffer *b, const char *type, const void *head, size_t n_head,
                      const void *data, size_t n)
{
    uint8_t number[4];
    put_u32(number, (uint32_t)(n_head + n));
    buffer_append(b, number, 4);
    size_t start = b->size;
    buffer_append(b, type, 4);
    buffer_append(b, head, n_head);
    if (n)
        buffer_append(b, data, n);
    put_u32(number, (uint32_t)crc32(0, (const Bytef *)b->data + start, (uInt)(b->size - start)));
    buffer_append(b, number, 4);
}

static void put_frame_control(struct png_file *p, const struct canvas_box *box)
{
    uint8_t c[26] = {0};
    put_u32(c, p->n_sequence++);
    put_u32(c + 4, (uint32_t)(box->right - box->left));
    put_u32(c + 8, (uint32_t)(box->bottom - box->top));
    put_u32(c + 12, (uint32_t)box->left);
    put_u32(c + 16, (uint32_t)box->top);
    long delay = lround(1000 / p->frames_per_second);
    if (p->n_added == p->n_frames - 1) /* the last one stays longer */
        delay = delay * 4 > 2000 ? delay : delay * 4;
    c[20] = (uint8_t)(delay >> 8);
    c[21] = (uint8_t)delay;
    c[22] = 1000 >> 8;
    c[23] = 1000 & 0xff;
    put_chunk(&p->bytes, "fcTL", c, sizeof c, NULL, 0);
}

/* What libpng wrote, chunk by chunk: as it is for the first frame, of others the data alone. */
static void copy_chunks(struct png_file *p, const struct buffer *from, const struct canvas_box *box)
{
    bool is_first = p->n_added == 0, has_control = false;
    if (is_first)
        buffer_append(&p->bytes, from->data, 8);
    for (size_t at = 8; at + 12 <= from->size;) {
        size_t n = get_u32(from->data + at);
        const char *type = from->data + at + 4, *data = type + 4;
        bool is_data = !memcmp(type, "IDAT", 4);
        if (is_data && !has_control && p->n_frames > 1) {
            put_frame_control(p, box);
            has_control = true;
        }
        if (is_data && !is_first) {
            uint8_t number[4];
            put_u32(number, p->n_sequence++);
            put_chunk(&p->bytes, "fdAT", number, 4, data, n);
        } else if (is_first && memcmp(type, "IEND", 4) != 0) {
            buffer_append(&p->bytes, from->data + at, n + 12);
        }
        if (is_first && p->n_frames > 1 && !memcmp(type, "IHDR", 4)) {
            uint8_t control[8] = {0}; /* for ever */
            put_u32(control, (uint32_t)p->n_frames);
            put_chunk(&p->bytes, "acTL", control, sizeof control, NULL, 0);
        }
        at += n + 12;
    }
}

/* ---- frames ------------------------------------------------------------------------------ */

static uint8_t *fitted(const struct png_file *p, const struct canvas *c)
{
    size_t line = (size_t)p->width * 3;
    uint8_t *rgb = mem_try_array((size_t)p->height, line);
    if (!rgb)
        return NULL;
    memset(rgb, 255, (size_t)p->height * line);
    int width = c->width < p->width ? c->width : p->width;
    for (int y = 0; y < p->height && y < c->height; y++)
        memcpy(rgb + (size_t)y * line, c->rgb + (size_t)y * (size_t)c->width * 3,
               (size_t)width * 3);
    return rgb;
}

/* The least box that holds all that has changed; one pixel where nothing has. */
static struct canvas_box changed(const struct png_file *p, const uint8_t *rgb)
{
    struct canvas_box box = {p->width, p->height, 0, 0};
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            size_t at = ((size_t)y * (size_t)p->width + (size_t)x) * 3;
            if (!memcmp(rgb + at, p->before + at, 3))
                continue;
            box.left = x < box.left ? x : box.left;
            box.right = x >= box.right ? x + 1 : box.right;
            box.top = y < box.top ? y : box.top;
            box.bottom = y + 1;
        }
    return box.right > 0 ? box : (struct canvas_box){0, 0, 1, 1};
}

int png_add(struct png_file *p, const struct canvas *c, struct error *e)
{
    if (p->n_added == 0) {
        p->width = c->width;
        p->height = c->height;
    }
    uint8_t *rgb = fitted(p, c);
    if (!rgb)
        return error_errno(e, -ENOMEM, "encode the picture");
    struct canvas_box box = {0, 0, p->width, p->height};
    if (p->n_added > 0)
        box = changed(p, rgb);
    struct buffer encoded = {0};
    int r = encode_box(p, rgb, &box, &encoded, e);
    if (r == 0) {
        copy_chunks(p, &encoded, &box);
        p->n_added++;
        free(p->before);
        p->before = rgb;
    } else {
        free(rgb);
    }
    buffer_free(&encoded);
    return r;
}

/* ---- the file ---------------------------------------------------------------------------- */

/* Hidden, in the file's own directory. */
static char *temporary_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    return mem_printf("%.*s.%s.partial", directory, path, path + directory);
}

int png_save(struct png_file *p, const char *path, struct error *e)
{
    mem_assert(p->n_added == p->n_frames);
    put_chunk(&p->bytes, "IEND", NULL, 0, NULL, 0);
    char *temporary = temporary_of(path);
    int r = file_replace(path, temporary, p->bytes.data, p->bytes.size, 0666, FILE_SYNC_NONE);
    free(temporary);
    if (r < 0) {
        char what[300];
        snprintf(what, sizeof what, "write %.280s", path);
        error_errno(e, r, what);
    }
    return r;
}

void png_clear(struct png_file *p)
{
    buffer_free(&p->bytes);
    free(p->before);
    p->before = NULL;
}

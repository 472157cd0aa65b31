/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include "base/dtype.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rewrite.h"
#include "store/chunk_selection.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096 /* bytes: the least that a disk loses */ };

void chunk_fill(const struct store_meta *m, void *data, size_t n)
{
    mem_repeat(data, m->has_fill ? m->fill : NULL, m->itemsize, n);
}

bool chunk_is_fill(const struct store_meta *m, const char *element)
{
    if (m->has_fill)
        return !memcmp(element, m->fill, m->itemsize);
    size_t zeros = 0;
    while (zeros < m->itemsize && !element[zeros])
        zeros++;
    return zeros == m->itemsize;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Four paths side by side. */
static char *paths_of(struct store *s, const struct store_array *a, size_t *ret_size)
{
    size_t size = strlen(s->path) + strlen(s->sync) + strlen(a->name) + CHUNK_KEY_SIZE + 48;
    if (size > s->chunk_path_size) {
        s->chunk_path = mem_resize(s->chunk_path, size, 4);
        s->chunk_path_size = size;
    }
    *ret_size = size;
    return s->chunk_path;
}

/* Names are made for each chunk of each write: by copies, which cost a tenth of formatting. */
static void put_name(char *to, const char *const *texts)
{
    for (; *texts; texts++)
        to = stpcpy(to, *texts);
}

struct chunk_names chunk_names(struct store *s, const struct store_array *a, const char *key)
{
    size_t size;
    char *p = paths_of(s, a, &size);
    struct chunk_names n = {p, p + size, p + 2 * size};
    put_name(n.path, (const char *[]){s->path, "/", a->name, "/", key, NULL});
    put_name(n.temporary, (const char *[]){s->path, "/", a->name, "/.", key, ".partial", NULL});
    put_name(n.lock, (const char *[]){s->sync, "/", a->name, "/", key, NULL});
    return n;
}

char *chunk_staged_name(struct store *s, const struct store_array *a, const char *key, int64_t row)
{
    size_t size;
    char *p = paths_of(s, a, &size) + 3 * size;
    snprintf(p, size, "%s/%s/.%s.%" PRId64 ".staged", s->path, a->name, key, row);
    return p;
}

int chunk_need(struct store *s, const struct store_array *a, struct error *e)
{
    int r = codec_space_need(&s->chunk, CHUNK_ELEMENTS, a->chunk_bytes);
    return chunk_explain(r, "hold", a, "0", e);
}

int chunk_broken(const struct store_array *a, const char *key, struct error *e)
{
    return error_set(e, STORE_BROKEN, NULL,
                     "chunk %s of array \"%s\" cannot be decoded: its file was cut or changed", key,
                     a->name);
}

int chunk_explain(int r, const char *doing, const struct store_array *a, const char *key,
                  struct error *e)
{
    char what[512];
    if (r >= 0)
        return r;
    snprintf(what, sizeof what, "%s chunk %s of array \"%.300s\"", doing, key, a->name);
    return error_errno(e, r, what);
}

static int read_bytes(int fd, char *ret, size_t size, size_t *ret_size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, ret + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *ret_size = done;
    return 0;
}

static bool has_empty_block(const char *bytes, size_t size)
{
    static const char zeros[BLOCK];
    for (size_t at = 0; at < size; at += BLOCK)
        if (!memcmp(bytes + at, zeros, size - at < BLOCK ? size - at : BLOCK))
            return true;
    return false;
}

/* Zeros that nobody wrote: those of an uncompressed chunk would be taken for values. */
static int check_written(int fd, const char *bytes, size_t size)
{
    bool is_lost = false;
    int r = has_empty_block(bytes, size) ? rewrite_is_lost(fd, &is_lost) : 0;
    return is_lost ? STORE_BROKEN : r;
}

/* The file's bytes in CHUNK_FILE. -ENOENT; STORE_BROKEN where it is larger than a chunk can be, or
 * the disk lost a part of it. */
static int load_file(struct store *s, const struct store_array *a, const char *path,
                     size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct stat st;
    int r = fstat(fd, &st) < 0 ? -errno : 0;
    if (r == 0 && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > codec_file_limit(&a->codec)))
        r = STORE_BROKEN;
    if (r == 0)
        r = codec_space_need(&s->chunk, CHUNK_FILE, (size_t)st.st_size + 1);
    if (r == 0)
        r = read_bytes(fd, s->chunk.area[CHUNK_FILE], (size_t)st.st_size, ret_size);
    if (r == 0)
        r = check_written(fd, s->chunk.area[CHUNK_FILE], *ret_size);
    close(fd);
    return r;
}

int chunk_load(struct store *s, const struct store_array *a, const char *path, void *ret_elements,
               size_t *ret_size)
{
    size_t size = 0;
    int r = load_file(s, a, path, &size);
    if (r == 0)
        r = codec_decode(&a->codec, s->chunk.area[CHUNK_FILE], size, &s->space, ret_elements);
    if (r == 0 && a->swap)
        dtype_swap(a->meta.dtype, ret_elements, a->codec.n);
    if (r == 0)
        *ret_size = size;
    return r;
}

int chunk_encode(struct store *s, const struct store_array *a, const void *elements,
                 const void **ret, size_t *ret_size)
{
    if (a->swap) {
        void *swapped = s->chunk.area[CHUNK_ELEMENTS];
        if (elements != swapped)
            memcpy(swapped, elements, a->chunk_bytes);
        dtype_swap(a->meta.dtype, swapped, a->codec.n);
        elements = swapped;
    }
    return codec_encode(&a->codec, elements, &s->space, ret, ret_size);
}

int chunk_replace(struct store *s, const struct store_array *a, const struct chunk_names *n,
                  const char *key, const void *elements, enum file_sync sync, struct error *e)
{
    const void *bytes;
    size_t size;
    int r = chunk_encode(s, a, elements, &bytes, &size);
    if (r == 0)
        r = file_replace(n->path, n->temporary, bytes, size, 0666, sync);
    return chunk_explain(r, "write", a, key, e);
}

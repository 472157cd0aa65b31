/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk.h"

#include "base/dtype.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/chunk_selection.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AREA_ELEMENTS, AREA_FILE, AREA_ROW };

static void fill_elements(const struct store_meta *m, void *data, size_t n)
{
    if (!m->has_fill) {
        memset(data, 0, n * m->itemsize);
        return;
    }
    size_t done = m->itemsize, total = n * m->itemsize;
    memcpy(data, m->fill, m->itemsize);
    while (done < total) {
        size_t more = done < total - done ? done : total - done;
        memcpy((char *)data + done, data, more);
        done += more;
    }
}

/* ---- chunk files --------------------------------------------------------------------------- */

struct chunk_names {
    char *path, *temporary, *lock;
};

static struct chunk_names names_of(struct store *s, const struct store_array *a, const char *key)
{
    size_t size = strlen(s->path) + strlen(s->sync) + strlen(a->name) + CHUNK_KEY_SIZE + 16;
    if (size > s->chunk_path_size) {
        s->chunk_path = mem_resize(s->chunk_path, size, 3);
        s->chunk_path_size = size;
    }
    struct chunk_names n = {s->chunk_path, s->chunk_path + size, s->chunk_path + 2 * size};
    snprintf(n.path, size, "%s/%s/%s", s->path, a->name, key);
    snprintf(n.temporary, size, "%s/%s/.%s.partial", s->path, a->name, key);
    snprintf(n.lock, size, "%s/%s/%s", s->sync, a->name, key);
    return n;
}

static int corrupt(const struct store_array *a, const char *key, struct error *e)
{
    return error_set(e, STORE_BROKEN, NULL,
                     "chunk %s of array \"%s\" cannot be decoded: its file was cut or changed", key,
                     a->name);
}

/* For -errno: words with the chunk's name. */
static int explain(int r, const char *doing, const struct store_array *a, const char *key,
                   struct error *e)
{
    char what[512];
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

/* The file's bytes in AREA_FILE. -ENOENT; STORE_BROKEN where it is larger than a chunk can be. */
static int load_file(struct store *s, const struct store_array *a, const char *path,
                     size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    int r = fstat(fd, &st) < 0 ? -errno : 0;
    if (r == 0 && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > codec_file_limit(&a->codec)))
        r = STORE_BROKEN;
    if (r == 0)
        r = codec_space_need(&s->chunk, AREA_FILE, (size_t)st.st_size + 1);
    if (r == 0)
        r = read_bytes(fd, s->chunk.area[AREA_FILE], (size_t)st.st_size, ret_size);
    close(fd);
    return r;
}

/* A chunk's elements in this machine's byte order. -ENOENT, STORE_BROKEN, -errno. */
static int load(struct store *s, const struct store_array *a, const char *path, void *ret_elements)
{
    size_t size = 0;
    int r = load_file(s, a, path, &size);
    if (r == 0)
        r = codec_decode(&a->codec, s->chunk.area[AREA_FILE], size, &s->space, ret_elements);
    if (r == 0 && a->swap)
        dtype_swap(a->meta.dtype, ret_elements, a->codec.n);
    return r;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* The part is all of the chunk that lies within the array's shape as it stands on disk now. */
static int reaches_edges(struct store *s, struct store_array *a, const struct chunk_selection *p,
                         bool *ret, struct error *e)
{
    int r = array_refresh(s, a, e);
    *ret = true;
    for (int d = 0; r == 0 && d < a->meta.ndim; d++) {
        int64_t within = a->meta.shape[d] - p->index[d] * a->meta.chunks[d];
        int64_t whole = within < a->meta.chunks[d] ? within : a->meta.chunks[d];
        *ret = *ret && p->count[d] == whole;
    }
    return r;
}

/* Under the lock: the chunk as it is, or of fill values where it is not there yet. A chunk that
 * does not decode is lost only for who would read it: one that is wholly given again is made new.
 */
static int load_or_fill(struct store *s, struct store_array *a, const struct chunk_selection *p,
                        const char *path, void *elements, struct error *e)
{
    int r = load(s, a, path, elements);
    bool all_given = false;
    if (r == STORE_BROKEN) {
        r = reaches_edges(s, a, p, &all_given, e);
        if (r != 0)
            return r;
        if (!all_given)
            return corrupt(a, p->key, e);
        r = -ENOENT;
    }
    if (r == -ENOENT) {
        fill_elements(&a->meta, elements, a->codec.n);
        r = 0;
    }
    return r < 0 ? explain(r, "read", a, p->key, e) : r;
}

static int replace(struct store *s, const struct store_array *a, const struct chunk_names *n,
                   const char *key, const void *elements, struct error *e)
{
    const void *bytes;
    size_t size;
    int r = codec_encode(&a->codec, elements, &s->space, &bytes, &size);
    if (r == 0)
        r = file_replace(n->path, n->temporary, bytes, size, 0666, FILE_SYNC_NONE);
    return r < 0 ? explain(r, "write", a, key, e) : 0;
}

/* A chunk that is given whole: encoded before its lock is taken. */
static int write_full(struct store *s, struct store_array *a, const struct chunk_copy *c, void *box,
                      struct error *e)
{
    const struct store_meta *m = &a->meta;
    const void *elements = s->chunk.area[AREA_ELEMENTS];
    int outer;
    bool same = c->dtype == m->dtype && c->itemsize == m->itemsize && !a->swap;
    if (same && (size_t)chunk_selection_run(c, &outer) == a->codec.n) {
        elements = (char *)box + chunk_selection_offset_in_box(c) * m->itemsize;
    } else {
        chunk_selection_copy(c, s->chunk.area[AREA_ELEMENTS], box, true);
        if (a->swap)
            dtype_swap(m->dtype, s->chunk.area[AREA_ELEMENTS], a->codec.n);
    }
    struct chunk_names n = names_of(s, a, c->part->key);
    const void *bytes;
    size_t size;
    int fd = -1;
    int r = codec_encode(&a->codec, elements, &s->space, &bytes, &size);
    if (r == 0)
        r = sync_lock_take(n.lock, &fd);
    if (r == 0)
        r = file_replace(n.path, n.temporary, bytes, size, 0666, FILE_SYNC_NONE);
    sync_lock_release(fd);
    return r < 0 ? explain(r, "write", a, c->part->key, e) : 0;
}

/* A chunk of which a part is given; also one at the array's edge, of which others may give the rest
 * once the array has grown. */
static int write_part(struct store *s, struct store_array *a, const struct chunk_copy *c, void *box,
                      struct error *e)
{
    void *elements = s->chunk.area[AREA_ELEMENTS];
    struct chunk_names n = names_of(s, a, c->part->key);
    int fd = -1;
    int r = sync_lock_take(n.lock, &fd);
    if (r < 0)
        return explain(r, "lock", a, c->part->key, e);
    r = load_or_fill(s, a, c->part, n.path, elements, e);
    if (r == 0) {
        chunk_selection_copy(c, elements, box, true);
        if (a->swap)
            dtype_swap(a->meta.dtype, elements, a->codec.n);
        if (s->fence)
            r = s->fence(s->fence_userdata);
    }
    if (r == 0)
        r = replace(s, a, &n, c->part->key, elements, e);
    sync_lock_release(fd);
    return r;
}

static int64_t longest_row(const struct store_array *a)
{
    return a->meta.ndim > 0 ? a->meta.chunks[a->meta.ndim - 1] : 1;
}

static int need_areas(struct store *s, const struct store_array *a, bool row, struct error *e)
{
    int r = codec_space_need(&s->chunk, AREA_ELEMENTS, a->chunk_bytes);
    if (r == 0 && row)
        r = codec_space_need(&s->chunk, AREA_ROW, (size_t)longest_row(a) * a->meta.itemsize);
    return r < 0 ? explain(r, "hold", a, "buffers", e) : 0;
}

int chunk_write_box(struct store *s, struct store_array *a, const int64_t *start,
                    const int64_t *count, int dtype, size_t itemsize, const void *data,
                    struct error *e)
{
    struct chunk_selection p = {.full = true};
    if (!chunk_selection_first(&p, a, start, count))
        return 0;
    int r = need_areas(s, a, true, e);
    if (r != 0)
        return r;
    struct chunk_copy c = {a, &p, count, dtype, itemsize, s->chunk.area[AREA_ROW]};
    do {
        r = p.full ? write_full(s, a, &c, (void *)data, e) : write_part(s, a, &c, (void *)data, e);
    } while (r == 0 && chunk_selection_next(&p, a, start, count));
    return r;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int read_part(struct store *s, struct store_array *a, const struct chunk_copy *c, void *box,
                     struct error *e)
{
    struct chunk_names n = names_of(s, a, c->part->key);
    int outer;
    void *elements = s->chunk.area[AREA_ELEMENTS];
    bool direct = c->part->full && (size_t)chunk_selection_run(c, &outer) == a->codec.n;
    if (direct)
        elements = (char *)box + chunk_selection_offset_in_box(c) * a->meta.itemsize;
    int r = load(s, a, n.path, elements);
    if (r == STORE_BROKEN)
        return corrupt(a, c->part->key, e);
    if (r == -ENOENT)
        fill_elements(&a->meta, elements, a->codec.n);
    else if (r < 0)
        return explain(r, "read", a, c->part->key, e);
    if (!direct)
        chunk_selection_copy(c, elements, box, false);
    return 0;
}

int chunk_read_box(struct store *s, struct store_array *a, const int64_t *start,
                   const int64_t *count, void *ret_data, struct error *e)
{
    struct chunk_selection p = {.full = true};
    if (!chunk_selection_first(&p, a, start, count))
        return 0;
    int r = need_areas(s, a, false, e);
    struct chunk_copy c = {a, &p, count, a->meta.dtype, a->meta.itemsize, NULL};
    while (r == 0) {
        r = read_part(s, a, &c, ret_data, e);
        if (r == 0 && !chunk_selection_next(&p, a, start, count))
            break;
    }
    return r;
}

int chunk_verify(struct store *s, struct store_array *a, struct error *e)
{
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    struct chunk_selection p = {.full = true};
    if (!chunk_selection_first(&p, a, start, a->meta.shape))
        return 0;
    int r = need_areas(s, a, false, e);
    while (r == 0) {
        r = load(s, a, names_of(s, a, p.key).path, s->chunk.area[AREA_ELEMENTS]);
        if (r == -ENOENT)
            return error_set(e, STORE_BROKEN, NULL, "chunk %s of array \"%s\" is missing", p.key,
                             a->name);
        if (r == STORE_BROKEN)
            return corrupt(a, p.key, e);
        if (r < 0)
            return explain(r, "read", a, p.key, e);
        if (!chunk_selection_next(&p, a, start, a->meta.shape))
            break;
    }
    return r;
}

static int fill_one(struct store *s, struct store_array *a, const char *key, struct error *e)
{
    struct chunk_names n = names_of(s, a, key);
    int fd = -1;
    int r = sync_lock_take(n.lock, &fd);
    if (r < 0)
        return explain(r, "lock", a, key, e);
    fill_elements(&a->meta, s->chunk.area[AREA_ELEMENTS], a->codec.n);
    if (a->swap)
        dtype_swap(a->meta.dtype, s->chunk.area[AREA_ELEMENTS], a->codec.n);
    if (access(n.path, F_OK) < 0)
        r = errno == ENOENT ? replace(s, a, &n, key, s->chunk.area[AREA_ELEMENTS], e)
                            : explain(-errno, "look for", a, key, e);
    sync_lock_release(fd);
    return r;
}

int chunk_fill_missing(struct store *s, struct store_array *a, struct error *e)
{
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    struct chunk_selection p = {.full = true};
    if (!chunk_selection_first(&p, a, start, a->meta.shape))
        return 0;
    int r = need_areas(s, a, false, e);
    while (r == 0) {
        if (access(names_of(s, a, p.key).path, F_OK) < 0)
            r = fill_one(s, a, p.key, e);
        if (r == 0 && !chunk_selection_next(&p, a, start, a->meta.shape))
            break;
    }
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a job: its arrays are verified, what dead members left is taken out, and what
 * interrupted writers left. All of it may be done again, and then changes nothing. */
#include "base/file.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/chunk.h"
#include "store/chunk_keys.h"
#include "store/chunk_log.h"
#include "store/chunk_selection.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- dead rows ------------------------------------------------------------------------------- */

enum rows { ROWS_LIVE, ROWS_SOME_DEAD, ROWS_DEAD };

/* The first range that ends beyond `row`. */
static size_t range_at(const struct store_end *how, int64_t row)
{
    size_t low = 0, high = how->n_dead;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (how->dead[middle][1] <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_dead(const struct store_end *how, int64_t row)
{
    size_t i = range_at(how, row);
    return i < how->n_dead && how->dead[i][0] <= row;
}

static enum rows rows_of(const struct store_end *how, int64_t begin, int64_t end)
{
    size_t i = range_at(how, begin);
    if (i == how->n_dead || how->dead[i][0] >= end)
        return ROWS_LIVE;
    int64_t upto = begin; /* all before it are dead */
    for (; i < how->n_dead && how->dead[i][0] <= upto && upto < end; i++)
        upto = how->dead[i][1];
    return upto >= end ? ROWS_DEAD : ROWS_SOME_DEAD;
}

/* ---- one chunk ------------------------------------------------------------------------------- */

struct ending {
    struct store *s;
    struct store_array *a;
    const struct store_end *how;
    struct chunk_names names;
    const char *key;
    bool must_be;       /* all of its live rows wrote it */
    int64_t begin, end; /* its rows; none where the array has none */
    enum rows rows;
    struct error *e;
};

static bool is_fill(const struct store_meta *m, const char *element)
{
    if (m->has_fill)
        return !memcmp(element, m->fill, m->itemsize);
    size_t zeros = 0;
    while (zeros < m->itemsize && !element[zeros])
        zeros++;
    return zeros == m->itemsize;
}

/* A row is every chunks[0]th element where the first axis runs fastest, else one run. */
static bool clear_row(const struct store_array *a, int64_t row, char *elements)
{
    const struct store_meta *m = &a->meta;
    size_t n = a->codec.n / (size_t)m->chunks[0];
    size_t step = m->fortran_order ? (size_t)m->chunks[0] : 1;
    size_t at = (size_t)(row * a->strides[0]);
    bool cleared = false;
    for (size_t i = 0; i < n; i++, at += step) {
        char *element = elements + at * m->itemsize;
        if (!is_fill(m, element)) {
            chunk_fill(m, element, 1);
            cleared = true;
        }
    }
    return cleared;
}

/* Dead rows become what they would be had nobody written them. */
static int clear_dead(const struct ending *x)
{
    char *elements = x->s->chunk.area[CHUNK_ELEMENTS];
    bool cleared = false;
    for (int64_t row = x->begin; row < x->end; row++)
        if (is_dead(x->how, row))
            cleared = clear_row(x->a, row - x->begin, elements) || cleared;
    return cleared
               ? chunk_replace(x->s, x->a, &x->names, x->key, elements, group_sync_of(x->s), x->e)
               : 0;
}

static int remove_chunk(const struct ending *x)
{
    int r = unlink(x->names.path) < 0 && errno != ENOENT ? -errno : 0;
    return chunk_explain(r, "remove", x->a, x->key, x->e);
}

static int tell_lost(const struct ending *x, const unsigned char *lost, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (lost[i] && !is_dead(x->how, x->begin + i))
            return error_set(x->e, STORE_BROKEN, NULL,
                             "chunk %s of array \"%s\" was removed, cut or changed: what member "
                             "%" PRId64 " had written there is lost",
                             x->key, x->a->name, x->begin + i);
    return 0;
}

/* Whether something that was done is lost, though the chunk was made anew since. */
static int check_log(const struct ending *x)
{
    struct stat st;
    int fd = open(x->names.lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    int64_t n = x->end - x->begin;
    if (r == 0 && st.st_size > 0 && n > 0) {
        unsigned char *lost = mem_try_array((size_t)n, 1);
        r = lost ? chunk_log_lost(fd, x->begin, n, lost) : -ENOMEM;
        if (r == 0)
            r = tell_lost(x, lost, n);
        free(lost);
    }
    if (fd >= 0)
        close(fd);
    return r == -ENOENT ? 0 : chunk_explain(r, "read the log of", x->a, x->key, x->e);
}

static int check_missing(const struct ending *x)
{
    int r = group_check_missing(x->s, x->a->name, x->key);
    if (r < 0)
        return chunk_explain(r, "read", x->a, x->key, x->e);
    return x->must_be ? error_set(x->e, STORE_BROKEN, NULL, "chunk %s of array \"%s\" is missing",
                                  x->key, x->a->name)
                      : 0;
}

static int check_chunk(const struct ending *x)
{
    int r = check_log(x);
    if (r != 0)
        return r;
    r = chunk_load(x->s, x->a, x->names.path, x->s->chunk.area[CHUNK_ELEMENTS]);
    if (r == -ENOENT)
        return check_missing(x);
    if (r == STORE_BROKEN)
        return chunk_broken(x->a, x->key, x->e);
    if (r < 0)
        return chunk_explain(r, "read", x->a, x->key, x->e);
    return x->rows == ROWS_SOME_DEAD ? clear_dead(x) : 0;
}

static int end_chunk(struct ending *x, const char *key, int64_t row)
{
    const struct store_meta *m = &x->a->meta;
    x->key = key;
    x->names = chunk_names(x->s, x->a, key);
    x->rows = ROWS_LIVE;
    x->begin = x->end = 0;
    if (x->how->has_rows) {
        int64_t within = m->shape[0] - row * m->chunks[0];
        x->begin = row * m->chunks[0];
        x->end = x->begin + (within < m->chunks[0] ? within : m->chunks[0]);
        x->rows = rows_of(x->how, x->begin, x->end);
    }
    int r = x->rows == ROWS_DEAD ? remove_chunk(x) : check_chunk(x);
    if (r == 0 && x->how->look)
        r = x->how->look(x->how->userdata);
    return r;
}

/* ---- one array ------------------------------------------------------------------------------- */

static int end_full_chunk(void *userdata, const struct chunk_selection *p)
{
    struct ending *x = userdata;
    x->must_be = true;
    return end_chunk(x, p->key, p->index[0]);
}

static bool is_in(const struct store_meta *m, const int64_t *extents, const int64_t *index)
{
    for (int d = 0; d < m->ndim; d++)
        if (index[d] > (INT64_MAX - 1) / m->chunks[d] || index[d] * m->chunks[d] >= extents[d])
            return false;
    return true;
}

/* A chunk that was locked was written, by some row that lived or died. */
static int end_traced_chunk(struct ending *x, const char *key)
{
    int64_t index[SIMLAB_MAX_DIMS] = {0};
    if (!chunk_keys_parse(key, x->a->meta.ndim, index) ||
        !is_in(&x->a->meta, x->a->meta.shape, index) ||
        (x->how->full && is_in(&x->a->meta, x->how->full, index)))
        return 0;
    const struct store_meta *m = &x->a->meta;
    int64_t first = index[0] * m->chunks[0], within = m->shape[0] - first;
    int64_t rows = within < m->chunks[0] ? within : m->chunks[0];
    x->must_be = !x->how->has_rows || rows_of(x->how, first, first + rows) == ROWS_LIVE;
    return end_chunk(x, key, index[0]);
}

static int end_array(struct ending *x)
{
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    int r = chunk_need(x->s, x->a, x->e);
    if (r == 0 && x->how->full)
        r = chunk_selection_each(x->a, start, x->how->full, end_full_chunk, x);
    if (r != 0)
        return r;
    struct chunk_keys keys;
    r = chunk_keys_read(x->s, x->a, &keys);
    r = chunk_explain(r, "list", x->a, "files", x->e);
    for (size_t i = 0; i < keys.n && r == 0; i++)
        r = end_traced_chunk(x, keys.list[i]);
    chunk_keys_clear(&keys);
    return r;
}

int store_end_array(struct store *s, const char *name, const struct store_end *how, struct error *e)
{
    struct ending x = {.s = s, .how = how, .e = e};
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get(s, name, &x.a, e);
    if (r == 0)
        r = array_refresh(s, x.a, e);
    return r ? r : end_array(&x);
}

int store_verify(struct store *s, const char *name, struct error *e)
{
    struct store_end how = {0};
    struct ending x = {.s = s, .how = &how, .e = e};
    int r = array_get(s, name, &x.a, e);
    if (r == 0)
        r = array_refresh(s, x.a, e);
    if (r != 0)
        return r;
    how.full = x.a->meta.shape;
    return end_array(&x);
}

/* ---- chunks of zeros ------------------------------------------------------------------------- */

/* They are brought to the disk one by one: where the system fails to, another try would find them
 * standing, and not write them again. */
static int fill_chunk(void *userdata, const struct chunk_selection *p)
{
    struct ending *x = userdata;
    x->names = chunk_names(x->s, x->a, p->key);
    if (access(x->names.path, F_OK) == 0)
        return 0;
    int r = errno == ENOENT ? group_check_missing(x->s, x->a->name, p->key) : -errno;
    if (r < 0)
        return chunk_explain(r, "look for", x->a, p->key, x->e);
    void *elements = x->s->chunk.area[CHUNK_ELEMENTS];
    chunk_fill(&x->a->meta, elements, x->a->codec.n);
    return chunk_replace(x->s, x->a, &x->names, p->key, elements, group_sync_of(x->s), x->e);
}

int store_fill_missing(struct store *s, const char *name, struct error *e)
{
    struct ending x = {.s = s, .e = e};
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    int r = group_check_writable(s, e);
    if (r == 0)
        r = array_get(s, name, &x.a, e);
    if (r == 0)
        r = array_refresh(s, x.a, e);
    if (r != 0 || x.a->meta.has_fill)
        return r;
    r = chunk_need(s, x.a, e);
    return r ? r : chunk_selection_each(x.a, start, x.a->meta.shape, fill_chunk, &x);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Hidden files whose writers are gone. */
static bool is_leftover(const char *name)
{
    static const char *const suffixes[] = {".partial", ".staged"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t length = strlen(suffixes[i]);
        if (*name == '.' && n > length + 1 && !strcmp(name + n - length, suffixes[i]))
            return true;
    }
    return false;
}

static int remove_leftovers(const char *directory)
{
    DIR *d = opendir(directory);
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && (entry = readdir(d)))
        if (is_leftover(entry->d_name) && entry->d_type != DT_DIR &&
            unlinkat(dirfd(d), entry->d_name, 0) < 0 && errno != ENOENT && errno != EISDIR)
            r = -errno;
    closedir(d);
    return r;
}

static int remove_all_leftovers(struct store *s, struct error *e)
{
    json_t *names = NULL, *name;
    size_t i;
    int r = store_arrays(s, &names, e);
    if (r != 0)
        return r;
    r = remove_leftovers(s->path);
    json_array_foreach(names, i, name)
    {
        char *directory = file_join(s->path, json_string_value(name));
        if (r == 0)
            r = remove_leftovers(directory);
        free(directory);
    }
    json_decref(names);
    return error_errno(e, r, "remove what interrupted writers left in the store");
}

int store_finish(struct store *s, struct error *e)
{
    int r = group_check_writable(s, e);
    if (r == 0)
        r = remove_all_leftovers(s, e);
    if (r == 0)
        r = store_consolidate(s, e);
    return r ? r : store_sync(s, e);
}

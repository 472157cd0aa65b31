/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_end.h"

#include "base/mem.h"
#include "store/chunk.h"
#include "store/chunk_log.h"
#include "store/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- dead rows ------------------------------------------------------------------------------- */

/* The first of the ranges that ends beyond `row`. */
static size_t range_at(const int64_t (*ranges)[2], size_t n, int64_t row)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle][1] <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_in(const int64_t (*ranges)[2], size_t n, int64_t row)
{
    size_t i = range_at(ranges, n, row);
    return i < n && ranges[i][0] <= row;
}

static bool is_dead(const struct store_end *how, int64_t row)
{
    return is_in(how->dead, how->n_dead, row);
}

bool chunk_end_none_dead(const struct store_end *how, int64_t begin, int64_t end)
{
    size_t i = range_at(how->dead, how->n_dead, begin);
    return i == how->n_dead || how->dead[i][0] >= end;
}

bool chunk_end_all_dead(const struct store_end *how, int64_t begin, int64_t end)
{
    int64_t upto = begin;
    for (size_t i = range_at(how->dead, how->n_dead, begin);
         i < how->n_dead && how->dead[i][0] <= upto && upto < end; i++)
        upto = how->dead[i][1];
    return upto >= end;
}

/* ---- the chunk ------------------------------------------------------------------------------- */

struct ending {
    const struct chunk_end *what;
    struct chunk_names names;
    const char *key;
    bool must_be, is_full;
    int64_t within[SIMLAB_MAX_DIMS]; /* extents of it that lie within the array */
    int64_t first, n_rows;           /* none where the array has none */
    /* Of each row: enum chunk_row, then whether it is to be cleared. NULL: there are none. */
    unsigned char *rows;
    bool a_row_stays;
};

static int explain(const struct ending *x, int r, const char *doing)
{
    return chunk_explain(r, doing, x->what->a, x->key, x->what->e);
}

static int check_missing(const struct ending *x)
{
    return group_check_missing(x->what->s, x->what->a->name, x->key);
}

static int remove_chunk(const struct ending *x)
{
    int r = fence_check(x->what->s, x->what->e);
    if (r < 0)
        return r;
    r = unlink(x->names.path) < 0 ? -errno : 0;
    return explain(x, r == -ENOENT ? check_missing(x) : r, "remove");
}

/* ---- what its log tells ---------------------------------------------------------------------- */

/* What is done before the log begins is as if it stood there first: the chunk had it. */
static void begin_with_kept(const struct ending *x)
{
    const struct store_end *how = x->what->how;
    for (int64_t i = 0; i < x->n_rows && how->n_kept > 0 && x->is_full; i++)
        if (is_in(how->kept, how->n_kept, x->first + i))
            x->rows[i] = CHUNK_ROW_WRITTEN;
}

/* *ret_is_told: there is a log. */
static int read_log(const struct ending *x, bool *ret_is_told)
{
    struct stat st;
    int fd = open(x->names.lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    *ret_is_told = r == 0 && st.st_size > 0;
    begin_with_kept(x);
    if (*ret_is_told)
        r = chunk_log_read(fd, x->first, x->n_rows, x->rows);
    if (fd >= 0)
        close(fd);
    return r == -ENOENT ? 0 : explain(x, r, "read the log of");
}

static int tell_lost(const struct ending *x, int64_t row)
{
    return error_set(x->what->e, STORE_BROKEN, NULL,
                     "chunk %s of array \"%s\" was removed, cut or changed: what member %" PRId64
                     " had written there is lost",
                     x->key, x->what->a->name, row);
}

/* Rows to be cleared; STORE_BROKEN where something that was done is lost, though the chunk was made
 * anew since. */
static int judge_rows(struct ending *x)
{
    bool is_told;
    int r = read_log(x, &is_told);
    const struct chunk_end *w = x->what;
    bool lacks = is_told && w->s->is_logged && !x->is_full && !w->a->meta.filters;
    for (int64_t i = 0; i < x->n_rows && r == 0; i++) {
        bool dead = is_dead(x->what->how, x->first + i);
        if (x->rows[i] == CHUNK_ROW_LOST && !dead)
            return tell_lost(x, x->first + i);
        x->a_row_stays |= !dead && !(lacks && x->rows[i] == CHUNK_ROW_UNWRITTEN);
        x->rows[i] = dead || (lacks && x->rows[i] <= CHUNK_ROW_BLANK);
    }
    return r;
}

static bool any_row_stays(const struct ending *x)
{
    return x->n_rows == 0 || x->a_row_stays;
}

/* ---- what is to be the fill value ------------------------------------------------------------ */

/* What a filter made of the fill values beyond the array is not looked at. */
static bool has_something_to_clear(const struct ending *x)
{
    const struct store_meta *m = &x->what->a->meta;
    bool is_cut = false;
    for (int d = 0; d < m->ndim; d++)
        is_cut = is_cut || x->within[d] < m->chunks[d];
    return (is_cut && !m->filters) || (x->n_rows > 0 && memchr(x->rows, 1, (size_t)x->n_rows));
}

/* Of a run of elements along the last dim. */
static bool clear_run(const struct ending *x, bool all, char *element)
{
    const struct store_array *a = x->what->a;
    const struct store_meta *m = &a->meta;
    int last = m->ndim - 1;
    size_t step = (size_t)a->strides[last] * m->itemsize;
    bool cleared = false;
    for (int64_t i = all ? 0 : x->within[last]; i < m->chunks[last]; i++) {
        char *one = element + (size_t)i * step;
        if (!chunk_is_fill(m, one)) {
            chunk_fill(m, one, 1);
            cleared = true;
        }
    }
    return cleared;
}

static bool is_beyond(const struct ending *x, const int64_t *index, int d)
{
    if (index[d] >= x->within[d])
        return true;
    return d == 0 && x->n_rows > 0 && x->rows[index[0]];
}

/* True where something was not the fill value. The last dim is gone through in runs, those before
 * it as an odometer; where the only dim is that of rows, each is its own run. */
static bool clear(const struct ending *x, char *elements)
{
    const struct store_array *a = x->what->a;
    const struct store_meta *m = &a->meta;
    int64_t index[SIMLAB_MAX_DIMS] = {0};
    int outer = m->ndim - 1;
    bool cleared = false;
    for (bool more = true; more;) {
        bool all = false;
        size_t at = 0;
        for (int d = 0; d < outer; d++) {
            all = all || is_beyond(x, index, d);
            at += (size_t)(index[d] * a->strides[d]);
        }
        cleared = clear_run(x, all, elements + at * m->itemsize) || cleared;
        more = false;
        for (int d = outer; d-- > 0 && !more;) {
            more = ++index[d] < m->chunks[d];
            index[d] = more ? index[d] : 0;
        }
    }
    return cleared;
}

/* Rows of one element each. */
static bool clear_rows(const struct ending *x, char *elements)
{
    const struct store_meta *m = &x->what->a->meta;
    bool cleared = false;
    for (int64_t i = 0; i < x->n_rows; i++) {
        char *element = elements + (size_t)i * m->itemsize;
        if (x->rows[i] && !chunk_is_fill(m, element)) {
            chunk_fill(m, element, 1);
            cleared = true;
        }
    }
    return clear_run(x, false, elements) || cleared;
}

/* True where something was not the fill value. */
static bool make_canonical(const struct ending *x, char *elements)
{
    const struct store_meta *m = &x->what->a->meta;
    if (!x->what->may_write || m->ndim == 0 || !has_something_to_clear(x))
        return false;
    return m->ndim == 1 ? clear_rows(x, elements) : clear(x, elements);
}

static int replace(const struct ending *x, const void *elements)
{
    const struct chunk_end *w = x->what;
    int r = fence_check(w->s, w->e);
    return r ? r
             : chunk_replace(w->s, w->a, &x->names, x->key, elements, group_sync_of(w->s), w->e);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int check(const struct ending *x)
{
    const struct chunk_end *w = x->what;
    void *elements = w->s->chunk.area[CHUNK_ELEMENTS];
    size_t size;
    int r = chunk_load(w->s, w->a, x->names.path, elements, &size);
    if (r == -ENOENT && !(r = check_missing(x)))
        return x->must_be && any_row_stays(x)
                   ? error_set(w->e, STORE_BROKEN, NULL, "chunk %s of array \"%s\" is missing",
                               x->key, w->a->name)
                   : 0;
    if (r == STORE_BROKEN)
        return chunk_broken(w->a, x->key, w->e);
    if (r < 0)
        return explain(x, r, "read");
    if (make_canonical(x, elements))
        return replace(x, elements);
    if (w->sums)
        chunk_sums_add(w->sums, x->key, w->s->chunk.area[CHUNK_FILE], size);
    return 0;
}

static void find_extents(struct ending *x, const int64_t *index)
{
    const struct store_meta *m = &x->what->a->meta;
    for (int d = 0; d < m->ndim; d++) {
        int64_t within = m->shape[d] - index[d] * m->chunks[d];
        x->within[d] = within < m->chunks[d] ? within : m->chunks[d];
    }
    if (x->what->how->has_rows) {
        x->first = index[0] * m->chunks[0];
        x->n_rows = x->within[0];
    }
}

/* What the rows that were computed again have not written again. */
static bool is_dropped(const struct ending *x)
{
    const struct store_end *how = x->what->how;
    size_t i = range_at(how->kept, how->n_kept, x->first);
    bool is_kept = x->n_rows > 0 && i < how->n_kept && how->kept[i][0] < x->first + x->n_rows;
    return how->drops_unwritten && !is_kept && access(x->names.lock, F_OK) < 0 && errno == ENOENT;
}

int chunk_end(const struct chunk_end *what, const char *key, const int64_t *index, bool must_be,
              bool is_full)
{
    struct ending x = {.what = what, .key = key, .must_be = must_be, .is_full = is_full};
    x.names = chunk_names(what->s, what->a, key);
    find_extents(&x, index);
    if (x.n_rows > 0 && chunk_end_all_dead(what->how, x.first, x.first + x.n_rows))
        return remove_chunk(&x);
    if (what->may_write && is_dropped(&x)) {
        int r = remove_chunk(&x);
        if (r != 0 || !is_full)
            return r;
    }
    if (x.n_rows > 0 && !(x.rows = mem_try_array((size_t)x.n_rows, 1)))
        return explain(&x, -ENOMEM, "hold the rows of");
    int r = x.n_rows > 0 ? judge_rows(&x) : 0;
    if (r == 0)
        r = any_row_stays(&x) ? check(&x) : remove_chunk(&x);
    free(x.rows);
    return r;
}

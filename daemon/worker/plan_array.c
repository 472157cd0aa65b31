/* SPDX-License-Identifier: Apache-2.0 */
/* What one array of a planned job takes. */
#include "base/file.h"
#include "base/mem.h"
#include "worker/plan_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Values that are looked at. */
#define SAMPLE_BYTES ((size_t)4 << 20)
#define SAMPLE_MOST  ((size_t)64 << 20)

int64_t planned_chunks(int ndim, const int64_t *shape, const int64_t *chunks)
{
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) {
        int64_t pieces = shape[d] > 0 ? (shape[d] - 1) / chunks[d] + 1 : 0;
        if (__builtin_mul_overflow(n, pieces, &n))
            return INT64_MAX;
    }
    return n;
}

static double bytes_of(const struct store_meta *m, const int64_t *shape)
{
    double bytes = (double)m->itemsize;
    for (int d = 0; d < m->ndim; d++)
        bytes *= (double)shape[d];
    return bytes;
}

/* ---- files that were written ---- */

/* Of chunks whose first index is below `rows`; other files are metadata, or hidden. */
static int written_bytes(const struct store *s, const char *name, int64_t rows, double *ret)
{
    char *path = file_join(store_path(s), name);
    DIR *directory = opendir(path);
    int r = directory ? 0 : -errno;
    const struct dirent *entry = NULL;
    double sum = 0;
    while (r == 0 && (r = file_next_entry(directory, &entry)) == 0 && entry) {
        struct stat st;
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
            strtoll(entry->d_name, NULL, 10) < rows &&
            fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (double)st.st_size;
    }
    if (directory)
        closedir(directory);
    free(path);
    *ret = sum;
    return r;
}

/* What a writer has not published is hidden, and has an ending. */
static bool is_other(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    bool is_hidden = entry->d_name[0] == '.' && ending != entry->d_name;
    return entry->d_type != DT_DIR && !is_hidden &&
           !(entry->d_name[0] >= '0' && entry->d_name[0] <= '9');
}

int planned_others(const char *path, int64_t *ret)
{
    DIR *directory = opendir(path);
    int r = directory ? 0 : -errno;
    const struct dirent *entry = NULL;
    int64_t n = 0;
    while (r == 0 && (r = file_next_entry(directory, &entry)) == 0 && entry)
        n += is_other(entry);
    if (directory)
        closedir(directory);
    *ret = n;
    return r;
}

/* ---- values that were saved ---- */

/* From the start, as much of the first axis as is looked at. False: a part of it is too much. */
static bool choose_sample(struct planned_array *a, int64_t members, int64_t *ret_shape)
{
    const struct store_meta *m = &a->meta;
    memcpy(ret_shape, m->shape, sizeof m->shape);
    if (m->ndim > 0 && m->shape[0] > 0) {
        double row = bytes_of(m, m->shape) / (double)m->shape[0];
        double most = row > 0 ? (double)SAMPLE_BYTES / row : 1;
        int64_t there = a->has_batch && members < m->shape[0] ? members : m->shape[0];
        ret_shape[0] = (double)there > most ? (int64_t)most : there;
        ret_shape[0] = ret_shape[0] > 0 ? ret_shape[0] : 1;
        a->is_sampled_whole = ret_shape[0] == there;
    }
    double bytes = bytes_of(m, ret_shape);
    return bytes > 0 && bytes <= (double)SAMPLE_MOST;
}

static bool is_single(const struct store_meta *m, const void *values, size_t bytes)
{
    const double *v = values;
    bool is_whole = true, is_exact = true;
    if (m->dtype != SIMLAB_F8)
        return false;
    for (size_t i = 0; i < bytes / sizeof *v && is_exact; i++) {
        is_exact = !(v[i] == v[i]) || (double)(float)v[i] == v[i];
        is_whole = is_whole && (!(v[i] == v[i]) || v[i] == 0);
    }
    return is_exact && !is_whole; /* of nothing but zeros nothing is learnt */
}

/* As one chunk. */
static int encode_sample(struct planned_array *a, struct store *samples, const int64_t *shape,
                         const void *values, struct error *e)
{
    const int64_t start[SIMLAB_MAX_DIMS] = {0};
    const char *dims[SIMLAB_MAX_DIMS];
    struct store_meta m = a->meta;
    memcpy(m.shape, shape, sizeof m.shape);
    memcpy(m.chunks, shape, sizeof m.chunks);
    for (int d = 0; d < m.ndim; d++)
        dims[d] = json_string_value(json_array_get(a->dims, (size_t)d));
    int r = store_create_array(samples, a->name, &m, dims, NULL, e);
    r = r ? r : store_write(samples, a->name, start, shape, values, e);
    r = r ? r : written_bytes(samples, a->name, INT64_MAX, &a->sample_stored);
    if (r == 0)
        a->sample_bytes = bytes_of(&m, shape);
    return r;
}

static int take_sample(struct planned_array *a, int64_t members, struct store *store,
                       struct store *samples, struct error *e)
{
    const int64_t start[SIMLAB_MAX_DIMS] = {0};
    int64_t shape[SIMLAB_MAX_DIMS];
    if (!choose_sample(a, members, shape))
        return 0;
    size_t bytes = (size_t)bytes_of(&a->meta, shape);
    void *values = mem_new(bytes);
    int r = store_read(store, a->name, start, shape, values, e);
    a->is_single = r == 0 && is_single(&a->meta, values, bytes);
    r = r ? r : encode_sample(a, samples, shape, values, e);
    free(values);
    return r;
}

/* ---- the whole ---- */

static bool is_output(const struct planned_array *a)
{
    return !strcmp(a->role, "output");
}

/* Where whole chunk rows were written, by these; else by the sample. */
static int estimate(struct planned_array *a, int64_t members, struct store *store)
{
    const struct store_meta *m = &a->meta;
    bool is_part = is_output(a) && a->has_batch && members < m->shape[0];
    int64_t rows = is_part ? members / m->chunks[0] : INT64_MAX;
    int r = written_bytes(store, a->name, rows, &a->stored);
    if (is_part && rows > 0)
        a->stored *= (double)m->shape[0] / (double)(rows * m->chunks[0]);
    else if (is_part)
        a->stored =
            a->sample_bytes > 0 ? a->bytes * (a->sample_stored / a->sample_bytes) : a->bytes;
    return r;
}

static bool is_dim(const struct planned_array *a, int axis, const char *name)
{
    const char *dim = json_string_value(json_array_get(a->dims, (size_t)axis));
    return axis < a->meta.ndim && dim && name && !strcmp(dim, name);
}

int planned_array_measure(const struct job *job, int64_t members, struct store *store,
                          struct store *samples, struct planned_array *a, struct error *e)
{
    a->has_batch = is_dim(a, 0, job->batch_dim);
    for (int i = 0; i < job->n_clocks; i++)
        a->has_clock = a->has_clock || is_dim(a, a->has_batch, job->clocks[i].name);
    a->bytes = bytes_of(&a->meta, a->meta.shape);
    int r = !is_output(a) ? 0 : take_sample(a, members, store, samples, e);
    char *directory = file_join(store_path(store), a->name);
    r = r ? r : error_errno(e, planned_others(directory, &a->n_others), "look at its files");
    free(directory);
    return r ? r : error_errno(e, estimate(a, members, store), "look at its files");
}

void planned_array_clear(struct planned_array *a)
{
    store_meta_clear(&a->meta);
    json_decref(a->dims);
}

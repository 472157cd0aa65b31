/* SPDX-License-Identifier: Apache-2.0 */
#include "export/export.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ndarray.h"
#include "export/netcdf.h"
#include "export/selection.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* HDF5 takes less than 4 GiB in a chunk. */
static const double chunk_bytes_most = 1 << 30;

struct exporter {
    struct store *store;
    const struct export_options *o;
    struct selection chosen;
    struct netcdf *file;
    int *dims;                         /* the file's, by those of the selection; -1: not in it */
    struct netcdf_variable *variables; /* one for each array that is wanted */
    struct error *e;
};

/* ---- what the file has ---- */

/* What nobody reads but of a Zarr store, and what the variable says by its type. */
static bool is_of_store(const char *attribute)
{
    static const char *const names[] = {"_ARRAY_DIMENSIONS", "_Encoding", "_FillValue", "_CRS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(attribute, names[i]))
            return true;
    return false;
}

static int add_attributes(struct exporter *x, int variable, const char *of, const json_t *attrs)
{
    const char *name;
    json_t *value;
    int r = 0;
    json_object_foreach((json_t *)attrs, name, value)
    {
        struct error why = {0};
        if (is_of_store(name))
            continue;
        r = netcdf_add_attribute(x->file, variable, name, value, &why);
        if (r == EXPORT_REFUSED) {
            char *line = mem_printf("%s has no attribute %s: %s", of, name, why.message);
            x->o->say(line);
            free(line);
            r = 0;
        } else if (r != 0) {
            *x->e = why;
            break;
        }
    }
    return r;
}

static int add_dims(struct exporter *x, const struct selected_array *a, struct netcdf_variable *v)
{
    for (int d = 0; d < a->meta.ndim; d++) {
        const struct selected_dim *dim = &x->chosen.dims[a->axes[d]];
        int *id = &x->dims[a->axes[d]];
        int r = *id >= 0 ? 0 : netcdf_add_dim(x->file, dim->name, dim->n, id, x->e);
        if (r != 0)
            return r;
        v->dims[d] = *id;
    }
    return 0;
}

/* As the store's, so that each is read once and written once. */
static void choose_chunks(const struct exporter *x, const struct selected_array *a, int64_t *ret)
{
    double bytes = (double)a->meta.itemsize;
    for (int d = 0; d < a->meta.ndim; d++) {
        int64_t n = x->chosen.dims[a->axes[d]].n;
        ret[d] = n < 1 ? 1 : a->meta.chunks[d] < n ? a->meta.chunks[d] : n;
        bytes *= (double)ret[d];
    }
    for (int d = 0; d < a->meta.ndim; d++)
        for (; bytes > chunk_bytes_most && ret[d] > 1; bytes /= 2)
            ret[d] -= ret[d] / 2;
}

static int add_variable(struct exporter *x, const struct selected_array *a,
                        struct netcdf_variable *v)
{
    *v = (struct netcdf_variable){.name = a->name,
                                  .dtype = a->meta.dtype,
                                  .itemsize = a->meta.itemsize,
                                  .ndim = a->meta.ndim,
                                  .fill = a->meta.has_fill ? a->meta.fill : NULL,
                                  .is_compressed = a->meta.codec.compressor != STORE_RAW};
    choose_chunks(x, a, v->chunks);
    int r = add_dims(x, a, v);
    r = r ? r : netcdf_add_variable(x->file, v, x->e);
    return r ? r : add_attributes(x, v->id, a->name, a->attrs);
}

static int define(struct exporter *x)
{
    int r = add_attributes(x, NETCDF_ROOT, "the file", x->chosen.attrs);
    x->dims = mem_array(x->chosen.n_dims, sizeof *x->dims);
    x->variables = mem_array(x->chosen.n_wanted, sizeof *x->variables);
    for (size_t i = 0; i < x->chosen.n_dims; i++)
        x->dims[i] = -1;
    for (size_t i = 0; i < x->chosen.n_wanted && r == 0; i++)
        r = add_variable(x, &x->chosen.arrays[i], &x->variables[i]);
    return r;
}

/* ---- values ---- */

/* Which axis has members of which some are chosen; -1: none. */
static int chosen_axis(const struct exporter *x, const struct selected_array *a)
{
    for (int d = 0; d < a->meta.ndim && x->o->n_members > 0; d++)
        if (a->axes[d] == x->chosen.members)
            return d;
    return -1;
}

static int read_part(struct exporter *x, const struct selected_array *a, const int64_t *start,
                     const int64_t *count, void *ret)
{
    return selection_result_of_store(store_read(x->store, a->name, start, count, ret, x->e));
}

/* Members [start[axis] + at, …) of the file, so many of them as follow one another in the store,
 * too: *ret_n. */
static int read_run(struct exporter *x, const struct selected_array *a, int axis,
                    const int64_t *start, const int64_t *count, int64_t at, char *ret,
                    int64_t *ret_n)
{
    int64_t from[SIMLAB_MAX_DIMS], n[SIMLAB_MAX_DIMS];
    int64_t steps[SIMLAB_MAX_DIMS], run_steps[SIMLAB_MAX_DIMS];
    memcpy(from, start, sizeof from);
    memcpy(n, count, sizeof n);
    int64_t skip = start[axis] + at;
    const int64_t(*range)[2] = x->o->members;
    for (; skip >= (*range)[1] - (*range)[0]; range++)
        skip -= (*range)[1] - (*range)[0];
    from[axis] = (*range)[0] + skip;
    int64_t left = (*range)[1] - from[axis];
    n[axis] = left < count[axis] - at ? left : count[axis] - at;
    struct ndarray run = {0};
    int r = error_errno(x->e, ndarray_init(&run, a->meta.dtype, a->meta.itemsize, a->meta.ndim, n),
                        "hold members");
    r = r ? r : read_part(x, a, from, n, run.data);
    if (r == 0) {
        ndarray_steps(a->meta.ndim, count, a->meta.itemsize, steps);
        ndarray_steps(a->meta.ndim, n, a->meta.itemsize, run_steps);
        ndarray_copy_box(a->meta.ndim, n, a->meta.itemsize, ret + at * steps[axis], steps, run.data,
                         run_steps);
        *ret_n = n[axis];
    }
    ndarray_clear(&run);
    return r;
}

static int read_box(struct exporter *x, const struct selected_array *a, const int64_t *start,
                    const int64_t *count, void *ret)
{
    int axis = chosen_axis(x, a), r = 0;
    int64_t n = 0;
    if (axis < 0)
        return read_part(x, a, start, count, ret);
    for (int64_t at = 0; at < count[axis] && r == 0; at += n)
        r = read_run(x, a, axis, start, count, at, ret, &n);
    return r;
}

/* The next chunk of the file, in C order; false behind the last. */
static bool next_box(int ndim, const int64_t *shape, const int64_t *chunks, int64_t *start)
{
    for (int d = ndim; d-- > 0;) {
        start[d] += chunks[d];
        if (start[d] < shape[d])
            return true;
        start[d] = 0;
    }
    return false;
}

static int copy_boxes(struct exporter *x, const struct selected_array *a,
                      const struct netcdf_variable *v, const int64_t *shape, void *data)
{
    int64_t start[SIMLAB_MAX_DIMS] = {0}, count[SIMLAB_MAX_DIMS] = {0};
    int r;
    do {
        for (int d = 0; d < v->ndim; d++) {
            int64_t left = shape[d] - start[d];
            count[d] = left < v->chunks[d] ? left : v->chunks[d];
        }
        r = read_box(x, a, start, count, data);
        r = r ? r : netcdf_write(x->file, v, start, count, data, x->e);
    } while (r == 0 && next_box(v->ndim, shape, v->chunks, start));
    return r;
}

static int copy(struct exporter *x, const struct selected_array *a, const struct netcdf_variable *v)
{
    int64_t shape[SIMLAB_MAX_DIMS];
    struct ndarray chunk = {0};
    int n_members = 0;
    for (int d = 0; d < a->meta.ndim; d++) {
        shape[d] = x->chosen.dims[a->axes[d]].n;
        n_members += a->axes[d] == x->chosen.members;
        if (shape[d] == 0)
            return 0;
    }
    if (n_members > 1 && x->o->n_members > 0)
        return error_set(x->e, EXPORT_REFUSED, NULL,
                         "%.200s has the members along several axes: export all of them", a->name);
    int r = ndarray_init(&chunk, v->dtype, v->itemsize, v->ndim, v->chunks);
    r = r ? error_errno(x->e, r, "hold a chunk") : copy_boxes(x, a, v, shape, chunk.data);
    ndarray_clear(&chunk);
    return r;
}

/* ---- all of it ---- */

static int write_file(struct exporter *x, const char *path)
{
    int r = netcdf_create(path, &x->file, x->e);
    if (r != 0)
        return r;
    r = define(x);
    for (size_t i = 0; i < x->chosen.n_wanted && r == 0; i++)
        r = copy(x, &x->chosen.arrays[i], &x->variables[i]);
    if (r == 0)
        r = netcdf_close(x->file, x->e);
    else
        netcdf_discard(x->file);
    return r;
}

int export_write(struct store *s, const struct export_options *o, struct error *e)
{
    struct exporter x = {.store = s, .o = o, .e = e};
    /* From the root: the library takes what looks like an URL for one. */
    char *path = file_absolute(o->output), *temporary = mem_printf("%s.partial", path);
    int r = selection_read(s, o, &x.chosen, e);
    if (r == 0) {
        r = write_file(&x, temporary);
        r = r ? r : error_errno(e, file_rename(temporary, path), "write the file");
        if (r != 0)
            unlink(temporary);
    }
    selection_clear(&x.chosen);
    free(x.dims);
    free(x.variables);
    free(temporary);
    free(path);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "export/netcdf.h"

#include "base/json.h"
#include "base/mem.h"
#include "export/export.h"

#include <limits.h>
#include <netcdf.h>
#include <stdlib.h>
#include <string.h>

enum { DEFLATE_LEVEL = 1 /* with shuffled bytes, more of it gains little and costs much */ };

struct netcdf {
    int id;
    nc_type complex_types[2]; /* of f4 and f8 parts; 0: not defined */
};

/* What the library says of a call; positive numbers of it are errnos. */
static int found(int status, const char *doing, const char *name, struct error *e)
{
    if (status == NC_NOERR)
        return 0;
    bool is_name = status == NC_EBADNAME || status == NC_ENAMEINUSE || status == NC_EMAXNAME;
    error_set(e, 0, NULL, "cannot %s %.200s: %s", doing, name, nc_strerror(status));
    return status > 0 ? -status : is_name ? EXPORT_REFUSED : EXPORT_FAILED;
}

int netcdf_create(const char *path, struct netcdf **ret, struct error *e)
{
    int id;
    int r = found(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id), "write", path, e);
    if (r != 0)
        return r;
    /* Every value is written: the library need not fill them before. */
    nc_set_fill(id, NC_NOFILL, NULL);
    struct netcdf *f = mem_new(sizeof *f);
    f->id = id;
    *ret = f;
    return 0;
}

int netcdf_close(struct netcdf *f, struct error *e)
{
    int r = found(nc_close(f->id), "write", "the file", e);
    free(f);
    return r;
}

void netcdf_discard(struct netcdf *f)
{
    if (f)
        nc_close(f->id);
    free(f);
}

int netcdf_add_dim(struct netcdf *f, const char *name, int64_t n, int *ret_dim, struct error *e)
{
    return found(nc_def_dim(f->id, name, n > 0 ? (size_t)n : NC_UNLIMITED, ret_dim),
                 "define the dimension", name, e);
}

/* ---- variables ---- */

/* Compounds of r and i under the names that netCDF4's auto_complex knows. */
static int complex_type(struct netcdf *f, int dtype, nc_type *ret, struct error *e)
{
    static const char *const names[] = {"_PFNC_FLOAT_COMPLEX_TYPE", "_PFNC_DOUBLE_COMPLEX_TYPE"};
    int i = dtype == SIMLAB_C16;
    size_t size = i ? sizeof(double) : sizeof(float);
    nc_type part = i ? NC_DOUBLE : NC_FLOAT, type;
    if (!f->complex_types[i]) {
        int status = nc_def_compound(f->id, 2 * size, names[i], &type);
        if (status == NC_NOERR)
            status = nc_insert_compound(f->id, type, "r", 0, part);
        if (status == NC_NOERR)
            status = nc_insert_compound(f->id, type, "i", size, part);
        if (status != NC_NOERR)
            return found(status, "define the type", names[i], e);
        f->complex_types[i] = type;
    }
    *ret = f->complex_types[i];
    return 0;
}

static int type_of(struct netcdf *f, int dtype, nc_type *ret, struct error *e)
{
    static const nc_type types[SIMLAB_N_DTYPES] = {
        [SIMLAB_F8] = NC_DOUBLE, [SIMLAB_F4] = NC_FLOAT,  [SIMLAB_I1] = NC_BYTE,
        [SIMLAB_I2] = NC_SHORT,  [SIMLAB_I4] = NC_INT,    [SIMLAB_I8] = NC_INT64,
        [SIMLAB_U1] = NC_UBYTE,  [SIMLAB_U2] = NC_USHORT, [SIMLAB_U4] = NC_UINT,
        [SIMLAB_U8] = NC_UINT64, [SIMLAB_BOOL] = NC_BYTE, [SIMLAB_STR] = NC_STRING};
    if (dtype == SIMLAB_C8 || dtype == SIMLAB_C16)
        return complex_type(f, dtype, ret, e);
    *ret = types[dtype];
    return 0;
}

static bool is_number(int dtype)
{
    return dtype != SIMLAB_STR && dtype != SIMLAB_BOOL && dtype != SIMLAB_C8 && dtype != SIMLAB_C16;
}

static int store_as(struct netcdf *f, const struct netcdf_variable *v)
{
    size_t chunks[SIMLAB_MAX_DIMS];
    for (int d = 0; d < v->ndim; d++)
        chunks[d] = (size_t)v->chunks[d];
    int status = NC_NOERR;
    if (v->ndim > 0)
        status = nc_def_var_chunking(f->id, v->id, NC_CHUNKED, chunks);
    if (status == NC_NOERR && v->ndim > 0 && v->is_compressed && v->dtype != SIMLAB_STR)
        status = nc_def_var_deflate(f->id, v->id, 1, 1, DEFLATE_LEVEL);
    if (status == NC_NOERR && v->fill && is_number(v->dtype))
        status = nc_def_var_fill(f->id, v->id, NC_FILL, v->fill);
    if (status == NC_NOERR && v->dtype == SIMLAB_BOOL)
        status = nc_put_att_text(f->id, v->id, "dtype", strlen("bool"), "bool");
    return status;
}

int netcdf_add_variable(struct netcdf *f, struct netcdf_variable *v, struct error *e)
{
    nc_type type = NC_NAT;
    int r = type_of(f, v->dtype, &type, e);
    if (r != 0)
        return r;
    int status = nc_def_var(f->id, v->name, type, v->ndim, v->dims, &v->id);
    if (status == NC_NOERR)
        status = store_as(f, v);
    return found(status, "define", v->name, e);
}

/* ---- attributes ---- */

enum list_kind { LIST_OF_OTHERS, LIST_OF_TEXTS, LIST_OF_INTEGERS, LIST_OF_NUMBERS, LIST_OF_BOOLS };

static enum list_kind kind_of(const json_t *value)
{
    uint64_t large;
    return json_is_large(value, &large) ? LIST_OF_OTHERS
           : json_is_string(value)      ? LIST_OF_TEXTS
           : json_is_integer(value)     ? LIST_OF_INTEGERS
           : json_is_real(value)        ? LIST_OF_NUMBERS
           : json_is_boolean(value)     ? LIST_OF_BOOLS
                                        : LIST_OF_OTHERS;
}

static enum list_kind kind_of_list(const json_t *list)
{
    enum list_kind kind = kind_of(json_array_get(list, 0));
    for (size_t i = 1; i < json_array_size(list); i++) {
        enum list_kind other = kind_of(json_array_get(list, i));
        bool are_numbers = (kind == LIST_OF_INTEGERS || kind == LIST_OF_NUMBERS) &&
                           (other == LIST_OF_INTEGERS || other == LIST_OF_NUMBERS);
        if (other != kind && !are_numbers)
            return LIST_OF_OTHERS;
        kind = other != kind ? LIST_OF_NUMBERS : kind;
    }
    return kind;
}

static int put_text(struct netcdf *f, int variable, const char *name, const char *text)
{
    return nc_put_att_text(f->id, variable, name, strlen(text), text);
}

static int put_texts(struct netcdf *f, int variable, const char *name, const json_t *list)
{
    size_t n = json_array_size(list);
    const char **texts = mem_array(n, sizeof *texts);
    for (size_t i = 0; i < n; i++)
        texts[i] = json_string_value(json_array_get(list, i));
    int status = nc_put_att_string(f->id, variable, name, n, texts);
    free(texts);
    return status;
}

/* As int, which all readers know, where they fit. */
static int put_integers(struct netcdf *f, int variable, const char *name, const json_t *list)
{
    size_t n = json_array_size(list);
    long long *values = mem_array(n, sizeof *values);
    bool are_small = true;
    for (size_t i = 0; i < n; i++) {
        values[i] = json_integer_value(json_array_get(list, i));
        are_small = are_small && values[i] >= INT_MIN && values[i] <= INT_MAX;
    }
    int status =
        nc_put_att_longlong(f->id, variable, name, are_small ? NC_INT : NC_INT64, n, values);
    free(values);
    return status;
}

static int put_numbers(struct netcdf *f, int variable, const char *name, const json_t *list)
{
    size_t n = json_array_size(list);
    double *values = mem_array(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = json_number_value(json_array_get(list, i));
    int status = nc_put_att_double(f->id, variable, name, NC_DOUBLE, n, values);
    free(values);
    return status;
}

static int put_bools(struct netcdf *f, int variable, const char *name, const json_t *list)
{
    size_t n = json_array_size(list);
    signed char *values = mem_array(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = json_is_true(json_array_get(list, i));
    int status = nc_put_att_schar(f->id, variable, name, NC_BYTE, n, values);
    free(values);
    return status;
}

static int put_json(struct netcdf *f, int variable, const char *name, const json_t *value)
{
    char *text = json_write(value);
    int status = put_text(f, variable, name, text);
    free(text);
    return status;
}

static int put_list(struct netcdf *f, int variable, const char *name, const json_t *list)
{
    switch (kind_of_list(list)) {
    case LIST_OF_TEXTS:
        return put_texts(f, variable, name, list);
    case LIST_OF_INTEGERS:
        return put_integers(f, variable, name, list);
    case LIST_OF_NUMBERS:
        return put_numbers(f, variable, name, list);
    case LIST_OF_BOOLS:
        return put_bools(f, variable, name, list);
    default:
        return put_json(f, variable, name, list);
    }
}

int netcdf_add_attribute(struct netcdf *f, int variable, const char *name, const json_t *value,
                         struct error *e)
{
    int to = variable == NETCDF_ROOT ? NC_GLOBAL : variable, status;
    if (kind_of(value) == LIST_OF_TEXTS) {
        status = put_text(f, to, name, json_string_value(value));
    } else if (kind_of(value) == LIST_OF_OTHERS && !json_is_array(value)) {
        status = put_json(f, to, name, value);
    } else {
        json_t *list =
            json_is_array(value) ? json_incref((json_t *)value) : json_pack("[O]", (json_t *)value);
        status = put_list(f, to, name, list);
        json_decref(list);
    }
    return found(status, "write the attribute", name, e);
}

/* ---- values ---- */

static size_t elements(int ndim, const int64_t *count)
{
    size_t n = 1;
    for (int d = 0; d < ndim; d++)
        n *= (size_t)count[d];
    return n;
}

/* Texts end at their first NUL, or fill all of their element. */
static int write_texts(struct netcdf *f, const struct netcdf_variable *v, const size_t *start,
                       const size_t *count, size_t n, const char *data)
{
    size_t room = v->itemsize + 1;
    char *copies = mem_try_array(n, room);
    const char **texts = mem_try_array(n, sizeof *texts);
    for (size_t i = 0; copies && texts && i < n; i++)
        texts[i] = memcpy(copies + i * room, data + i * v->itemsize, v->itemsize);
    int status =
        copies && texts ? nc_put_vara_string(f->id, v->id, start, count, texts) : NC_ENOMEM;
    free(texts);
    free(copies);
    return status;
}

int netcdf_write(struct netcdf *f, const struct netcdf_variable *v, const int64_t *start,
                 const int64_t *count, const void *data, struct error *e)
{
    size_t from[SIMLAB_MAX_DIMS] = {0}, n[SIMLAB_MAX_DIMS] = {0};
    for (int d = 0; d < v->ndim; d++) {
        from[d] = (size_t)start[d];
        n[d] = (size_t)count[d];
    }
    int status = v->dtype == SIMLAB_STR ? write_texts(f, v, from, n, elements(v->ndim, count), data)
                                        : nc_put_vara(f->id, v->id, from, n, data);
    return found(status, "write", v->name, e);
}

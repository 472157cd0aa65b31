/* SPDX-License-Identifier: Apache-2.0 */
/* A netCDF-4 file that is being written: the only one who includes netcdf.h. Dims and variables
 * come first, then values. Internal. */
#ifndef EXPORT_NETCDF_H
#define EXPORT_NETCDF_H

#include "base/errors.h"
#include "simlab/types.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETCDF_ROOT = -1 /* in place of a variable: the file's own attributes */ };

struct netcdf;

/* Results, here and below: EXPORT_REFUSED for names that netCDF has not, EXPORT_FAILED, or -errno;
 * with words. What stands at the path is overwritten. */
int netcdf_create(const char *path, struct netcdf **ret, struct error *e);
/* Writes what is left, and frees. */
int netcdf_close(struct netcdf *f, struct error *e);
/* Frees, whatever becomes of the file. NULL is fine. */
void netcdf_discard(struct netcdf *f);

/* An extent of 0 is an unlimited dim without records: netCDF has no other. */
int netcdf_add_dim(struct netcdf *f, const char *name, int64_t n, int *ret_dim, struct error *e);

struct netcdf_variable {
    const char *name;
    int dtype; /* enum simlab_dtype; texts: NUL-padded UTF-8 */
    size_t itemsize;
    int ndim;
    int dims[SIMLAB_MAX_DIMS]; /* as netcdf_add_dim gave them */
    int64_t chunks[SIMLAB_MAX_DIMS];
    const void *fill; /* one value, its _FillValue; NULL: none. Texts, booleans and complex numbers
                       * have none */
    bool is_compressed;
    int id; /* set by netcdf_add_variable */
};

int netcdf_add_variable(struct netcdf *f, struct netcdf_variable *v, struct error *e);

/* Texts, numbers and lists of either stay what they are, booleans are bytes; all else is written as
 * JSON. EXPORT_REFUSED where netCDF has no attribute of that name, or keeps it for itself. */
int netcdf_add_attribute(struct netcdf *f, int variable, const char *name, const json_t *value,
                         struct error *e);

/* A box of values, native and in C order. */
int netcdf_write(struct netcdf *f, const struct netcdf_variable *v, const int64_t *start,
                 const int64_t *count, const void *data, struct error *e);

#endif

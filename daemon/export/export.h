/* SPDX-License-Identifier: Apache-2.0 */
/* A store, or a part of it, as one netCDF-4 file.
 *
 * What the file has is what xarray makes of the store: the same variables, coordinates, dims,
 * attributes and fill values. Texts are netCDF strings; booleans bytes with xarray's attribute
 * `dtype`; complex numbers compounds of r and i, as h5py and netCDF4 have them. Nothing but the
 * store decides its contents.
 *
 * Of a store whose job still runs it has what a reader would see by then: the values that are
 * missing are fill values, and arrays that grow are cut to one extent. */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "store/store.h"

enum export_result {
    EXPORT_REFUSED = 1, /* what was asked for is not in the store, or nothing netCDF has */
    EXPORT_FAILED       /* the store is damaged, or the file could not be written */
};

struct export_options {
    const char *output;            /* whole or absent: ".partial" beside it until it is written */
    const char *const *variables;  /* with the coordinates that they need */
    size_t n_variables;            /* 0: all */
    const int64_t (*members)[2];   /* [begin, end) of the batch, in the order of the file */
    size_t n_members;              /* 0: all */
    void (*say)(const char *line); /* of what is left out, without an end of line */
};

/* A result of the above, with words, or -errno. */
int export_write(struct store *s, const struct export_options *o, struct error *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to numpy*.c: what of NumPy is called, found by numpy_start. */
#ifndef PYTHON_NUMPY_PARTS_H
#define PYTHON_NUMPY_PARTS_H

#include "numpy.h"

struct numpy_dtype_row {
    const char *name;   /* to numpy.dtype */
    const char *format; /* of a buffer */
    size_t itemsize;    /* of texts none */
};
extern const struct numpy_dtype_row numpy_dtypes[SIMLAB_N_DTYPES];

enum { NUMPY_N_TIMES = 14 };

struct numpy_objects {
    PyObject *datetime, *timedelta, *times[NUMPY_N_TIMES];
    PyObject *ndarray, *generic, *asarray, *ascontiguous, *encode, *decode, *make_dtype, *f8;
    PyObject *dtypes[SIMLAB_N_DTYPES];
};
extern struct numpy_objects numpy_has;

#endif

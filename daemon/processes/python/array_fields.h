/* SPDX-License-Identifier: Apache-2.0 */
/* What a NumPy array consists of, read where it stands: a tenth of what asking Python for it takes.
 * The fields are part of NumPy's binary interface, the same in 1.x and 2.x; still they are tried
 * with an array that is known before any is believed. */
#ifndef PYTHON_ARRAY_FIELDS_H
#define PYTHON_ARRAY_FIELDS_H

#include "interpreter.h"

struct array_fields {
    PyObject_HEAD char *data;
    int ndim;
    Py_ssize_t *shape, *strides; /* in bytes */
    PyObject *base, *dtype;      /* base: NULL where the memory is its own */
    int flags;
};

/* `ndarray`: the class. 0; -1 and an exception. */
int array_fields_start(PyObject *ndarray);

/* Of an array of just this class; NULL: ask Python. */
const struct array_fields *array_fields_of(PyObject *value);
/* In C order, and aligned: as its elements are counted. */
bool array_fields_are_plain(const struct array_fields *fields);

#endif

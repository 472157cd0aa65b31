/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy, through Python's own interface: buffers in one direction, numpy.ndarray(shape, dtype,
 * buffer) in the other. So this library serves any NumPy. What each call of a process needs is read
 * from arrays themselves, where they are as they are known to be (array_fields.h). */
#ifndef PYTHON_NUMPY_H
#define PYTHON_NUMPY_H

#include "interpreter.h"

#include <simlab/process.h>

/* Imports it. 0; -1 and an exception. */
int numpy_start(void);

/* The mark of a value (struct simlab_view): all workers read it as it was assigned. */
enum { MARK_PYTHON, MARK_NUMPY, MARK_TIMES }; /* from there on: of i8, by unit */

/* "M8[s]", as simlab/processes/times.py has it; 0: of none. */
int64_t numpy_time_mark(const char *dtype);
/* That of the mark; 0: it is no time. A text for ever. */
const char *numpy_time_of_mark(int64_t mark);

/* Below, new references; NULL and an exception. */

/* An array over the memory of a view, whose owner is `base`: an object with a buffer of just these
 * bytes, which says whether they may be written. */
PyObject *numpy_array(const struct simlab_view *view, PyObject *base);
/* An array of its own with the elements of a view; of strings: decoded. */
PyObject *numpy_copy(const struct simlab_view *view);
PyObject *numpy_copy_f8(const double *values, int64_t n);
/* A scalar of NumPy's (`is_numpy`) or of Python's own, of a view with one element. */
PyObject *numpy_scalar(const struct simlab_view *view, bool is_numpy);
PyObject *numpy_f8(double value);

/* Whether somebody beside the caller, who holds one reference, could change the value. */
bool numpy_may_change(PyObject *value);

/* The number of a dtype, of texts none; -1 and an exception. */
int numpy_dtype(PyObject *dtype);

/* A value of Python or NumPy as elements in C order. */
struct numpy_elements {
    const void *data;
    size_t bytes;
    int32_t dtype, length, ndim; /* length: of strings */
    int64_t shape[SIMLAB_MAX_DIMS];
    bool is_numpy; /* no scalar of Python's own */
    union {
        double f8;
        int64_t i8;
        uint8_t b;
        double c16[2];
    } scalar;         /* where `data` may lead to */
    PyObject *owner;  /* of the data; NULL: the value itself */
    Py_buffer buffer; /* likewise */
    bool has_buffer;
};

/* 0; -1 and an exception: what is no number, text, bool, or array of them. */
int numpy_elements(PyObject *value, struct numpy_elements *ret);
void numpy_elements_clear(struct numpy_elements *elements);

#endif

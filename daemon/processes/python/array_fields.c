/* SPDX-License-Identifier: Apache-2.0 */
#include "array_fields.h"

enum { C_ORDER = 0x1, ALIGNED = 0x100 };

static PyTypeObject *known; /* the class; NULL: its fields are others */

const struct array_fields *array_fields_of(PyObject *value)
{
    return Py_IS_TYPE(value, known) ? (const struct array_fields *)(const void *)value : NULL;
}

bool array_fields_are_plain(const struct array_fields *fields)
{
    return (fields->flags & (C_ORDER | ALIGNED)) == (C_ORDER | ALIGNED);
}

/* 2 x 3 numbers of 8 bytes. No pointer is followed before the fields about it are found right. */
static bool is_as_known(const struct array_fields *f, PyObject *memory, PyObject *dtype)
{
    return f->data == PyByteArray_AsString(memory) && f->ndim == 2 && f->base == memory &&
           f->dtype == dtype && array_fields_are_plain(f) && f->shape[0] == 2 && f->shape[1] == 3 &&
           f->strides[0] == 24 && f->strides[1] == 8;
}

static bool is_large_enough(PyObject *ndarray)
{
    PyObject *size = PyObject_GetAttrString(ndarray, "__basicsize__");
    size_t bytes = size ? PyLong_AsSize_t(size) : 0;
    Py_XDECREF(size);
    return !PyErr_Occurred() && bytes >= sizeof(struct array_fields);
}

int array_fields_start(PyObject *ndarray)
{
    PyObject *memory = PyByteArray_FromStringAndSize(NULL, 48);
    PyObject *array = memory ? PyObject_CallFunction(ndarray, "(ii)sO", 2, 3, "f8", memory) : NULL;
    PyObject *dtype = array ? PyObject_GetAttrString(array, "dtype") : NULL;
    if (dtype && is_large_enough(ndarray) &&
        is_as_known((const struct array_fields *)(const void *)array, memory, dtype))
        known = (PyTypeObject *)ndarray;
    Py_XDECREF(dtype);
    Py_XDECREF(array);
    Py_XDECREF(memory);
    return PyErr_Occurred() ? -1 : 0;
}

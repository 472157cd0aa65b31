/* SPDX-License-Identifier: Apache-2.0 */
#include "numpy.h"

#include "array_fields.h"
#include "numpy_parts.h"

#include <stdlib.h>
#include <string.h>

static int scalar(struct numpy_elements *ret, int32_t dtype, const void *data, size_t bytes)
{
    ret->dtype = dtype;
    ret->data = data;
    ret->bytes = bytes;
    return 0;
}

static int text_scalar(PyObject *value, struct numpy_elements *ret)
{
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(value, &n);
    if (!text)
        return -1;
    Py_INCREF(value);
    ret->owner = value;
    ret->length = (int32_t)(n > 0 ? n : 1); /* the NUL of an empty text */
    return scalar(ret, SIMLAB_STR, text, (size_t)ret->length);
}

/* 1: it is none of Python's own. */
static int python_elements(PyObject *value, struct numpy_elements *ret)
{
    if (PyFloat_Check(value)) { /* numpy.float64 is one, too */
        ret->scalar.f8 = PyFloat_AsDouble(value);
        ret->is_numpy = !PyFloat_CheckExact(value);
        return scalar(ret, SIMLAB_F8, &ret->scalar, sizeof ret->scalar.f8);
    }
    if (PyBool_Check(value)) {
        ret->scalar.b = value == Py_True;
        return scalar(ret, SIMLAB_BOOL, &ret->scalar, 1);
    }
    if (PyLong_Check(value)) {
        ret->scalar.i8 = PyLong_AsLongLong(value);
        if (ret->scalar.i8 == -1 && PyErr_Occurred())
            return -1;
        return scalar(ret, SIMLAB_I8, &ret->scalar, sizeof ret->scalar.i8);
    }
    if (PyUnicode_Check(value))
        return text_scalar(value, ret);
    if (PyComplex_Check(value)) {
        ret->scalar.c16[0] = PyComplex_RealAsDouble(value);
        ret->scalar.c16[1] = PyComplex_ImagAsDouble(value);
        ret->is_numpy = !PyComplex_CheckExact(value);
        return scalar(ret, SIMLAB_C16, &ret->scalar, sizeof ret->scalar.c16);
    }
    return 1;
}

/* 'q' and 'Q' are what 'l' and 'L' are here. */
static int dtype_of_format(const char *format)
{
    if (!format)
        return SIMLAB_U1;
    if (*format == '<' || *format == '=' || *format == '@')
        format++;
    if (!strcmp(format, "q"))
        return SIMLAB_I8;
    if (!strcmp(format, "Q"))
        return SIMLAB_U8;
    for (int i = 0; i < SIMLAB_N_DTYPES; i++)
        if (!strcmp(format, numpy_dtypes[i].format))
            return i;
    size_t digits = strspn(format, "0123456789");
    return !strcmp(format + digits, "s") ? SIMLAB_STR : -1;
}

/* 1: it has no buffer of a known kind. */
static int buffer_elements(PyObject *value, struct numpy_elements *ret)
{
    if (PyObject_GetBuffer(value, &ret->buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
        PyErr_Clear();
        return 1;
    }
    const Py_buffer *b = &ret->buffer;
    ret->has_buffer = true;
    ret->dtype = dtype_of_format(b->format);
    if (ret->dtype < 0 || b->ndim > SIMLAB_MAX_DIMS || b->itemsize > INT32_MAX) {
        PyBuffer_Release(&ret->buffer);
        ret->has_buffer = false;
        return 1;
    }
    ret->length = ret->dtype == SIMLAB_STR ? (int32_t)b->itemsize : 0;
    ret->data = b->buf;
    ret->bytes = (size_t)b->len;
    ret->ndim = b->ndim;
    for (int i = 0; i < b->ndim; i++)
        ret->shape[i] = b->shape[i];
    return 0;
}

static void refuse(PyObject *value, PyObject *array)
{
    PyObject *dtype = array ? PyObject_GetAttrString(array, "dtype") : NULL;
    PyErr_Clear();
    if (dtype)
        PyErr_Format(
            PyExc_TypeError,
            "a value of dtype %S cannot be kept: numbers up to 8 bytes (complex: 16), "
            "bools, texts and dates can, in up to %d dimensions; for other objects declare an "
            "any_object",
            dtype, SIMLAB_MAX_DIMS);
    else
        PyErr_Format(
            PyExc_TypeError,
            "%R is no number, text, bool, date or array of them: for other objects declare an "
            "any_object",
            Py_TYPE(value));
    Py_XDECREF(dtype);
}

/* In C order, native, texts encoded. A new reference. */
static PyObject *plain_array(PyObject *value)
{
    PyObject *array = PyObject_CallFunctionObjArgs(numpy_has.asarray, value, NULL), *plain = NULL;
    PyObject *dtype = array ? PyObject_GetAttrString(array, "dtype") : NULL;
    PyObject *kind = dtype ? PyObject_GetAttrString(dtype, "kind") : NULL;
    const char *k = kind ? PyUnicode_AsUTF8AndSize(kind, NULL) : NULL;
    PyObject *native = NULL;
    if (k && *k == 'U')
        plain = PyObject_CallFunction(numpy_has.encode, "Os", array, "utf-8");
    else if (k && (native = PyObject_CallMethod(dtype, "newbyteorder", "s", "=")))
        plain = PyObject_CallFunctionObjArgs(numpy_has.ascontiguous, array, native, NULL);
    if (plain && k && *k != 'U') { /* ascontiguousarray makes one dimension of none */
        PyObject *shape = PyObject_GetAttrString(array, "shape");
        PyObject *shaped = shape ? PyObject_CallMethod(plain, "reshape", "(O)", shape) : NULL;
        Py_XDECREF(shape);
        Py_DECREF(plain);
        plain = shaped;
    }
    Py_XDECREF(native);
    Py_XDECREF(kind);
    Py_XDECREF(dtype);
    Py_XDECREF(array);
    return plain;
}

/* Scalars of these have a buffer of mere bytes. */
static bool is_time(PyObject *value)
{
    return PyObject_TypeCheck(value, (PyTypeObject *)numpy_has.datetime) ||
           PyObject_TypeCheck(value, (PyTypeObject *)numpy_has.timedelta);
}

/* Of an array as it stands, which the caller holds. */
static bool array_elements(PyObject *value, struct numpy_elements *ret)
{
    const struct array_fields *f = array_fields_of(value);
    if (!f || !array_fields_are_plain(f) || f->ndim > SIMLAB_MAX_DIMS)
        return false;
    int32_t dtype = 0;
    while (dtype < SIMLAB_STR && f->dtype != numpy_has.dtypes[dtype])
        dtype++;
    if (dtype == SIMLAB_STR)
        return false;
    ret->dtype = dtype;
    ret->data = f->data;
    ret->ndim = f->ndim;
    ret->is_numpy = true;
    ret->bytes = numpy_dtypes[dtype].itemsize;
    for (int i = 0; i < f->ndim; i++) {
        ret->shape[i] = f->shape[i];
        ret->bytes *= (size_t)f->shape[i];
    }
    return true;
}

int numpy_elements(PyObject *value, struct numpy_elements *ret)
{
    memset(ret, 0, offsetof(struct numpy_elements, buffer));
    ret->has_buffer = false;
    if (array_elements(value, ret))
        return 0;
    int r = python_elements(value, ret);
    if (r <= 0)
        return r;
    ret->is_numpy = true;
    r = PyBytes_Check(value) || is_time(value) ? 1 : buffer_elements(value, ret);
    if (r <= 0)
        return r;
    ret->owner = plain_array(value);
    if (!ret->owner)
        return -1;
    if (buffer_elements(ret->owner, ret) == 0)
        return 0;
    refuse(value, ret->owner);
    Py_CLEAR(ret->owner);
    return -1;
}

int numpy_dtype(PyObject *dtype)
{
    PyObject *found = PyObject_CallFunctionObjArgs(numpy_has.make_dtype, dtype, NULL);
    for (int i = 0; found && i < SIMLAB_STR; i++) {
        int is_it = PyObject_RichCompareBool(found, numpy_has.dtypes[i], Py_EQ);
        if (is_it != 0) {
            Py_DECREF(found);
            return is_it > 0 ? i : -1;
        }
    }
    if (found)
        PyErr_Format(PyExc_TypeError, "an array of dtype %S cannot be given: assign one", found);
    Py_XDECREF(found);
    return -1;
}

void numpy_elements_clear(struct numpy_elements *e)
{
    if (e->has_buffer)
        PyBuffer_Release(&e->buffer);
    e->has_buffer = false;
    Py_CLEAR(e->owner);
}

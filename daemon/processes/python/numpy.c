/* SPDX-License-Identifier: Apache-2.0 */
#include "numpy.h"

#include "array_fields.h"
#include "array_memory.h"
#include "numpy_parts.h"

#include <stdlib.h>
#include <string.h>

const struct numpy_dtype_row numpy_dtypes[SIMLAB_N_DTYPES] = {
    [SIMLAB_F8] = {"f8", "d", 8},     [SIMLAB_F4] = {"f4", "f", 4},  [SIMLAB_I1] = {"i1", "b", 1},
    [SIMLAB_I2] = {"i2", "h", 2},     [SIMLAB_I4] = {"i4", "i", 4},  [SIMLAB_I8] = {"i8", "l", 8},
    [SIMLAB_U1] = {"u1", "B", 1},     [SIMLAB_U2] = {"u2", "H", 2},  [SIMLAB_U4] = {"u4", "I", 4},
    [SIMLAB_U8] = {"u8", "L", 8},     [SIMLAB_BOOL] = {"?", "?", 1}, [SIMLAB_C8] = {"c8", "Zf", 8},
    [SIMLAB_C16] = {"c16", "Zd", 16}, [SIMLAB_STR] = {"S", "s", 0},
};

static const char *const times[NUMPY_N_TIMES] = {"M8[D]",  "M8[h]",  "M8[m]",  "M8[s]", "M8[ms]",
                                                 "M8[us]", "M8[ns]", "m8[D]",  "m8[h]", "m8[m]",
                                                 "m8[s]",  "m8[ms]", "m8[us]", "m8[ns]"};

struct numpy_objects numpy_has;

static PyObject *attribute(PyObject *module, const char *name)
{
    return module ? PyObject_GetAttrString(module, name) : NULL;
}

int numpy_start(void)
{
    if (numpy_has.f8)
        return 0;
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *chars = numpy ? PyObject_GetAttrString(numpy, "char") : NULL;
    numpy_has.ndarray = attribute(numpy, "ndarray");
    numpy_has.generic = attribute(numpy, "generic");
    numpy_has.asarray = attribute(numpy, "asarray");
    numpy_has.ascontiguous = attribute(numpy, "ascontiguousarray");
    numpy_has.make_dtype = attribute(numpy, "dtype");
    numpy_has.encode = attribute(chars, "encode");
    numpy_has.decode = attribute(chars, "decode");
    for (int i = 0; i < SIMLAB_N_DTYPES && numpy_has.make_dtype; i++)
        numpy_has.dtypes[i] =
            PyObject_CallFunction(numpy_has.make_dtype, "s", numpy_dtypes[i].name);
    for (int i = 0; i < NUMPY_N_TIMES && numpy_has.make_dtype; i++)
        numpy_has.times[i] = PyObject_CallFunction(numpy_has.make_dtype, "s", times[i]);
    numpy_has.datetime = attribute(numpy, "datetime64");
    numpy_has.timedelta = attribute(numpy, "timedelta64");
    numpy_has.f8 = attribute(numpy, "float64");
    int r = PyErr_Occurred() ? -1 : 0;
    if (r == 0 && (array_fields_start(numpy_has.ndarray) < 0 || array_memory_start(numpy) < 0))
        r = -1;
    Py_XDECREF(chars);
    Py_XDECREF(numpy);
    return r;
}

static bool is_array(PyObject *value)
{
    return PyObject_TypeCheck(value, (PyTypeObject *)numpy_has.ndarray);
}

static bool is_constant(PyObject *value)
{
    return PyFloat_Check(value) || PyLong_Check(value) || PyUnicode_Check(value) ||
           PyBytes_Check(value) || PyComplex_Check(value) || value == Py_None ||
           PyObject_TypeCheck(value, (PyTypeObject *)numpy_has.generic);
}

/* `own`: references that are not somebody else's. An array may be a part of another one, or of
 * memory of any kind, which may again be that of another object. */
static bool may_change(PyObject *value, int own)
{
    if (!array_fields_of(value) && is_constant(value))
        return false;
    if (Py_REFCNT(value) > own || !is_array(value))
        return Py_REFCNT(value) > own || !PyByteArray_Check(value);
    const struct array_fields *fields = array_fields_of(value);
    if (fields)
        return fields->base && may_change(fields->base, 1);
    PyObject *base = PyObject_GetAttrString(value, "base");
    bool found = !base || may_change(base, 2); /* the array's, and this one */
    PyErr_Clear();
    Py_XDECREF(base);
    return found;
}

bool numpy_may_change(PyObject *value)
{
    return is_array(value) ? may_change(value, 1) : Py_REFCNT(value) > 1 && !is_constant(value);
}

int64_t numpy_time_mark(const char *dtype)
{
    for (int i = 0; dtype && i < NUMPY_N_TIMES; i++)
        if (!strcmp(times[i], dtype))
            return MARK_TIMES + i;
    return 0;
}

const char *numpy_time_of_mark(int64_t mark)
{
    return mark >= MARK_TIMES && mark < MARK_TIMES + NUMPY_N_TIMES ? times[mark - MARK_TIMES]
                                                                   : NULL;
}

/* ---- from the arena ---- */

static PyObject *dtype_of(const struct simlab_view *view)
{
    if (view->dtype == SIMLAB_STR)
        return PyObject_CallFunction(numpy_has.make_dtype, "((si))", "S", (int)view->itemsize);
    bool is_time = view->dtype == SIMLAB_I8 && numpy_time_of_mark(view->mark);
    PyObject *dtype =
        is_time ? numpy_has.times[view->mark - MARK_TIMES] : numpy_has.dtypes[view->dtype];
    Py_INCREF(dtype);
    return dtype;
}

static PyObject *shape_of(const struct simlab_view *view)
{
    PyObject *shape = PyTuple_New(view->ndim);
    for (int i = 0; shape && i < view->ndim; i++)
        PyTuple_SetItem(shape, i, PyLong_FromLongLong(view->shape[i]));
    return shape;
}

PyObject *numpy_array(const struct simlab_view *view, PyObject *base)
{
    PyObject *shape = shape_of(view), *dtype = dtype_of(view), *array = NULL;
    if (shape && dtype)
        array = PyObject_CallFunctionObjArgs(numpy_has.ndarray, shape, dtype, base, NULL);
    Py_XDECREF(shape);
    Py_XDECREF(dtype);
    return array;
}

/* Its elements' bytes, of which a Python object has a copy: no array shares them. */
PyObject *numpy_copy(const struct simlab_view *view)
{
    size_t bytes = (size_t)view->size * (size_t)view->itemsize;
    PyObject *base = PyByteArray_FromStringAndSize(view->data, (Py_ssize_t)bytes);
    PyObject *array = base ? numpy_array(view, base) : NULL;
    Py_XDECREF(base);
    if (!array || view->dtype != SIMLAB_STR)
        return array;
    PyObject *texts = PyObject_CallFunction(numpy_has.decode, "Os", array, "utf-8");
    Py_DECREF(array);
    return texts;
}

PyObject *numpy_copy_f8(const double *values, int64_t n)
{
    struct simlab_view view = {.data = (void *)(uintptr_t)values,
                               .size = n,
                               .shape = {n},
                               .ndim = 1,
                               .dtype = SIMLAB_F8,
                               .itemsize = sizeof *values};
    return numpy_copy(&view);
}

static PyObject *python_scalar(const struct simlab_view *v)
{
    const void *p = v->data;
    switch (v->dtype) {
    case SIMLAB_F8:
        return PyFloat_FromDouble(*(const double *)p);
    case SIMLAB_I8:
        return PyLong_FromLongLong(*(const int64_t *)p);
    case SIMLAB_BOOL:
        return PyBool_FromLong(*(const uint8_t *)p);
    case SIMLAB_C16:
        return PyComplex_FromDoubles(((const double *)p)[0], ((const double *)p)[1]);
    case SIMLAB_STR:
        return PyUnicode_DecodeUTF8(p, (Py_ssize_t)strnlen(p, (size_t)v->itemsize), "replace");
    default:
        return NULL;
    }
}

PyObject *numpy_f8(double value)
{
    return PyObject_CallFunction(numpy_has.f8, "d", value);
}

PyObject *numpy_scalar(const struct simlab_view *view, bool is_numpy)
{
    PyObject *plain = is_numpy ? NULL : python_scalar(view);
    if (plain || PyErr_Occurred())
        return plain;
    PyObject *array = numpy_copy(view), *scalar = NULL, *none = PyTuple_New(0);
    if (array && none)
        scalar = PyObject_GetItem(array, none);
    Py_XDECREF(array);
    Py_XDECREF(none);
    return scalar;
}

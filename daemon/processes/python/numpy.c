/* SPDX-License-Identifier: Apache-2.0 */
#include "numpy.h"

#include "array_fields.h"
#include "array_memory.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;   /* to numpy.dtype */
    const char *format; /* of a buffer */
    size_t itemsize;    /* of texts none */
} dtypes[SIMLAB_N_DTYPES] = {
    [SIMLAB_F8] = {"f8", "d", 8},     [SIMLAB_F4] = {"f4", "f", 4},  [SIMLAB_I1] = {"i1", "b", 1},
    [SIMLAB_I2] = {"i2", "h", 2},     [SIMLAB_I4] = {"i4", "i", 4},  [SIMLAB_I8] = {"i8", "l", 8},
    [SIMLAB_U1] = {"u1", "B", 1},     [SIMLAB_U2] = {"u2", "H", 2},  [SIMLAB_U4] = {"u4", "I", 4},
    [SIMLAB_U8] = {"u8", "L", 8},     [SIMLAB_BOOL] = {"?", "?", 1}, [SIMLAB_C8] = {"c8", "Zf", 8},
    [SIMLAB_C16] = {"c16", "Zd", 16}, [SIMLAB_STR] = {"S", "s", 0},
};

static const char *const times[] = {"M8[D]",  "M8[h]",  "M8[m]",  "M8[s]", "M8[ms]",
                                    "M8[us]", "M8[ns]", "m8[D]",  "m8[h]", "m8[m]",
                                    "m8[s]",  "m8[ms]", "m8[us]", "m8[ns]"};
enum { N_TIMES = sizeof times / sizeof *times };

static struct {
    PyObject *datetime, *timedelta, *times[N_TIMES];
    PyObject *ndarray, *generic, *asarray, *ascontiguous, *encode, *decode, *make_dtype, *f8;
    PyObject *dtypes[SIMLAB_N_DTYPES];
} np;

static PyObject *attribute(PyObject *module, const char *name)
{
    return module ? PyObject_GetAttrString(module, name) : NULL;
}

int numpy_start(void)
{
    if (np.f8)
        return 0;
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *chars = numpy ? PyObject_GetAttrString(numpy, "char") : NULL;
    np.ndarray = attribute(numpy, "ndarray");
    np.generic = attribute(numpy, "generic");
    np.asarray = attribute(numpy, "asarray");
    np.ascontiguous = attribute(numpy, "ascontiguousarray");
    np.make_dtype = attribute(numpy, "dtype");
    np.encode = attribute(chars, "encode");
    np.decode = attribute(chars, "decode");
    for (int i = 0; i < SIMLAB_N_DTYPES && np.make_dtype; i++)
        np.dtypes[i] = PyObject_CallFunction(np.make_dtype, "s", dtypes[i].name);
    for (int i = 0; i < N_TIMES && np.make_dtype; i++)
        np.times[i] = PyObject_CallFunction(np.make_dtype, "s", times[i]);
    np.datetime = attribute(numpy, "datetime64");
    np.timedelta = attribute(numpy, "timedelta64");
    np.f8 = attribute(numpy, "float64");
    int r = PyErr_Occurred() ? -1 : 0;
    if (r == 0 && (array_fields_start(np.ndarray) < 0 || array_memory_start(numpy) < 0))
        r = -1;
    Py_XDECREF(chars);
    Py_XDECREF(numpy);
    return r;
}

static bool is_array(PyObject *value)
{
    return PyObject_TypeCheck(value, (PyTypeObject *)np.ndarray);
}

static bool is_constant(PyObject *value)
{
    return PyFloat_Check(value) || PyLong_Check(value) || PyUnicode_Check(value) ||
           PyBytes_Check(value) || PyComplex_Check(value) || value == Py_None ||
           PyObject_TypeCheck(value, (PyTypeObject *)np.generic);
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
    for (int i = 0; dtype && i < N_TIMES; i++)
        if (!strcmp(times[i], dtype))
            return MARK_TIMES + i;
    return 0;
}

const char *numpy_time_of_mark(int64_t mark)
{
    return mark >= MARK_TIMES && mark < MARK_TIMES + N_TIMES ? times[mark - MARK_TIMES] : NULL;
}

/* ---- from the arena ---- */

static PyObject *dtype_of(const struct simlab_view *view)
{
    if (view->dtype == SIMLAB_STR)
        return PyObject_CallFunction(np.make_dtype, "((si))", "S", (int)view->itemsize);
    bool is_time = view->dtype == SIMLAB_I8 && numpy_time_of_mark(view->mark);
    PyObject *dtype = is_time ? np.times[view->mark - MARK_TIMES] : np.dtypes[view->dtype];
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
        array = PyObject_CallFunctionObjArgs(np.ndarray, shape, dtype, base, NULL);
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
    PyObject *texts = PyObject_CallFunction(np.decode, "Os", array, "utf-8");
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
    return PyObject_CallFunction(np.f8, "d", value);
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

/* ---- to the arena ---- */

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
        if (!strcmp(format, dtypes[i].format))
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
    PyObject *array = PyObject_CallFunctionObjArgs(np.asarray, value, NULL), *plain = NULL;
    PyObject *dtype = array ? PyObject_GetAttrString(array, "dtype") : NULL;
    PyObject *kind = dtype ? PyObject_GetAttrString(dtype, "kind") : NULL;
    const char *k = kind ? PyUnicode_AsUTF8AndSize(kind, NULL) : NULL;
    PyObject *native = NULL;
    if (k && *k == 'U')
        plain = PyObject_CallFunction(np.encode, "Os", array, "utf-8");
    else if (k && (native = PyObject_CallMethod(dtype, "newbyteorder", "s", "=")))
        plain = PyObject_CallFunctionObjArgs(np.ascontiguous, array, native, NULL);
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
    return PyObject_TypeCheck(value, (PyTypeObject *)np.datetime) ||
           PyObject_TypeCheck(value, (PyTypeObject *)np.timedelta);
}

/* Of an array as it stands, which the caller holds. */
static bool array_elements(PyObject *value, struct numpy_elements *ret)
{
    const struct array_fields *f = array_fields_of(value);
    if (!f || !array_fields_are_plain(f) || f->ndim > SIMLAB_MAX_DIMS)
        return false;
    int32_t dtype = 0;
    while (dtype < SIMLAB_STR && f->dtype != np.dtypes[dtype])
        dtype++;
    if (dtype == SIMLAB_STR)
        return false;
    ret->dtype = dtype;
    ret->data = f->data;
    ret->ndim = f->ndim;
    ret->is_numpy = true;
    ret->bytes = dtypes[dtype].itemsize;
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
    PyObject *found = PyObject_CallFunctionObjArgs(np.make_dtype, dtype, NULL);
    for (int i = 0; found && i < SIMLAB_STR; i++) {
        int is_it = PyObject_RichCompareBool(found, np.dtypes[i], Py_EQ);
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

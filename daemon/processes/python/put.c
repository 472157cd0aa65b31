/* SPDX-License-Identifier: Apache-2.0 */
#include "put.h"

#include "numpy.h"
#include "types.h"

#include <stdlib.h>
#include <string.h>

static PyObject *count; /* of simlab.processes.host */

int put_start(PyObject *host)
{
    count = PyObject_GetAttrString(host, "count");
    return count ? 0 : -1;
}

static bool overlaps(const struct numpy_elements *e, const struct simlab_view *v)
{
    const char *from = e->data, *to = v->data;
    return to && e->bytes && from < to + v->size * v->itemsize && to < from + e->bytes;
}

static bool has_shape(const struct numpy_elements *e, const struct simlab_view *v)
{
    return e->dtype == v->dtype && e->ndim == v->ndim &&
           !memcmp(e->shape, v->shape, (size_t)e->ndim * sizeof *e->shape);
}

static bool is_same_place(const struct numpy_elements *e, const struct simlab_view *v)
{
    return e->data == v->data && has_shape(e, v) &&
           (e->dtype != SIMLAB_STR || e->length == v->itemsize);
}

/* Texts may be shorter than those that the variable has: the rest of each is NUL. */
static void copy_texts(char *to, size_t itemsize, const struct numpy_elements *e)
{
    const char *from = e->data;
    size_t length = (size_t)e->length;
    for (size_t n = e->bytes / length; n > 0; n--, from += length, to += itemsize) {
        memcpy(to, from, length);
        memset(to + length, 0, itemsize - length);
    }
}

static int copy_elements(simlab_context *c, int row, const struct numpy_elements *e)
{
    char *data = simlab_create(c, row, e->dtype, e->length, e->ndim, e->shape);
    if (simlab_failed(c))
        return -1;
    if (e->dtype == SIMLAB_STR)
        copy_texts(data, (size_t)c->views[row]->itemsize, e);
    else if (e->bytes)
        memcpy(data, e->data, e->bytes);
    return 0;
}

/* A whole number is a fraction, too, where the variable has those. */
static void widen(struct numpy_elements *e, const struct simlab_view *v)
{
    bool is_exact = e->dtype == SIMLAB_I8 && !e->is_numpy && e->scalar.i8 <= 1LL << 53 &&
                    e->scalar.i8 >= -(1LL << 53);
    if (is_exact && v->data && v->dtype == SIMLAB_F8) {
        e->scalar.f8 = (double)e->scalar.i8;
        e->dtype = SIMLAB_F8;
    }
}

/* A part of the value itself, which is to be all of it. */
static int copy_by_way(simlab_context *c, int row, const struct numpy_elements *e)
{
    struct numpy_elements moved = *e;
    void *copy = malloc(e->bytes);
    if (!copy) {
        PyErr_NoMemory();
        return -1;
    }
    moved.data = memcpy(copy, e->data, e->bytes);
    int r = copy_elements(c, row, &moved);
    free(copy);
    return r;
}

static int put_elements(simlab_context *c, int row, const struct numpy_elements *e,
                        struct cell *cell, enum put_how how)
{
    const struct simlab_view *v = c->views[row];
    if (is_same_place(e, v))
        return 0;
    if (how == PUT_NEW && cell) {
        if (cell_keep(cell, c) < 0)
            return -1;
        c->host->leave(c, row);
    }
    return overlaps(e, v) ? copy_by_way(c, row, e) : copy_elements(c, row, e);
}

/* The exception, begun with the variable's name. */
static void name_variable(const struct class *k, int row)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_Format(type, "variable %R: %S", k->names[row], value ? value : Py_None);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

/* Of dates, which NumPy shows to nobody: their numbers. The exception that is set tells why the
 * value was refused. */
static int elements_of_times(const struct class *k, int row, PyObject *value,
                             struct numpy_elements *ret)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *numbers =
        PyObject_CallFunction(count, "Os", value, numpy_time_of_mark(k->times[row]));
    int r = -1;
    if (numbers == Py_None)
        PyErr_Restore(type, error, traceback);
    else {
        r = numbers ? numpy_elements(numbers, ret) : -1;
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    if (r == 0 && !ret->owner) /* nobody else has them */
        ret->owner = numbers;
    else
        Py_XDECREF(numbers);
    return r;
}

static int elements_of(const struct class *k, int row, PyObject *value, struct numpy_elements *ret,
                       int64_t *ret_mark)
{
    int r = numpy_elements(value, ret);
    *ret_mark = r < 0 ? k->times[row] : ret->is_numpy ? MARK_NUMPY : MARK_PYTHON;
    return r < 0 ? elements_of_times(k, row, value, ret) : 0;
}

/* Dates stay dates, and numbers numbers. */
static int check_kind(const struct class *k, int row, const struct simlab_view *v, int64_t mark)
{
    bool are_times = mark >= MARK_TIMES, were_times = v->mark >= MARK_TIMES;
    if (!v->data || v->dtype != SIMLAB_I8 || are_times == were_times)
        return 0;
    PyErr_Format(PyExc_TypeError, "variable %R has %s since its first value, but was given %s",
                 k->names[row], were_times ? numpy_time_of_mark(v->mark) : "whole numbers",
                 are_times ? numpy_time_of_mark(mark) : "numbers");
    return -1;
}

/* After it was put. */
static void note(struct simlab_view *v, struct cell *cell, PyObject *value, int64_t mark)
{
    if (mark >= MARK_TIMES)
        v->mark = mark;
    else if (v->ndim == 0 && cell)
        cell_remember(cell, value, mark);
    else
        v->mark = v->ndim == 0 ? mark : 0;
}

int put_value(simlab_context *c, int row, PyObject *value, struct cell *cell, enum put_how how)
{
    const struct class *k = simlab_userdata(c);
    struct numpy_elements e;
    int64_t mark;
    if (elements_of(k, row, value, &e, &mark) < 0) {
        name_variable(k, row);
        return -1;
    }
    widen(&e, c->views[row]);
    int r = check_kind(k, row, c->views[row], mark);
    if (r == 0)
        r = put_elements(c, row, &e, cell, how);
    if (r == 0)
        note(c->views[row], cell, value, mark);
    numpy_elements_clear(&e);
    return r;
}

static bool has_texts(const struct numpy_elements *e, const struct simlab_view *v)
{
    const char *new = e->data, *old = v->data;
    size_t length = (size_t)e->length, itemsize = (size_t)v->itemsize;
    for (int64_t i = 0; i < v->size; i++, new += length, old += itemsize)
        if (length > itemsize || memcmp(new, old, length) != 0 ||
            (length < itemsize && old[length] != 0))
            return false;
    return true;
}

bool put_would_change(simlab_context *c, int row, PyObject *value)
{
    struct numpy_elements e;
    const struct simlab_view *v = c->views[row];
    int64_t mark;
    if (elements_of(simlab_userdata(c), row, value, &e, &mark) < 0) {
        PyErr_Clear();
        return true;
    }
    widen(&e, v);
    bool is_same = v->data && has_shape(&e, v) &&
                   (e.dtype == SIMLAB_STR ? has_texts(&e, v) : !memcmp(e.data, v->data, e.bytes));
    numpy_elements_clear(&e);
    return !is_same;
}

uint64_t put_word(const struct simlab_view *v)
{
    const char *at = v->data;
    size_t left = at ? (size_t)v->size * (size_t)v->itemsize : 0;
    uint64_t word, all = left;
    for (; left > 0; at += sizeof word) {
        size_t n = left < sizeof word ? left : sizeof word;
        word = 0;
        memcpy(&word, at, n);
        all = (all ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        all ^= all >> 32;
        left -= n;
    }
    return all;
}

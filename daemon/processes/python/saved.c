/* SPDX-License-Identifier: Apache-2.0 */
#include "saved.h"

#include "instance.h"
#include "object.h"

#include <stdlib.h>

static PyObject *save, *restore; /* of simlab.processes.saved */

int saved_start(PyObject *host)
{
    save = PyObject_GetAttrString(host, "save");
    restore = PyObject_GetAttrString(host, "restore");
    return save && restore ? 0 : -1;
}

/* ---- tables: row -> what there is ---- */

static int add(PyObject *table, int row, PyObject *value)
{
    PyObject *key = value ? PyLong_FromLong(row) : NULL;
    int r = key ? PyDict_SetItem(table, key, value) : -1;
    Py_XDECREF(key);
    return r;
}

static int add_object(struct visit *visit, PyObject *table, int row)
{
    PyObject *value = object_read(visit, row, visit->object->class->names[row]);
    int r = value ? add(table, row, value) : 0;
    if (!value) /* none yet, or one of another language */
        PyErr_Clear();
    Py_XDECREF(value);
    return r;
}

/* Objects that the instance sets, or that others do. A new reference; NULL and an exception. */
static PyObject *objects(struct visit *visit, bool are_own)
{
    const struct class *k = visit->object->class;
    PyObject *table = PyDict_New();
    for (int row = 0; table && row < k->process.n_variables; row++) {
        bool is_own = k->variables[row].intent == SIMLAB_OUT;
        if (object_is(visit, row) && is_own == are_own && add_object(visit, table, row) < 0)
            Py_CLEAR(table);
    }
    return table;
}

static PyObject *assigned(const struct bound *b)
{
    PyObject *table = PyDict_New();
    for (int i = 0; table && i < b->n_held; i++)
        if (add(table, b->held[i], b->assigned[b->held[i]]) < 0)
            Py_CLEAR(table);
    return table;
}

/* ---- arrays over values ---- */

/* (row, member of its group or -1, may be written): an array over the value, as it was read. */
static int add_arrays(PyObject *table, const struct cell *cell, int row, int64_t k)
{
    for (int may_write = 0; may_write < 2; may_write++) {
        PyObject *array = cell ? cell_array(cell, may_write) : NULL;
        PyObject *key = array ? Py_BuildValue("(iLi)", row, (long long)k, may_write) : NULL;
        int r = key ? PyDict_SetItem(table, key, array) : array ? -1 : 0;
        Py_XDECREF(key);
        if (r < 0)
            return r;
    }
    return 0;
}

static PyObject *arrays(const struct visit *visit)
{
    const struct bound *b = visit->object;
    PyObject *table = PyDict_New();
    for (int row = 0; table && row < b->class->process.n_variables; row++) {
        int r = add_arrays(table, b->cells[row], row, -1);
        for (int64_t k = 0; b->members[row] && k < visit->context->groups[row].n && r == 0; k++)
            r = add_arrays(table, b->members[row][k], row, k);
        if (r < 0)
            Py_CLEAR(table);
    }
    return table;
}

PyObject *saved_array(PyObject *self, PyObject *key)
{
    struct visit *visit = visit_current();
    int row, may_write;
    long long k;
    (void)self;
    if (!visit || !PyArg_ParseTuple(key, "iLi", &row, &k, &may_write))
        return NULL;
    struct cell *cell = k < 0 ? visit->object->cells[row] : instance_member(visit, row, k);
    return cell ? cell_read(cell, may_write) : PyErr_NoMemory();
}

/* ---- both ways ---- */

static int put(simlab_context *c, PyObject *bytes)
{
    char *data;
    Py_ssize_t n;
    if (!bytes || PyBytes_AsStringAndSize(bytes, &data, &n) < 0)
        return -1;
    return simlab_put_bytes(c, data, (size_t)n) < 0 ? -1 : 0;
}

int saved_put(struct visit *visit)
{
    PyObject *own = objects(visit, true), *others = objects(visit, false), *views = arrays(visit);
    PyObject *kept = assigned(visit->object), *bytes = NULL;
    if (own && others && views && kept)
        bytes = PyObject_CallFunctionObjArgs(save, (PyObject *)visit->object, own, others, views,
                                             kept, NULL);
    int r = put(visit->context, bytes);
    Py_XDECREF(bytes);
    Py_XDECREF(own);
    Py_XDECREF(others);
    Py_XDECREF(views);
    Py_XDECREF(kept);
    return r;
}

static PyObject *get(simlab_context *c)
{
    int64_t n = simlab_bytes_left(c);
    char *data = malloc(n > 0 ? (size_t)n : 1);
    if (!data)
        return PyErr_NoMemory();
    PyObject *bytes = NULL;
    if (simlab_get_bytes(c, data, n > 0 ? (size_t)n : 0) == 0)
        bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)n);
    free(data);
    return bytes;
}

static int set_objects(struct visit *visit, PyObject *table)
{
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(table, &at, &key, &value);)
        if (object_set(visit, (int)PyLong_AsLong(key), value) < 0)
            return -1;
    return 0;
}

/* (objects, assigned), as they were given to `save`. */
static int set_all(struct visit *visit, PyObject *tables)
{
    PyObject *key, *value, *kept = PyTuple_GetItem(tables, 1);
    if (!kept || set_objects(visit, PyTuple_GetItem(tables, 0)) < 0)
        return -1;
    for (Py_ssize_t at = 0; PyDict_Next(kept, &at, &key, &value);)
        instance_keep(visit, (int)PyLong_AsLong(key), value);
    return 0;
}

int saved_get(struct visit *visit)
{
    PyObject *bytes = get(visit->context), *others = objects(visit, false), *tables = NULL;
    if (bytes && others)
        tables =
            PyObject_CallFunctionObjArgs(restore, (PyObject *)visit->object, bytes, others, NULL);
    int r = tables ? set_all(visit, tables) : -1;
    Py_XDECREF(tables);
    Py_XDECREF(others);
    Py_XDECREF(bytes);
    return r;
}

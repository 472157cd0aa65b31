/* SPDX-License-Identifier: Apache-2.0 */
#include "variable.h"

#include "instance.h"
#include "numpy.h"
#include "object.h"

#include <stdlib.h>
#include <string.h>

struct variable {
    PyObject_HEAD PyObject *name, *kind, *intent;
    PyObject *converter; /* NULL: none */
    int row;
};

static PyObject *mapping; /* simlab.processes.host.mapping */

int variable_start(PyObject *host)
{
    mapping = PyObject_GetAttrString(host, "mapping");
    return mapping ? 0 : -1;
}

static struct variable *as_variable(PyObject *self)
{
    return (struct variable *)self;
}

static const struct simlab_variable *declared(const struct visit *visit, int row)
{
    return &visit->object->class->variables[row];
}

static PyObject *refuse(const struct variable *v, const char *why)
{
    PyErr_Format(PyExc_AttributeError, "variable %R %s", v->name, why);
    return NULL;
}

/* ---- reading ---- */

/* What the host refuses it tells itself; this only ends the method. */
static PyObject *refused_by_host(const struct variable *v)
{
    return refuse(v, "cannot be had here");
}

/* Of what was computed: `mark` as declared. */
static PyObject *copy_of(const struct simlab_view *view, int64_t mark)
{
    struct simlab_view marked = *view;
    marked.mark = mark;
    return view->ndim == 0 ? numpy_scalar(&marked, true) : numpy_copy(&marked);
}

/* What is computed may need what this call has assigned, and other threads. */
static PyObject *demand(struct visit *visit, const struct variable *v)
{
    simlab_context *c = visit->context;
    if (instance_commit(visit) < 0)
        return NULL;
    struct interpreter_pause pause = interpreter_pause();
    const struct simlab_view *view = c->host->view(c, v->row, -1, SIMLAB_CAN_READ);
    interpreter_resume(pause);
    return simlab_failed(c) ? refused_by_host(v)
                            : copy_of(view, visit->object->class->times[v->row]);
}

/* What this object has assigned to the same value in this call is what it reads. */
static PyObject *assigned_to(const struct bound *b, const struct cell *cell)
{
    for (int i = 0; i < b->n_held; i++)
        if (b->cells[b->held[i]] == cell)
            return b->assigned[b->held[i]];
    return NULL;
}

static PyObject *read_member(struct visit *visit, const struct variable *v, int64_t k)
{
    simlab_context *c = visit->context;
    const struct simlab_view *view = c->groups[v->row].views[k];
    if (view && view->data) {
        struct cell *cell = instance_member(visit, v->row, k);
        PyObject *own = cell ? assigned_to(visit->object, cell) : NULL;
        Py_XINCREF(own);
        return own ? own : cell ? cell_read(cell, false) : PyErr_NoMemory();
    }
    if (instance_commit(visit) < 0)
        return NULL;
    struct interpreter_pause pause = interpreter_pause();
    view = c->host->group_view(c, v->row, k, -1);
    interpreter_resume(pause);
    return simlab_failed(c) ? refused_by_host(v) : copy_of(view, view->mark);
}

static PyObject *read_members(struct visit *visit, const struct variable *v)
{
    int64_t n = visit->context->groups[v->row].n;
    PyObject *values = PyTuple_New((Py_ssize_t)n);
    for (int64_t k = 0; values && k < n; k++) {
        PyObject *value = read_member(visit, v, k);
        if (value)
            PyTuple_SetItem(values, (Py_ssize_t)k, value);
        else
            Py_CLEAR(values);
    }
    return values;
}

static PyObject *names_of_members(struct visit *visit, const struct variable *v)
{
    simlab_context *c = visit->context;
    int64_t n = c->groups[v->row].n;
    PyObject *keys = PyTuple_New((Py_ssize_t)n);
    for (int64_t k = 0; keys && k < n; k++) {
        PyObject *key = Py_BuildValue("(ss)", c->host->group_name(c, v->row, k, 0),
                                      c->host->group_name(c, v->row, k, 1));
        if (key)
            PyTuple_SetItem(keys, (Py_ssize_t)k, key);
        else
            Py_CLEAR(keys);
    }
    return keys;
}

/* As in the peer: an iterator of the values, or a mapping of (process, variable) to them. */
static PyObject *read_group(struct visit *visit, const struct variable *v)
{
    PyObject *values = read_members(visit, v), *result = NULL, *keys = NULL;
    if (values && declared(visit, v->row)->kind == SIMLAB_GROUP)
        result = PyObject_GetIter(values);
    else if (values && (keys = names_of_members(visit, v)))
        result = PyObject_CallFunctionObjArgs(mapping, keys, values, NULL);
    Py_XDECREF(keys);
    Py_XDECREF(values);
    return result;
}

/* All that is no value in the arena, and no plain read of one. */
static PyObject *read_other(struct visit *visit, const struct variable *v)
{
    simlab_context *c = visit->context;
    int32_t kind = declared(visit, v->row)->kind;
    if (kind == SIMLAB_GROUP || kind == SIMLAB_GROUP_DICT)
        return read_group(visit, v);
    if (kind == SIMLAB_OBJECT || object_is(visit, v->row))
        return object_read(visit, v->row, v->name);
    if (c->access[v->row] & SIMLAB_BY_HOST || kind == SIMLAB_ON_DEMAND)
        return demand(visit, v);
    if (c->views[v->row] && !c->views[v->row]->data)
        return refuse(v, "has no value yet");
    c->host->view(c, v->row, -1, SIMLAB_CAN_READ);
    return refused_by_host(v);
}

static PyObject *variable_get(PyObject *self, PyObject *object, PyObject *type)
{
    struct variable *v = as_variable(self);
    (void)type;
    if (!object || object == Py_None) {
        Py_INCREF(self);
        return self;
    }
    struct visit *visit = visit_of(object);
    if (!visit)
        return refuse(v, "can be read in the methods of its own process only, while they run");
    struct bound *b = visit->object;
    PyObject *assigned = b->assigned[v->row];
    if (assigned) {
        Py_INCREF(assigned);
        return assigned;
    }
    uint8_t access = visit->context->access[v->row];
    if (!b->cells[v->row] || (access & (SIMLAB_CAN_READ | SIMLAB_BY_HOST)) != SIMLAB_CAN_READ ||
        !visit->context->views[v->row]->data)
        return read_other(visit, v);
    return cell_read(b->cells[v->row], access & SIMLAB_CAN_WRITE);
}

/* ---- assigning ---- */

static int refuse_set(const struct variable *v, const char *why)
{
    refuse(v, why);
    return -1;
}

static int assign(struct visit *visit, const struct variable *v, PyObject *value)
{
    if (object_is(visit, v->row))
        return object_set(visit, v->row, value);
    if (!(visit->context->access[v->row] & SIMLAB_CAN_WRITE))
        return refuse_set(v, "cannot be set: its intent is in (out or inout would allow it)");
    if (value != visit->object->assigned[v->row] && instance_replace(visit, v->row) < 0)
        return -1;
    if (!v->converter) {
        instance_assign(visit->object, v->row, value);
        return 0;
    }
    PyObject *converted = PyObject_CallFunctionObjArgs(v->converter, value, NULL);
    if (!converted)
        return -1;
    instance_assign(visit->object, v->row, converted);
    Py_DECREF(converted);
    return 0;
}

static int variable_set(PyObject *self, PyObject *object, PyObject *value)
{
    struct variable *v = as_variable(self);
    struct visit *visit = visit_of(object);
    if (!visit)
        return refuse_set(v, "can be set in the methods of its own process only, while they run");
    if (!value)
        return refuse_set(v, "cannot be deleted");
    int32_t kind = declared(visit, v->row)->kind;
    if (kind == SIMLAB_GROUP || kind == SIMLAB_GROUP_DICT || kind == SIMLAB_ON_DEMAND)
        return refuse_set(v, "is computed: it cannot be set");
    return assign(visit, v, value);
}

/* ---- an array to be filled ---- */

static int shape_of(PyObject *shape, int64_t *ret_shape)
{
    PyObject *extents = PySequence_Check(shape) ? PySequence_Tuple(shape) : PyTuple_Pack(1, shape);
    int ndim = extents ? (int)PyTuple_Size(extents) : 0;
    if (ndim > SIMLAB_MAX_DIMS)
        PyErr_Format(PyExc_ValueError, "%d dimensions: there can be %d", ndim, SIMLAB_MAX_DIMS);
    for (int i = 0; i < ndim && !PyErr_Occurred(); i++)
        ret_shape[i] = PyLong_AsLongLong(PyTuple_GetItem(extents, i));
    Py_XDECREF(extents);
    return PyErr_Occurred() ? -1 : ndim;
}

/* It is written, not assigned: what has arrays over the value before keeps that. */
static PyObject *give_shape(struct visit *visit, const struct variable *v, PyObject *shape,
                            PyObject *dtype)
{
    simlab_context *c = visit->context;
    struct cell *cell = visit->object->cells[v->row];
    int64_t extents[SIMLAB_MAX_DIMS];
    int ndim = shape_of(shape, extents), number = ndim < 0 ? -1 : numpy_dtype(dtype);
    if (number < 0 || instance_replace(visit, v->row) < 0 || cell_keep(cell, c) < 0)
        return NULL;
    c->host->leave(c, v->row);
    simlab_create(c, v->row, number, 0, ndim, extents);
    if (simlab_failed(c))
        return refused_by_host(v);
    instance_unassign(visit->object, v->row);
    return cell_read(cell, true);
}

static PyObject *variable_empty(PyObject *self, PyObject *arguments)
{
    const struct variable *v = as_variable(self);
    PyObject *object, *shape, *dtype;
    if (!PyArg_ParseTuple(arguments, "OOO", &object, &shape, &dtype))
        return NULL;
    struct visit *visit = visit_of(object);
    if (!visit)
        return refuse(v, "can be set in the methods of its own process only, while they run");
    if (!visit->object->cells[v->row] || !(visit->context->access[v->row] & SIMLAB_CAN_WRITE))
        return refuse(v, "cannot be given an array to be filled: it is no value of intent out or "
                         "inout");
    return give_shape(visit, v, shape, dtype);
}

static PyMethodDef variable_methods[] = {
    {"empty", variable_empty, METH_VARARGS, "(instance, shape, dtype): an array to be filled."},
    {NULL, NULL, 0, NULL},
};

/* ---- the type ---- */

static PyObject *variable_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *name, *kind, *intent, *converter;
    int row;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "OiOOO", &name, &row, &kind, &intent, &converter))
        return NULL;
    allocfunc take = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct variable *v = (struct variable *)take(type, 0);
    if (!v)
        return NULL;
    Py_INCREF(name);
    Py_INCREF(kind);
    Py_INCREF(intent);
    v->name = name;
    v->kind = kind;
    v->intent = intent;
    v->row = row;
    if (converter != Py_None) {
        Py_INCREF(converter);
        v->converter = converter;
    }
    return (PyObject *)v;
}

static void variable_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct variable *v = as_variable(self);
    Py_XDECREF(v->name);
    Py_XDECREF(v->kind);
    Py_XDECREF(v->intent);
    Py_XDECREF(v->converter);
    freefunc give = (freefunc)PyType_GetSlot(type, Py_tp_free);
    give(self);
    Py_DECREF(type);
}

static PyObject *variable_text(PyObject *self)
{
    const struct variable *v = as_variable(self);
    return PyUnicode_FromFormat("<%U %R, intent %U>", v->kind, v->name, v->intent);
}

static PyType_Slot variable_slots[] = {
    {Py_tp_new, (void *)(uintptr_t)variable_new},
    {Py_tp_dealloc, (void *)(uintptr_t)variable_free},
    {Py_tp_repr, (void *)(uintptr_t)variable_text},
    {Py_tp_descr_get, (void *)(uintptr_t)variable_get},
    {Py_tp_descr_set, (void *)(uintptr_t)variable_set},
    {Py_tp_methods, variable_methods},
    {0, NULL},
};
static PyType_Spec variable_spec = {
    .name = "_simlab.Variable",
    .basicsize = sizeof(struct variable),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = variable_slots,
};

PyTypeObject *variable_type(void)
{
    return (PyTypeObject *)PyType_FromSpec(&variable_spec);
}

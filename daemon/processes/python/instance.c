/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include "numpy.h"

#include <stdlib.h>
#include <string.h>

static struct bound *live; /* instances of members that have not ended */

/* ---- the type ---- */

static void bound_clear(struct bound *b)
{
    int n = b->class ? b->class->process.n_variables : 0;
    for (int row = 0; row < n; row++) {
        if (b->cells)
            cell_leave(b->cells[row]);
        for (struct cell **m = b->members ? b->members[row] : NULL; m && *m; m++)
            cell_leave(*m);
        if (b->members)
            free(b->members[row]);
        if (b->assigned)
            Py_CLEAR(b->assigned[row]);
    }
    free(b->cells);
    free(b->members);
    free(b->assigned);
    free(b->is_pending);
    free(b->held);
    b->cells = NULL;
    b->members = NULL;
    b->assigned = NULL;
    b->is_pending = NULL;
    b->held = NULL;
    b->n_held = 0;
}

static void bound_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    bound_clear((struct bound *)self);
    freefunc give = (freefunc)PyType_GetSlot(type, Py_tp_free);
    give(self);
    Py_DECREF(type);
}

static PyType_Slot bound_slots[] = {
    {Py_tp_dealloc, (void *)(uintptr_t)bound_free},
    {0, NULL},
};
static PyType_Spec bound_spec = {
    .name = "_simlab.Bound",
    .basicsize = sizeof(struct bound),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = bound_slots,
};

PyTypeObject *instance_type(void)
{
    return (PyTypeObject *)PyType_FromSpec(&bound_spec);
}

/* ---- making and dropping ---- */

static bool has_cell(const struct class *k, int row)
{
    const struct simlab_variable *v = &k->variables[row];
    return !k->is_object[row] && v->kind != SIMLAB_GROUP && v->kind != SIMLAB_GROUP_DICT &&
           v->kind != SIMLAB_OBJECT && v->kind != SIMLAB_ON_DEMAND;
}

static bool bind(struct bound *b, simlab_context *c)
{
    size_t n = (size_t)c->n_variables;
    b->cells = calloc(n + 1, sizeof(struct cell *));
    b->members = calloc(n + 1, sizeof(struct cell **));
    b->assigned = calloc(n + 1, sizeof(PyObject *));
    b->is_pending = calloc(n + 1, sizeof *b->is_pending);
    b->held = calloc(n + 1, sizeof *b->held);
    if (!b->cells || !b->members || !b->assigned || !b->is_pending || !b->held)
        return false;
    for (int row = 0; row < c->n_variables; row++)
        if (has_cell(b->class, row) && c->views[row] && !(b->cells[row] = cell_join(c->views[row])))
            return false;
    return true;
}

static void unlink_live(struct bound *b)
{
    if (b->previous)
        b->previous->next = b->next;
    else
        live = b->next;
    if (b->next)
        b->next->previous = b->previous;
    b->next = b->previous = NULL;
}

static void drop(struct bound *b)
{
    unlink_live(b);
    b->home = NULL;
    bound_clear(b);
    Py_DECREF((PyObject *)b);
}

/* Of a former member, which ended before its initialize. */
static void drop_at(const void *home)
{
    struct bound *b = live;
    while (b && b->home != home)
        b = b->next;
    if (b)
        drop(b);
}

static struct bound *make(simlab_context *c)
{
    struct class *k = simlab_userdata(c);
    newfunc create = (newfunc)PyType_GetSlot((PyTypeObject *)k->bound, Py_tp_new);
    PyObject *none = PyTuple_New(0);
    struct bound *b = none ? (struct bound *)create((PyTypeObject *)k->bound, none, NULL) : NULL;
    Py_XDECREF(none);
    if (!b)
        return NULL;
    b->class = k;
    if (!bind(b, c)) {
        Py_DECREF((PyObject *)b);
        PyErr_NoMemory();
        return NULL;
    }
    b->home = c->instance;
    b->next = live;
    if (live)
        live->previous = b;
    live = b;
    return b;
}

struct bound *instance_of(simlab_context *c)
{
    struct bound **home = simlab_self(c);
    if (!*home) {
        drop_at(home);
        *home = make(c);
    }
    return *home;
}

void instance_drop(simlab_context *c)
{
    struct bound **home = simlab_self(c);
    struct bound *b = *home;
    *home = NULL;
    if (b)
        drop(b);
}

/* ---- values ---- */

void instance_assign(struct bound *b, int row, PyObject *value)
{
    PyObject *before = b->assigned[row];
    Py_INCREF(value);
    b->assigned[row] = value;
    b->is_pending[row] = true;
    if (!before)
        b->held[b->n_held++] = row;
    Py_XDECREF(before);
}

void instance_keep(struct bound *b, int row, PyObject *value)
{
    instance_assign(b, row, value);
    b->is_pending[row] = false;
}

static bool overlaps(const struct numpy_elements *e, const struct simlab_view *v)
{
    const char *from = e->data, *to = v->data;
    return to && e->bytes && from < to + v->size * v->itemsize && to < from + e->bytes;
}

static bool is_same_place(const struct numpy_elements *e, const struct simlab_view *v)
{
    return e->data == v->data && e->dtype == v->dtype && e->ndim == v->ndim &&
           (e->dtype != SIMLAB_STR || e->length == v->itemsize) &&
           !memcmp(e->shape, v->shape, (size_t)e->ndim * sizeof *e->shape);
}

static int copy_elements(simlab_context *c, int row, const struct numpy_elements *e)
{
    void *data = simlab_create(c, row, e->dtype, e->length, e->ndim, e->shape);
    if (simlab_failed(c))
        return -1;
    if (e->bytes)
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

static int put_elements(simlab_context *c, int row, const struct numpy_elements *e)
{
    const struct simlab_view *v = c->views[row];
    if (is_same_place(e, v))
        return 0;
    if (!overlaps(e, v))
        return copy_elements(c, row, e);
    struct numpy_elements moved = *e; /* a part of the value itself */
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

int instance_put(simlab_context *c, int row, PyObject *value, struct cell *cell)
{
    struct numpy_elements e;
    if (numpy_elements(value, &e) < 0) {
        name_variable(simlab_userdata(c), row);
        return -1;
    }
    widen(&e, c->views[row]);
    int r = put_elements(c, row, &e);
    if (r == 0 && e.ndim == 0 && cell)
        cell_remember(cell, value, e.is_numpy);
    numpy_elements_clear(&e);
    return r;
}

static bool is_changed(simlab_context *c, int row, PyObject *value)
{
    struct numpy_elements e;
    const struct simlab_view *v = c->views[row];
    if (numpy_elements(value, &e) < 0) {
        PyErr_Clear();
        return true;
    }
    bool is_changed = !v->data || e.dtype != v->dtype || e.ndim != v->ndim ||
                      memcmp(e.shape, v->shape, (size_t)e.ndim * sizeof *e.shape) != 0 ||
                      e.bytes != (size_t)v->size * (size_t)v->itemsize ||
                      memcmp(e.data, v->data, e.bytes) != 0;
    numpy_elements_clear(&e);
    return is_changed;
}

int instance_commit(struct visit *visit)
{
    struct bound *b = visit->object;
    for (int i = 0; i < b->n_held; i++) {
        int row = b->held[i];
        if (!b->is_pending[row] && !is_changed(visit->context, row, b->assigned[row]))
            continue;
        if (instance_put(visit->context, row, b->assigned[row], b->cells[row]) < 0)
            return -1;
        b->is_pending[row] = false;
    }
    return 0;
}

/* Those rows stay for which keep() is true. */
static void let_go(struct visit *visit, bool (*keep)(struct visit *visit, int row))
{
    struct bound *b = visit->object;
    int n = 0;
    for (int i = 0; i < b->n_held; i++) {
        int row = b->held[i];
        if (keep(visit, row))
            b->held[n++] = row;
        else
            Py_CLEAR(b->assigned[row]);
    }
    b->n_held = n;
}

static bool is_held_elsewhere(struct visit *visit, int row)
{
    PyObject *value = visit->object->assigned[row];
    return Py_REFCNT(value) > 1 && numpy_is_array(value) &&
           !cell_owns(visit->object->cells[row], value);
}

static bool is_still(struct visit *visit, int row)
{
    PyObject *value = visit->object->assigned[row];
    return Py_REFCNT(value) > 1 && !is_changed(visit->context, row, value);
}

/* -1: none. */
static int find_viewed(const struct bound *b)
{
    for (int row = 0; row < b->class->process.n_variables; row++)
        if (b->cells[row] && cell_is_viewed(b->cells[row]))
            return row;
    return -1;
}

/* The memory is another value's, or nobody's, later. What only waits for the garbage collector is
 * not kept. */
static int check_views(const struct bound *b)
{
    int row = find_viewed(b);
    if (row < 0)
        return 0;
    PyGC_Collect();
    row = find_viewed(b);
    if (row < 0)
        return 0;
    PyErr_Format(PyExc_RuntimeError,
                 "variable %R: the array that was read is kept beyond this call, where it is not "
                 "the variable's value any more: keep a copy of it, as in self.%U.copy()",
                 b->class->names[row], b->class->names[row]);
    return -1;
}

int instance_settle(struct visit *visit)
{
    int r = visit->object->n_held ? instance_commit(visit) : 0;
    if (r == 0 && visit->object->n_held)
        let_go(visit, is_held_elsewhere);
    return r == 0 ? check_views(visit->object) : r;
}

void instance_compare(struct visit *visit)
{
    if (visit->object->n_held)
        let_go(visit, is_still);
}

void instance_abandon(struct bound *b)
{
    for (int i = 0; i < b->n_held; i++) {
        b->is_pending[b->held[i]] = false;
        Py_CLEAR(b->assigned[b->held[i]]);
    }
    b->n_held = 0;
}

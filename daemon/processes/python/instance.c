/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include "block.h"
#include "numpy.h"
#include "put.h"

#include <stdlib.h>

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
    free(b->words);
    b->cells = NULL;
    b->members = NULL;
    b->assigned = NULL;
    b->is_pending = NULL;
    b->held = NULL;
    b->words = NULL;
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
    b->words = calloc(n + 1, sizeof *b->words);
    if (!b->cells || !b->members || !b->assigned || !b->is_pending || !b->held || !b->words)
        return false;
    for (int row = 0; row < c->n_variables; row++)
        if (has_cell(b->class, row) && c->views[row] && !(b->cells[row] = cell_join(c->views[row])))
            return false;
    return true;
}

/* Inputs are whole numbers: they are dates where the variable's units say so. */
static void mark_inputs(const struct bound *b, simlab_context *c)
{
    for (int row = 0; row < c->n_variables; row++) {
        const char *dtype = numpy_time_of_mark(b->class->times[row]);
        if (b->cells[row] && dtype && *dtype == 'M' && c->views[row]->mark == 0 &&
            b->class->variables[row].intent != SIMLAB_OUT)
            c->views[row]->mark = b->class->times[row];
    }
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
    if (!live && block_n_kept() > 0) /* what only waits for it is not kept into the next member */
        PyGC_Collect();
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
    mark_inputs(b, c);
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

void instance_forget(simlab_context *c)
{
    drop_at(c->instance);
}

void instance_drop(simlab_context *c)
{
    struct bound **home = simlab_self(c);
    struct bound *b = *home;
    *home = NULL;
    if (b)
        drop(b);
}

struct cell *instance_member(const struct visit *visit, int row, int64_t k)
{
    const struct simlab_group *g = &visit->context->groups[row];
    struct cell ***members = &visit->object->members[row];
    if (!*members)
        *members = calloc((size_t)g->n + 1, sizeof **members);
    if (*members && !(*members)[k])
        (*members)[k] = cell_join(g->views[k]);
    return *members ? (*members)[k] : NULL;
}

/* ---- values ---- */

void instance_assign(struct bound *b, int row, PyObject *value)
{
    PyObject *before = b->assigned[row];
    Py_INCREF(value);
    b->assigned[row] = value;
    b->is_pending[row] |= before != value; /* that it was changed in place is seen by comparing */
    if (!before)
        b->held[b->n_held++] = row;
    Py_XDECREF(before);
}

void instance_unassign(struct bound *b, int row)
{
    int n = 0;
    for (int i = 0; i < b->n_held; i++)
        if (b->held[i] != row)
            b->held[n++] = b->held[i];
    b->n_held = n;
    b->is_pending[row] = false;
    Py_CLEAR(b->assigned[row]);
}

static bool is_set_by_others(const struct bound *b, int row)
{
    return b->class->variables[row].intent != SIMLAB_OUT;
}

/* Of what stays assigned. */
static void note_word(const struct visit *visit, int row)
{
    if (is_set_by_others(visit->object, row))
        visit->object->words[row] = put_word(visit->context->views[row]);
}

void instance_keep(struct visit *visit, int row, PyObject *value)
{
    instance_assign(visit->object, row, value);
    visit->object->is_pending[row] = false;
    note_word(visit, row);
}

static int commit_row(struct visit *visit, int row)
{
    struct bound *b = visit->object;
    enum put_how how = b->is_pending[row] ? PUT_NEW : PUT_CHANGE;
    if (how == PUT_CHANGE && !put_would_change(visit->context, row, b->assigned[row]))
        return 0;
    if (put_value(visit->context, row, b->assigned[row], b->cells[row], how) < 0)
        return -1;
    b->is_pending[row] = false;
    return 0;
}

int instance_commit(struct visit *visit)
{
    const struct bound *b = visit->object;
    int r = 0;
    for (int i = 0; i < b->n_held && r == 0; i++)
        r = commit_row(visit, b->held[i]);
    return r;
}

int instance_replace(struct visit *visit, int row)
{
    const struct bound *b = visit->object;
    return b->assigned[row] && !b->is_pending[row] ? commit_row(visit, row) : 0;
}

/* Whether it may be changed by somebody who has it, too. */
static bool is_held_elsewhere(const struct bound *b, int row)
{
    return !cell_owns(b->cells[row], b->assigned[row]) && numpy_may_change(b->assigned[row]);
}

int instance_keep_views(struct visit *visit)
{
    const struct bound *b = visit->object;
    int r = 0;
    for (int row = 0; row < b->class->process.n_variables && r == 0; row++) {
        if (b->cells[row])
            r = cell_keep(b->cells[row], visit->context);
        struct cell **members = b->members[row];
        for (int64_t k = 0; members && k < visit->context->groups[row].n && r == 0; k++)
            if (members[k])
                r = cell_keep(members[k], visit->context);
    }
    return r;
}

int instance_settle(struct visit *visit)
{
    struct bound *b = visit->object;
    if (b->n_held == 0)
        return 0;
    if (instance_commit(visit) < 0)
        return -1;
    for (int i = b->n_held - 1; i >= 0; i--) {
        int row = b->held[i];
        if (is_held_elsewhere(b, row))
            note_word(visit, row);
        else
            instance_unassign(b, row);
    }
    return 0;
}

static int refuse_changed(const struct bound *b, int row)
{
    PyErr_Format(
        PyExc_RuntimeError,
        "variable %R: what was assigned to it was changed in place between two calls of its "
        "process, where nobody sees that: share it as an any_object, or assign a copy",
        b->class->names[row]);
    return -1;
}

int instance_compare(struct visit *visit)
{
    struct bound *b = visit->object;
    for (int i = b->n_held - 1; i >= 0; i--) {
        int row = b->held[i];
        if (!put_would_change(visit->context, row, b->assigned[row]))
            continue;
        if (!is_set_by_others(b, row) || b->words[row] == put_word(visit->context->views[row]))
            return refuse_changed(b, row);
        instance_unassign(b, row);
    }
    return 0;
}

void instance_abandon(struct bound *b)
{
    for (int i = 0; i < b->n_held; i++) {
        b->is_pending[b->held[i]] = false;
        Py_CLEAR(b->assigned[b->held[i]]);
    }
    b->n_held = 0;
}

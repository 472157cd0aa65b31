/* SPDX-License-Identifier: Apache-2.0 */
#include "types.h"

#include "numpy.h"
#include "runtime.h"
#include "visit.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"variable", "index",      "foreign",   "global",
                                    "group",    "group_dict", "on_demand", "object"};
static const char *const intents[] = {"in", "out", "inout"};

/* Borrowed: a text of the table, NULL where it is absent or None. */
static const char *text(PyObject *table, const char *key)
{
    PyObject *value = PyDict_GetItemString(table, key);
    return value && value != Py_None ? PyUnicode_AsUTF8AndSize(value, NULL) : NULL;
}

static bool is_set(PyObject *table, const char *key)
{
    PyObject *value = PyDict_GetItemString(table, key);
    return value && PyObject_IsTrue(value) == 1;
}

static int word(const char *const *words, size_t n, const char *value)
{
    for (size_t i = 0; value && i < n; i++)
        if (!strcmp(words[i], value))
            return (int)i;
    return 0;
}

static void read_variable(struct simlab_variable *v, PyObject *row, uint32_t stages)
{
    v->name = text(row, "name");
    v->kind = word(kinds, sizeof kinds / sizeof *kinds, text(row, "kind"));
    v->intent = word(intents, sizeof intents / sizeof *intents, text(row, "intent"));
    bool has_dtype =
        v->kind == SIMLAB_VARIABLE || v->kind == SIMLAB_INDEX || v->kind == SIMLAB_ON_DEMAND;
    v->dtype = has_dtype ? SIMLAB_ANY : 0;
    v->flags =
        (is_set(row, "static") ? SIMLAB_STATIC : 0) | (is_set(row, "cached") ? SIMLAB_CACHED : 0);
    v->reads = stages;
    v->writes = v->intent == SIMLAB_IN || v->kind == SIMLAB_ON_DEMAND ? 0 : stages;
    v->dims = text(row, "dims");
    v->type = text(row, "type");
    v->var = text(row, "var");
    v->global_name = text(row, "global_name");
    v->groups = text(row, "groups");
    v->group = text(row, "group");
    v->default_value = text(row, "default");
    v->bounds = text(row, "bounds");
    v->description = text(row, "description");
    v->units = text(row, "units");
    v->attrs = text(row, "attrs");
    v->encoding = text(row, "encoding");
    v->compute = v->kind == SIMLAB_ON_DEMAND ? visit_compute : NULL;
    bool is_input = v->intent != SIMLAB_OUT && v->kind == SIMLAB_VARIABLE;
    v->validate = is_input && is_set(row, "validators") ? visit_validate : NULL;
    v->convert = is_input && is_set(row, "converter") ? visit_convert : NULL;
}

static int read_method(struct stage_method *m, PyObject *arguments)
{
    if (!arguments || arguments == Py_None)
        return 0;
    m->is_there = true;
    Py_ssize_t n = PyTuple_Size(arguments);
    if (n > RUNTIME_ARGUMENTS_MOST) {
        PyErr_SetString(PyExc_TypeError, "a stage method takes too many arguments");
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        int argument = runtime_argument(PyTuple_GetItem(arguments, i));
        if (argument < 0)
            return -1;
        m->arguments[m->n_arguments++] = argument;
    }
    return 0;
}

static const char *const stage_names[] = {"initialize", "run_step", "finalize_step", "finalize"};

static int read_methods(struct class *k)
{
    PyObject *stages = PyDict_GetItemString(k->table, "stages");
    for (int i = 0; i < SIMLAB_N_STAGES; i++)
        if (read_method(&k->methods[i], PyList_GetItem(stages, i)) < 0 ||
            (k->methods[i].is_there &&
             !(k->functions[i] = PyObject_GetAttrString(k->bound, stage_names[i]))))
            return -1;
    return 0;
}

/* Variables are touched where the class itself has a method: not where only the instance is made or
 * dropped. */
static uint32_t own_stages(const struct class *k)
{
    uint32_t stages = 0;
    for (int i = 0; i < SIMLAB_N_STAGES; i++)
        stages |= k->methods[i].is_there ? 1u << i : 0;
    return stages;
}

static int read_variables(struct class *k, PyObject *rows)
{
    Py_ssize_t n = PyList_Size(rows);
    k->variables = calloc((size_t)n + 1, sizeof *k->variables);
    k->names = calloc((size_t)n + 1, sizeof *k->names);
    k->rows = calloc((size_t)n + 1, sizeof *k->rows);
    k->is_object = calloc((size_t)n + 1, sizeof *k->is_object);
    k->times = calloc((size_t)n + 1, sizeof *k->times);
    if (!k->variables || !k->names || !k->rows || !k->is_object || !k->times) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        k->rows[i] = PyList_GetItem(rows, i);
        k->names[i] = PyDict_GetItemString(k->rows[i], "name");
        k->is_object[i] = is_set(k->rows[i], "is_object");
        k->times[i] = numpy_time_mark(text(k->rows[i], "time"));
        read_variable(&k->variables[i], k->rows[i], own_stages(k));
    }
    k->process.variables = k->variables;
    k->process.n_variables = (int32_t)n;
    return PyErr_Occurred() ? -1 : 0;
}

/* All have initialize and finalize, which make and drop the instance. */
static void set_process(struct class *k)
{
    struct simlab_process *p = &k->process;
    p->name = text(k->table, "name");
    p->description = text(k->table, "description");
    p->extends = text(k->table, "extends");
    p->flags = SIMLAB_NOT_THREAD_SAFE | SIMLAB_PINNED;
    if (is_set(k->table, "is_movable"))
        p->flags |= SIMLAB_MOVABLE;
    p->initialize = visit_initialize;
    p->run_step = k->methods[SIMLAB_RUN_STEP].is_there ? visit_run_step : NULL;
    p->finalize_step = k->methods[SIMLAB_FINALIZE_STEP].is_there ? visit_finalize_step : NULL;
    p->finalize = visit_finalize;
    p->save = visit_save;
    p->restore = visit_restore;
    p->forget = visit_forget;
    p->instance_size = VISIT_INSTANCE_SIZE;
    p->userdata = k;
}

struct class *class_new(PyObject *table)
{
    struct class *k = calloc(1, sizeof *k);
    if (!k) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(table);
    k->table = table;
    k->bound = PyDict_GetItemString(table, "bound");
    if (read_methods(k) < 0 || read_variables(k, PyDict_GetItemString(table, "variables")) < 0) {
        Py_DECREF(table);
        free(k->variables);
        free(k->names);
        free(k->rows);
        free(k->is_object);
        free(k->times);
        free(k);
        return NULL;
    }
    set_process(k);
    return k;
}

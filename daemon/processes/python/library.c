/* SPDX-License-Identifier: Apache-2.0 */
/* A module or package of Python as a process library. It is opened under the module's name:
 * NAME.so is this library, and NAME.py or NAME/__init__.py lies beside it. */
#include "block.h"
#include "instance.h"
#include "interpreter.h"
#include "numpy.h"
#include "put.h"
#include "saved.h"
#include "types.h"
#include "variable.h"
#include "visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct module {
    struct simlab_library table; /* first */
    const struct simlab_process **processes;
    PyObject *opened; /* what texts of the table belong to */
};

static const struct {
    const char *name;
    int is_package;
    const char *text;
} sources[] = {
#include "sources.inc"
};
enum { N_SOURCES = sizeof sources / sizeof *sources };

/* A worker may have several copies of this library, each under a module's name. The first has the
 * interpreter, and opens the others' modules too. */
static const struct simlab_library *open_module(const struct simlab_opening *o);
static const struct first {
    const struct simlab_library *(*open)(const struct simlab_opening *o);
} first = {open_module};

static PyObject *host; /* the module simlab.processes.host; NULL: nothing has begun */

/* ---- the module _simlab ---- */

static PyObject *log_line(PyObject *self, PyObject *line)
{
    const char *text = PyUnicode_AsUTF8AndSize(line, NULL);
    struct visit *visit = visit_current();
    (void)self;
    if (!text)
        return NULL;
    if (visit)
        simlab_log(visit->context, "%s", text);
    else if (*text)
        fprintf(stderr, "%s\n", text);
    Py_INCREF(Py_None);
    return Py_None;
}

static PyMethodDef methods[] = {
    {"log", log_line, METH_O, "A line of the member's log."},
    {"array", saved_array, METH_O, "An array over a value, as it was when it was saved."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "_simlab", .m_size = -1, .m_methods = methods};

static PyObject *make_module(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyObject *capsule = PyCapsule_New((void *)(uintptr_t)&first, PYTHON_RUNTIME, NULL);
    PyObject *block = (PyObject *)block_class();
    Py_XINCREF(block);
    if (module && (PyModule_AddObject(module, "first", capsule) < 0 ||
                   PyModule_AddObject(module, "Block", block) < 0 ||
                   PyModule_AddObject(module, "Bound", (PyObject *)instance_type()) < 0 ||
                   PyModule_AddObject(module, "Variable", (PyObject *)variable_type()) < 0))
        Py_CLEAR(module);
    return module;
}

/* ---- the start ---- */

static PyObject *embedded(void)
{
    PyObject *all = PyDict_New();
    for (int i = 1; all && i < N_SOURCES; i++) {
        PyObject *one =
            Py_BuildValue("(sO)", sources[i].text, sources[i].is_package ? Py_True : Py_False);
        if (!one || PyDict_SetItemString(all, sources[i].name, one) < 0)
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    return all;
}

/* The first source is boot.py. */
static int run_boot(void)
{
    PyObject *globals = PyDict_New(), *all = embedded(), *code = NULL, *done = NULL;
    PyObject *builtins = PyEval_GetBuiltins();
    if (globals && all && PyDict_SetItemString(globals, "sources", all) == 0 &&
        PyDict_SetItemString(globals, "__builtins__", builtins) == 0 &&
        (code = Py_CompileString(sources[0].text, "<simlab>", Py_file_input)))
        done = PyEval_EvalCode(code, globals, globals);
    int r = done ? 0 : -1;
    Py_XDECREF(done);
    Py_XDECREF(code);
    Py_XDECREF(all);
    Py_XDECREF(globals);
    return r;
}

static int start_host(void)
{
    PyObject *module = make_module(), *started = NULL, *found = NULL;
    PyObject *modules = PyImport_GetModuleDict();
    if (module && PyDict_SetItemString(modules, "_simlab", module) == 0 && run_boot() == 0 &&
        numpy_start() == 0)
        found = PyImport_ImportModule("simlab.processes.host");
    if (found && put_start(found) == 0 && visit_start(found) == 0 && variable_start(found) == 0 &&
        saved_start(found) == 0)
        started = PyObject_CallMethod(found, "start", NULL);
    Py_XDECREF(module);
    if (started)
        host = found;
    Py_XDECREF(started);
    return host ? 0 : -1;
}

/* ---- opening ---- */

/* That of another copy, *ret_first NULL where there is none; -1: it is of another build. */
static int find_first(const struct first **ret_first)
{
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "_simlab");
    PyObject *capsule = module ? PyObject_GetAttrString(module, "first") : NULL;
    bool is_same = capsule && PyCapsule_IsValid(capsule, PYTHON_RUNTIME);
    *ret_first = is_same ? PyCapsule_GetPointer(capsule, PYTHON_RUNTIME) : NULL;
    Py_XDECREF(capsule);
    PyErr_Clear();
    return module && !is_same ? -1 : 0;
}

/* In `open`: the exception that is set. */
static const struct simlab_library *fail(const struct simlab_opening *o)
{
    PyObject *type, *value, *traceback, *text = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    if (host && value)
        text = PyObject_CallMethod(host, "explain", "O", value);
    if (!text && value)
        text = PyObject_Str(value);
    const char *words = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    simlab_open_fail(o, "%s", words ? words : "an exception that cannot be told");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return NULL;
}

static const char *optional_text(PyObject *tuple, Py_ssize_t i)
{
    PyObject *text = PyTuple_GetItem(tuple, i);
    return text && text != Py_None ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
}

static int add_classes(struct module *m, PyObject *tables)
{
    Py_ssize_t n = PyList_Size(tables);
    m->processes = calloc((size_t)n + 1, sizeof(struct simlab_process *));
    if (!m->processes)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        struct class *k = class_new(PyList_GetItem(tables, i));
        if (!k)
            return -1;
        m->processes[i] = &k->process;
    }
    m->table.processes = m->processes;
    m->table.n_processes = (int32_t)n;
    return 0;
}

/* (description, version, classes, left out, models), as host.py gives them. */
static struct module *module_new(PyObject *opened)
{
    struct module *m = calloc(1, sizeof *m);
    if (!m) {
        PyErr_NoMemory();
        return NULL;
    }
    m->table = (struct simlab_library)SIMLAB_LIBRARY_INIT(optional_text(opened, 1),
                                                          optional_text(opened, 0), NULL, 0);
    m->table.runtime = PYTHON_RUNTIME;
    m->table.models = optional_text(opened, 4);
    m->opened = opened;
    if (add_classes(m, PyTuple_GetItem(opened, 2)) < 0) {
        free(m->processes);
        free(m);
        return NULL;
    }
    return m;
}

static const struct simlab_library *open_module(const struct simlab_opening *o)
{
    struct module *m = NULL;
    PyObject *opened = NULL;
    interpreter_enter();
    if (host || start_host() == 0)
        opened = PyObject_CallMethod(host, "open_module", "ss", o->name, o->directory);
    if (opened)
        m = module_new(opened);
    const struct simlab_library *table = m ? &m->table : fail(o);
    interpreter_leave();
    return table;
}

static const struct simlab_library *open(const struct simlab_opening *o)
{
    const char *why;
    const struct first *other;
    if (interpreter_start(&why) < 0)
        return simlab_open_fail(o, "Python does not start: %s", why);
    interpreter_enter();
    int r = find_first(&other);
    interpreter_leave();
    if (r < 0)
        return simlab_open_fail(o, "another environment of Python runs here than " PYTHON_PROGRAM);
    return other ? other->open(o) : open_module(o);
}

SIMLAB_LIBRARY_WITH_OPEN("1.0", "processes in Python", open, NULL)

/* SPDX-License-Identifier: Apache-2.0 */
#include "visit.h"

#include "instance.h"
#include "put.h"
#include "runtime.h"
#include "saved.h"

#include <string.h>

static _Thread_local struct visit *current;

static struct {
    PyObject *signal_of, *validate, *explain, *log_traceback, *flush;
} host;

int visit_start(PyObject *module)
{
    host.signal_of = PyObject_GetAttrString(module, "signal_of");
    host.validate = PyObject_GetAttrString(module, "validate");
    host.explain = PyObject_GetAttrString(module, "explain");
    host.log_traceback = PyObject_GetAttrString(module, "log_traceback");
    host.flush = PyObject_GetAttrString(module, "flush");
    return PyErr_Occurred() ? -1 : 0;
}

struct visit *visit_current(void)
{
    return current;
}

struct visit *visit_of(const PyObject *object)
{
    struct visit *visit = current;
    while (visit && (const PyObject *)visit->object != object)
        visit = visit->outer;
    return visit;
}

/* ---- errors ---- */

/* The exception that is set, as one object. A new reference. */
static PyObject *take_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* The stage fails with the exception that is set; the whole traceback goes to the member's log. A
 * failure that the host has told already stays. */
static int fail(simlab_context *c)
{
    if (simlab_failed(c)) {
        PyErr_Clear();
        return SIMLAB_ERROR;
    }
    PyObject *error = take_exception();
    PyObject *told = PyObject_CallFunctionObjArgs(host.log_traceback, error, NULL);
    PyObject *text = PyObject_CallFunctionObjArgs(host.explain, error, NULL);
    const char *words = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    int r = simlab_fail(c, "%s", words ? words : "an exception that cannot be told");
    PyErr_Clear();
    Py_XDECREF(told);
    Py_XDECREF(text);
    Py_XDECREF(error);
    return r;
}

/* ---- stages ---- */

static PyObject *call_with(PyObject *method, PyObject *object, const struct stage_method *m,
                           const struct simlab_runtime *runtime)
{
    PyObject *arguments = PyTuple_New(m->n_arguments + 1), *result;
    if (!arguments)
        return NULL;
    Py_INCREF(object);
    PyTuple_SetItem(arguments, 0, object);
    for (int i = 0; i < m->n_arguments; i++) {
        PyObject *value = runtime_value(runtime, m->arguments[i]);
        if (!value) {
            Py_DECREF(arguments);
            return NULL;
        }
        PyTuple_SetItem(arguments, i + 1, value);
    }
    result = PyObject_Call(method, arguments, NULL);
    Py_DECREF(arguments);
    return result;
}

/* SIMLAB_NONE or a signal; SIMLAB_ERROR and an exception. */
static int signal_of(PyObject *result)
{
    static const int signals[] = {SIMLAB_NONE, SIMLAB_SKIP, SIMLAB_CONTINUE, SIMLAB_BREAK};
    PyObject *number = PyObject_CallFunctionObjArgs(host.signal_of, result, NULL);
    long n = number ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    return n >= 0 && n < 4 ? signals[n] : SIMLAB_ERROR;
}

static int call_method(struct visit *visit, int stage)
{
    struct class *k = visit->object->class;
    const struct stage_method *m = &k->methods[stage];
    PyObject *object = (PyObject *)visit->object, *result;
    if (!m->is_there)
        return SIMLAB_NONE;
    if (m->n_arguments == 0)
        result = PyObject_CallFunctionObjArgs(k->functions[stage], object, NULL);
    else
        result = call_with(k->functions[stage], object, m, visit->context->runtime);
    if (!result)
        return SIMLAB_ERROR;
    int r = result == Py_None ? SIMLAB_NONE : signal_of(result);
    Py_DECREF(result);
    return r;
}

static bool begin(struct visit *visit, simlab_context *c)
{
    interpreter_enter();
    *visit = (struct visit){.context = c, .object = instance_of(c), .outer = current};
    if (!visit->object)
        return false;
    current = visit;
    return true;
}

/* `r`: as a stage function's, an exception set where it is negative. */
static int end(struct visit *visit, int r)
{
    simlab_context *c = visit->context;
    if (r >= 0 && visit->object && instance_settle(visit) < 0)
        r = SIMLAB_ERROR;
    if (visit->object && instance_keep_views(visit) < 0)
        r = SIMLAB_ERROR;
    if (r < 0) {
        if (visit->object)
            instance_abandon(visit->object);
        r = fail(c);
    }
    current = visit->outer;
    return r;
}

/* The rest of a line that was printed; an exception stays what it is. */
static void flush(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *done = PyObject_CallFunctionObjArgs(host.flush, NULL);
    Py_XDECREF(done);
    PyErr_Restore(type, value, traceback);
}

static int run_stage(simlab_context *c, int stage)
{
    struct visit visit;
    int r = SIMLAB_ERROR;
    if (begin(&visit, c) && instance_compare(&visit) == 0)
        r = call_method(&visit, stage);
    if (stage == SIMLAB_FINALIZE)
        flush();
    r = end(&visit, r);
    if (stage == SIMLAB_FINALIZE)
        instance_drop(c);
    interpreter_leave();
    return r;
}

int visit_initialize(simlab_context *c)
{
    return run_stage(c, SIMLAB_INITIALIZE);
}

int visit_run_step(simlab_context *c)
{
    return run_stage(c, SIMLAB_RUN_STEP);
}

int visit_finalize_step(simlab_context *c)
{
    return run_stage(c, SIMLAB_FINALIZE_STEP);
}

int visit_finalize(simlab_context *c)
{
    return run_stage(c, SIMLAB_FINALIZE);
}

/* ---- about one variable ---- */

static PyObject *of_row(const struct visit *visit, int32_t row, const char *key)
{
    return PyDict_GetItemString(visit->object->class->rows[row], key);
}

static int put_result(struct visit *visit, int32_t row, PyObject *result)
{
    if (!result)
        return SIMLAB_ERROR;
    int r = put_value(visit->context, row, result, visit->object->cells[row], PUT_NEW);
    Py_DECREF(result);
    return r < 0 ? SIMLAB_ERROR : SIMLAB_NONE;
}

static int compute(struct visit *visit, int32_t row)
{
    PyObject *method = of_row(visit, row, "compute");
    return put_result(visit, row,
                      PyObject_CallFunctionObjArgs(method, (PyObject *)visit->object, NULL));
}

static int convert(struct visit *visit, int32_t row)
{
    PyObject *value = cell_read(visit->object->cells[row], false);
    if (!value)
        return SIMLAB_ERROR;
    PyObject *result = PyObject_CallFunctionObjArgs(of_row(visit, row, "converter"), value, NULL);
    Py_DECREF(value);
    return put_result(visit, row, result);
}

static int validate(struct visit *visit, int32_t row)
{
    PyObject *value = cell_read(visit->object->cells[row], false);
    if (!value)
        return SIMLAB_ERROR;
    PyObject *done = PyObject_CallFunctionObjArgs(host.validate, of_row(visit, row, "validators"),
                                                  (PyObject *)visit->object,
                                                  of_row(visit, row, "declaration"), value, NULL);
    Py_DECREF(value);
    Py_XDECREF(done);
    return done ? SIMLAB_NONE : SIMLAB_ERROR;
}

static int run_about(simlab_context *c, int32_t row, int (*about)(struct visit *visit, int32_t row))
{
    struct visit visit;
    int r = begin(&visit, c) ? about(&visit, row) : SIMLAB_ERROR;
    if (visit.object && instance_keep_views(&visit) < 0)
        r = SIMLAB_ERROR;
    if (r < 0)
        r = fail(c);
    current = visit.outer;
    interpreter_leave();
    return r;
}

static int save(struct visit *visit, int32_t row)
{
    (void)row;
    return saved_put(visit);
}

static int restore(struct visit *visit, int32_t row)
{
    (void)row;
    return saved_get(visit);
}

int visit_save(simlab_context *c)
{
    return run_about(c, -1, save);
}

int visit_restore(simlab_context *c)
{
    return run_about(c, -1, restore);
}

int visit_forget(simlab_context *c)
{
    interpreter_enter();
    instance_forget(c);
    interpreter_leave();
    return SIMLAB_NONE;
}

int visit_compute(simlab_context *c, int32_t row)
{
    return run_about(c, row, compute);
}

int visit_convert(simlab_context *c, int32_t row)
{
    return run_about(c, row, convert);
}

int visit_validate(simlab_context *c, int32_t row)
{
    return run_about(c, row, validate);
}

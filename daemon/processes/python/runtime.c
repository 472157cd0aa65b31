/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include "numpy.h"

#include <stddef.h>
#include <string.h>

enum argument_kind { TIME, COUNT, CLOCK };

static const struct {
    const char *name;
    enum argument_kind kind;
    size_t offset;
} arguments[] = {
    {"batch", COUNT, offsetof(struct simlab_runtime, batch)},
    {"batch_size", COUNT, offsetof(struct simlab_runtime, batch_size)},
    {"main_clock_values", CLOCK, 0},
    {"nsteps", COUNT, offsetof(struct simlab_runtime, nsteps)},
    {"sim_end", TIME, offsetof(struct simlab_runtime, sim_end)},
    {"sim_start", TIME, offsetof(struct simlab_runtime, sim_start)},
    {"step", COUNT, offsetof(struct simlab_runtime, step)},
    {"step_delta", TIME, offsetof(struct simlab_runtime, step_delta)},
    {"step_end", TIME, offsetof(struct simlab_runtime, step_end)},
    {"step_start", TIME, offsetof(struct simlab_runtime, step_start)},
};
enum { N_ARGUMENTS = sizeof arguments / sizeof *arguments };

/* Steps of equal length ask for one number again and again: the last of each argument is kept. */
static struct {
    double value;
    PyObject *object;
} kept[N_ARGUMENTS];

int runtime_argument(PyObject *name)
{
    const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
    for (int i = 0; text && i < N_ARGUMENTS; i++)
        if (!strcmp(arguments[i].name, text))
            return i;
    if (text)
        PyErr_Format(PyExc_NotImplementedError,
                     "a stage method cannot be given %s here: main_clock_values has the labels",
                     text);
    return -1;
}

static PyObject *time_value(int argument, double value)
{
    if (!kept[argument].object || memcmp(&kept[argument].value, &value, sizeof value) != 0) {
        PyObject *object = numpy_f8(value);
        if (!object)
            return NULL;
        Py_XDECREF(kept[argument].object);
        kept[argument].object = object;
        kept[argument].value = value;
    }
    Py_INCREF(kept[argument].object);
    return kept[argument].object;
}

PyObject *runtime_value(const struct simlab_runtime *runtime, int argument)
{
    const char *field = (const char *)runtime + arguments[argument].offset;
    switch (arguments[argument].kind) {
    case TIME:
        return time_value(argument, *(const double *)(const void *)field);
    case COUNT:
        return PyLong_FromLongLong(*(const int64_t *)(const void *)field);
    default:
        return numpy_copy_f8(runtime->main_clock, runtime->main_clock_size);
    }
}

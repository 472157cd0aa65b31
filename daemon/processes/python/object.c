/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <stdlib.h>

/* In the model: what the host keeps of a Python object. All that there are, so that an object of
 * another language is not taken for one. */
struct shared {
    PyObject *value;
    struct shared *next;
};
static struct shared *all;

bool object_is(const struct visit *visit, int row)
{
    return visit->object->class->is_object[row];
}

/* The host drops it: at any time, by any thread. */
static void give(void *object)
{
    interpreter_enter();
    struct shared **link = &all;
    while (*link && *link != object)
        link = &(*link)->next;
    struct shared *s = *link;
    if (s) {
        *link = s->next;
        Py_DECREF(s->value);
        free(s);
    }
    interpreter_leave();
}

PyObject *object_read(struct visit *visit, int row, PyObject *name)
{
    const struct shared *found = simlab_object(visit->context, row), *s = all;
    while (s && s != found)
        s = s->next;
    if (s) {
        Py_INCREF(s->value);
        return s->value;
    }
    if (found)
        PyErr_Format(PyExc_TypeError, "variable %R holds an object of another language", name);
    else
        PyErr_Format(PyExc_AttributeError, "variable %R has no value yet", name);
    return NULL;
}

int object_set(struct visit *visit, int row, PyObject *value)
{
    struct shared *s = calloc(1, sizeof *s);
    if (!s) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(value);
    s->value = value;
    s->next = all;
    all = s;
    simlab_set_object(visit->context, row, s, give);
    return 0;
}

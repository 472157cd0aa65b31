/* SPDX-License-Identifier: Apache-2.0 */
/* Values of Python and NumPy into the arena. */
#ifndef PYTHON_PUT_H
#define PYTHON_PUT_H

#include "cell.h"

enum put_how {
    PUT_NEW,   /* another value: who has arrays over the one before keeps that */
    PUT_CHANGE /* the same array, which has changed: all arrays over the value show it */
};

/* `host`: the module simlab.processes.host. 0; -1 and an exception. */
int put_start(PyObject *host);

/* As the value of a row, whose cell may be NULL. 0; -1 and an exception, or a failure of the
 * context. */
int put_value(simlab_context *c, int row, PyObject *value, struct cell *cell, enum put_how how);

/* Whether the row's value is another one, as far as can be told. */
bool put_would_change(simlab_context *c, int row, PyObject *value);

/* A word for what the value is: to tell whether somebody else has given it another one. */
uint64_t put_word(const struct simlab_view *v);

#endif

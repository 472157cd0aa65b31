/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter: one in a worker, started by the first module that is opened, and kept to the
 * worker's end. Threads take turns in it: Python calls never overlap.
 *
 * The stable interface of Python 3.11 is used, but for the start of the interpreter. */
#ifndef PYTHON_INTERPRETER_H
#define PYTHON_INTERPRETER_H

#ifndef PYTHON_STARTS
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

/* 0; or -1 and *ret_why, a text that lives for ever. */
int interpreter_start(const char **ret_why);

/* The calling thread may use Python, until it leaves again. May be nested. */
void interpreter_enter(void);
void interpreter_leave(void);

/* Others may use it meanwhile: around calls of the host that may wait for another thread. */
struct interpreter_pause {
    PyThreadState *state;
    int depth;
};
struct interpreter_pause interpreter_pause(void);
void interpreter_resume(struct interpreter_pause pause);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A variable as an attribute of instances: `_simlab.Variable(name, row, kind, intent, converter)`.
 */
#ifndef PYTHON_VARIABLE_H
#define PYTHON_VARIABLE_H

#include "interpreter.h"

/* A new reference; NULL and an exception. */
PyTypeObject *variable_type(void);

/* 0; -1 and an exception. `host`: the module simlab.processes.host. */
int variable_start(PyObject *host);

#endif

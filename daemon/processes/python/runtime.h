/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage method asks for by @runtime(args=…). */
#ifndef PYTHON_RUNTIME_H
#define PYTHON_RUNTIME_H

#include "interpreter.h"

#include <simlab/process.h>

/* The number of an argument by its name; -1 and an exception. */
int runtime_argument(PyObject *name);

/* Its value now. A new reference; NULL and an exception. */
PyObject *runtime_value(const struct simlab_runtime *runtime, int argument);

#endif

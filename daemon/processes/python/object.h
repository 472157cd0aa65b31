/* SPDX-License-Identifier: Apache-2.0 */
/* any_object: a Python object that processes in Python share. */
#ifndef PYTHON_OBJECT_H
#define PYTHON_OBJECT_H

#include "visit.h"

/* Whether the row leads to an object, not to a value. */
bool object_is(const struct visit *visit, int row);

/* A new reference; NULL and an exception. */
PyObject *object_read(struct visit *visit, int row, PyObject *name);
/* 0; -1 and an exception. */
int object_set(struct visit *visit, int row, PyObject *value);

#endif

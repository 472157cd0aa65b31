/* SPDX-License-Identifier: Apache-2.0 */
/* An instance between two steps as bytes: its own attributes, and the objects that it has set, by
 * pickle, arrays over values by what they are over; and what it has assigned and keeps. */
#ifndef PYTHON_SAVED_H
#define PYTHON_SAVED_H

#include "visit.h"

/* `host`: the module simlab.processes.host. 0; -1 and an exception. */
int saved_start(PyObject *host);

/* 0; -1 and an exception, or a failure of the context. */
int saved_put(struct visit *visit);
int saved_get(struct visit *visit);

/* _simlab.array(key): of the instance that is being restored. */
PyObject *saved_array(PyObject *self, PyObject *key);

#endif

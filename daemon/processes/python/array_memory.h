/* SPDX-License-Identifier: Apache-2.0 */
/* Where NumPy's own arrays lie: what expressions make and drop again, which is most of what members
 * in NumPy do beside their arithmetic.
 *
 * Blocks of up to 64 KB are kept for the next array, up to 1 MB of them, by the thread that started
 * NumPy: it is the one that runs members. Each begins a cache line, so that the processor's widest
 * loads never cross one. Threads beside it take memory as NumPy does. */
#ifndef PYTHON_ARRAY_MEMORY_H
#define PYTHON_ARRAY_MEMORY_H

#include "interpreter.h"

/* `numpy`: the module. One before 1.22, which cannot be given it, keeps its own. 0; -1 and an
 * exception. */
int array_memory_start(PyObject *numpy);

#endif

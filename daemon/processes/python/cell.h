/* SPDX-License-Identifier: Apache-2.0 */
/* One value of the model as Python sees it: arrays over its memory, or the object that stands for
 * its scalar. All instances that touch a value share its cell.
 *
 * Invariants
 *  1. Who has an array over a value, or over a part of it, when a call ends has it as long as he
 *     likes: its memory is kept (block.h). It shows what is written to the value, until that is
 *     given another one.
 *  2. Where nobody does, a value stays in its memory. */
#ifndef PYTHON_CELL_H
#define PYTHON_CELL_H

#include "interpreter.h"

#include <simlab/process.h>

struct cell;

/* That of the value behind this view: one that is there, or a new one. NULL: no memory. Each has to
 * be left again. */
struct cell *cell_join(struct simlab_view *view);
void cell_leave(struct cell *cell);

/* What the value is: an array over it (`may_write`: which may be written through), or its scalar;
 * of texts: a copy. It is set. A new reference; NULL and an exception. */
PyObject *cell_read(struct cell *cell, bool may_write);

/* `object` is the scalar that was just put there, of that mark (numpy.h). */
void cell_remember(struct cell *cell, PyObject *object, int64_t mark);

/* Keeps the value's memory, if somebody beside the cell has an array over it, or over a part of it:
 * before the value is given another one, and when a call ends. 0; -1 and an exception. */
int cell_keep(struct cell *cell, simlab_context *c);

/* Its array, as it was read last: borrowed; NULL: none, or it is not that of the value any more. */
PyObject *cell_array(const struct cell *cell, bool may_write);

/* Whether this is the memory of any value that is known here. */
bool cell_is_value(const void *data);

/* Whether this is one of its arrays itself, over the value as it is now. */
bool cell_owns(const struct cell *cell, const PyObject *array);

/* Forgets its arrays: who has them keeps them. */
void cell_forget(struct cell *cell);

#endif

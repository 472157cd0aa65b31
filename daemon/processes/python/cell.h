/* SPDX-License-Identifier: Apache-2.0 */
/* One value of the model as Python sees it: arrays over its memory, or the object that stands for
 * its scalar. All instances that touch a value share its cell.
 *
 * Invariant: between two stages nobody has an array over the arena but the cell. */
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

/* `object` is the scalar that was just put there. */
void cell_remember(struct cell *cell, PyObject *object, bool is_numpy);

/* Whether somebody beside the cell has an array over the value, or over a part of it. */
bool cell_is_viewed(const struct cell *cell);

/* Whether this is one of its arrays itself. */
bool cell_owns(const struct cell *cell, const PyObject *array);

/* Forgets its arrays: who has them keeps them. */
void cell_forget(struct cell *cell);

/* Of the module _simlab. 0; -1 and an exception. */
int cell_start(void);

#endif

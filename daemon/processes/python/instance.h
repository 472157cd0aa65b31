/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: made when a member first calls a process, dropped after its finalize. */
#ifndef PYTHON_INSTANCE_H
#define PYTHON_INSTANCE_H

#include "visit.h"

/* That of the context, borrowed; NULL and an exception. */
struct bound *instance_of(simlab_context *c);
/* The member has ended. */
void instance_drop(simlab_context *c);

/* `value` is the row's from now on, for this instance. */
void instance_assign(struct bound *b, int row, PyObject *value);

/* Puts what was assigned into the arena. 0; -1 and an exception, or a failure of the context. */
int instance_commit(struct visit *visit);
/* The same at the end of a call that ended well: what nobody else holds is let go. */
int instance_settle(struct visit *visit);
/* … or in an error. */
void instance_abandon(struct bound *b);
/* At the start of a call: what others have given another value is let go. */
void instance_compare(struct visit *visit);

/* Puts a value into the arena as that of a row. 0; -1 likewise. */
int instance_put(simlab_context *c, int row, PyObject *value, struct cell *cell);

/* After a restore: `value` was assigned, and is in the arena. */
void instance_keep(struct bound *b, int row, PyObject *value);

PyTypeObject *instance_type(void);

#endif

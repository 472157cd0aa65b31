/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: made when a member first calls a process, dropped after its finalize. */
#ifndef PYTHON_INSTANCE_H
#define PYTHON_INSTANCE_H

#include "visit.h"

/* That of the context, borrowed; NULL and an exception. */
struct bound *instance_of(simlab_context *c);
/* The member has ended. */
void instance_drop(simlab_context *c);
/* It runs in another worker now. */
void instance_forget(simlab_context *c);

/* The cell of a group's member that is no on_demand variable. NULL: no memory. */
struct cell *instance_member(const struct visit *visit, int row, int64_t k);

/* `value` is the row's from now on, for this instance. */
void instance_assign(struct bound *b, int row, PyObject *value);
/* Before the row gets another value: who has read the one before sees what was changed in it. 0; -1
 * and an exception, or a failure of the context. */
int instance_replace(struct visit *visit, int row);
/* What was assigned before does not count any more. */
void instance_unassign(struct bound *b, int row);

/* Puts what was assigned into the arena. 0; -1 and an exception, or a failure of the context. */
int instance_commit(struct visit *visit);
/* The same at the end of a call that ended well: what nobody else holds is let go. */
int instance_settle(struct visit *visit);
/* … or in an error. */
void instance_abandon(struct bound *b);
/* At the start of a call: what others have given another value is let go. 0; -1 and an exception.
 */
int instance_compare(struct visit *visit);

/* At the end of each call: what somebody has arrays over is kept for them. 0; -1 and an exception.
 */
int instance_keep_views(struct visit *visit);

/* After a restore: `value` was assigned, and is in the arena. */
void instance_keep(struct visit *visit, int row, PyObject *value);

PyTypeObject *instance_type(void);

#endif

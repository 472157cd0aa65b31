/* SPDX-License-Identifier: Apache-2.0 */
/* A call of the host into an instance: what the functions of all types of this library do.
 *
 * Invariants
 *  1. What a method assigns to a variable is the variable's value for this instance at once, and
 * for all others when the call ends: it is put into the arena then, if the call ends well.
 *  2. An array that was assigned and is held elsewhere, too, stays what the variable is: where it
 * was changed in place, the arena has the change at the end of the next call of its process. This
 *     ends when somebody else gives the variable another value. A change between two calls, which
 *     others would see too late, is an error. */
#ifndef PYTHON_VISIT_H
#define PYTHON_VISIT_H

#include "cell.h"
#include "types.h"

/* An instance, beneath its class: `_simlab.Bound`. */
struct bound {
    PyObject_HEAD struct class *class;
    struct cell **cells;    /* by row; NULL for groups, objects and on_demand */
    struct cell ***members; /* by row of a group, and member: made when first read */
    PyObject **assigned;    /* by row: what was assigned, while it counts; or NULL */
    bool *is_pending;       /* by row: it is not in the arena yet */
    int *held, n_held;      /* rows that have something assigned */
    uint64_t *words;        /* by row, of those that others may set, too: put_word at the end */
    void *home;             /* the instance's memory in the arena; NULL: the member has ended */
    struct bound *next, *previous;
};

struct visit {
    simlab_context *context;
    struct bound *object;
    struct visit *outer;
};

enum { VISIT_INSTANCE_SIZE = sizeof(struct bound *) };

int visit_initialize(simlab_context *c);
int visit_run_step(simlab_context *c);
int visit_finalize_step(simlab_context *c);
int visit_finalize(simlab_context *c);
int visit_save(simlab_context *c);
int visit_restore(simlab_context *c);
int visit_forget(simlab_context *c);
int visit_compute(simlab_context *c, int32_t row);
int visit_validate(simlab_context *c, int32_t row);
int visit_convert(simlab_context *c, int32_t row);

/* That of this thread in which the object is visited; NULL: none. */
struct visit *visit_of(const PyObject *object);
/* The innermost of this thread. */
struct visit *visit_current(void);

/* `host`: the module simlab.processes.host. 0; -1 and an exception. */
int visit_start(PyObject *host);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The floating-point environment of this thread: rounding, what becomes of tiny numbers (FTZ, DAZ),
 * traps, exception flags, the x87's control word and stack. User code may change it, and so does
 * the mere loading of a library that was linked with -ffast-math (crtfastmath.o). A few nanoseconds
 * each. */
#ifndef WORKER_FLOATING_H
#define WORKER_FLOATING_H

#include <fenv.h>
#include <stdbool.h>

/* As at a program's start, without exception flags. */
void floating_reset(void);

/* True where it is another: in more than exception flags and what the x87's stack holds. */
bool floating_is_changed(void);

/* Our own code between two calls of user code: what was changed is kept in *ret_theirs, and the
 * environment is that of a program's start. False, and *ret_theirs untouched, where nothing was. */
bool floating_ours(fenv_t *ret_theirs);
/* Only after floating_ours has returned true. */
void floating_theirs(const fenv_t *theirs);

#endif

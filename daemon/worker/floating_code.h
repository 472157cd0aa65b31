/* SPDX-License-Identifier: Apache-2.0 */
/* Whether code can change the floating-point control of the thread that calls it (rounding, tiny
 * numbers, traps: MXCSR). What provably cannot need not be looked at after each call: reading the
 * control takes longer than all else that a visit takes. Either answer gives the same results. */
#ifndef WORKER_FLOATING_CODE_H
#define WORKER_FLOATING_CODE_H

#include <link.h>
#include <stdbool.h>

/* Some instruction of a loaded object can: its bytes are searched for those that load MXCSR, at any
 * alignment, so that a jump into the midst of another finds none. Also true where its code can be
 * written, and where the machine is another (there the control costs little). */
bool floating_code_in(const struct link_map *object);

/* A function of libc or libm that sets the control, or with which code can be made that does. */
bool floating_code_named(const char *name);

#endif

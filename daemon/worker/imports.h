/* SPDX-License-Identifier: Apache-2.0 */
/* What loaded libraries can do to their process, told from the names that they import: those of
 * their dynamic symbols that others define, and those of all that they link in turn. What needs no
 * name (a system call made by an instruction of one's own, a jump to an address) is not seen, but
 * for the instructions that load the floating-point control. */
#ifndef WORKER_IMPORTS_H
#define WORKER_IMPORTS_H

#include "worker/reach.h"

#include <stdbool.h>

struct imports {
    unsigned reach;     /* enum reach: what the functions that they call can change */
    bool has_pool;      /* a runtime that keeps threads of its own is linked: OpenMP, BLAS */
    bool sets_floating; /* their code can change the floating-point control (floating_code.h) */
};

/* Adds what the object can do that `address` (of one of its functions or constants) lies in, and
 * all that it links. Where nothing can be found out, that is everything. */
void imports_add(struct imports *i, const void *address);

void imports_join(struct imports *i, const struct imports *others);

#endif

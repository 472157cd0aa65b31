/* SPDX-License-Identifier: Apache-2.0 */
/* The owner of the memory that an array over a value lies in (its `base`): `_simlab.Block`. The
 * memory is the value's; it is kept for the block where that may outlive a call. */
#ifndef PYTHON_BLOCK_H
#define PYTHON_BLOCK_H

#include "interpreter.h"

#include <simlab/process.h>

struct block;

/* Of the memory that the view has now. A new reference; NULL and an exception. */
struct block *block_new(const struct simlab_view *view, bool may_write);

/* The value may lose this memory: it stays the block's. 0; -1 and an exception. */
int block_keep(struct block *block, simlab_context *c, const struct simlab_view *view);
/* It need not: nobody looks at it. */
void block_let_go(struct block *block);

/* How many are kept in this worker. */
int block_n_kept(void);

/* The type, borrowed; NULL and an exception. */
PyTypeObject *block_class(void);

#endif

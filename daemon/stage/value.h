/* SPDX-License-Identifier: Apache-2.0 */
/* A variable's value: what process libraries see of it, and the memory that it lies in.
 *
 * Invariant: view.data is NULL or `buffer`: a value is set, or it is not. */
#ifndef STAGE_VALUE_H
#define STAGE_VALUE_H

#include "model/type.h"
#include "simlab/types.h"

#include <stdatomic.h>
#include <stddef.h>

struct kept_block;
struct state;

struct value {
    struct simlab_view view;
    void *buffer; /* of the state's arena, kept from member to member */
    size_t capacity;
    struct kept_block *_Atomic kept; /* stage/kept.h; NULL: nobody keeps the buffer */
    size_t asked;                    /* bytes: the most that this member has asked for */
    bool is_fresh;                   /* a debug run: some of it is as debug_fill left it */
    bool is_settled; /* a process has set it: dtype and number of dims are what they are */
};

/* Gives a value of a state this shape, reusing its buffer. Elements that it did not have are zero,
 * so that nothing of another member, or variable, is seen in them. -EOVERFLOW where no machine
 * counts so far; -ENOMEM where there cannot be, or is not, so much memory. One thread at a time for
 * one value. */
int value_shape(struct state *s, struct value *v, int ndim, const int64_t *shape);
/* Unset, with the dtype that is declared; the buffer is kept. */
void value_reset(struct value *v, const struct variable *declared);
/* The next value may have whatever dtype and dims the declaration allows. */
void value_unsettle(struct value *v, const struct variable *declared);

#endif

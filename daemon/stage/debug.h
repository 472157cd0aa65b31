/* SPDX-License-Identifier: Apache-2.0 */
/* A run for authors (`"debug": true`): mistakes that an ordinary run may let pass are told.
 *
 * Each value lies in pages of its own, between two that nobody may touch: at their end, but for the
 * bytes up to a multiple of 64. What is left of its pages holds DEBUG_CANARY, which is looked at
 * after each call. New memory of floats is filled with a NaN, of integers with a number, that stand
 * nowhere else: where they still stand after the call that made the value, it was not written.
 * Memory that a value had before it was given another shape is nobody's any more.
 *
 * Internal to stage/. */
#ifndef STAGE_DEBUG_H
#define STAGE_DEBUG_H

#include "stage/value.h"

#include "base/errors.h"

struct lane;
struct simulation;

enum { DEBUG_CANARY = 0xdb };

/* Bytes [from, to) of a value's buffer, which nobody has written. */
void debug_fill(struct value *v, size_t from, size_t to);

/* After a call: what this process wrote beside its variables is a failure, STAGE_FAILED with words;
 * what it did not write of those that it has made is a line. */
int debug_check_call(struct lane *lane, int process, struct error *e);
/* After the last call of a member: lines that name out variables that were never set. */
void debug_end_member(struct simulation *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker, its libraries and what these start print: a pipe that becomes lines of the
 * daemon's log, each with the worker, and the job and member that the worker is at.
 *
 * A worker's session marks the end of a member whose lines have not been read yet by a line of its
 * own, WHERE_MARK (proto/where.h); other lines are of the member that the where
 * page tells. Both come from a process in which user code runs: they only inform.
 *
 * Invariant: what is in the pipe is always taken, so that who prints never waits for long. Of what
 * comes faster than OUTPUT_RATE lines a second (after a first OUTPUT_BURST), lines are dropped, and
 * that is told. Internal to pool/. */
#ifndef POOL_OUTPUT_H
#define POOL_OUTPUT_H

#include "base/loop.h"

#include <stdbool.h>

enum {
    OUTPUT_RATE = 100,
    OUTPUT_BURST = 500,
    OUTPUT_LINE = 1000 /* bytes; the rest is cut */,
    OUTPUT_TAIL = 10
};

struct output;

/* A pipe: *ret_fd is the end to print to, the caller's. `worker` (its name) and `where` (a
 * descriptor) are borrowed. 0 or -errno. */
int output_new(struct loop *loop, const char *worker, int where, struct output **ret_output,
               int *ret_fd);
struct output *output_free(struct output *o);

/* Tells what was dropped, and lines that ended members left unfinished. When next due. */
int64_t output_tick(struct output *o, int64_t now);
/* The last line that was printed while it was at that member (-1: at none); "": none. */
const char *output_last(const struct output *o, int64_t job, int64_t member);
/* The last OUTPUT_TAIL lines likewise, each with a line feed; a new string. */
char *output_tail(const struct output *o, int64_t job, int64_t member);
/* After the worker's death: takes what is still in the pipe. */
void output_drain(struct output *o);

#endif

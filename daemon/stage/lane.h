/* SPDX-License-Identifier: Apache-2.0 */
/* What one thread needs while it runs tasks of a simulation: the error it met, the lines that were
 * logged, scratch memory, its own contexts of processes whose on_demand variables it computes.
 *
 * Invariants
 *  1. A lane is used by one thread at a time; between stages the time loop's thread may use all.
 *  2. Nothing that a user sees depends on which lane ran what: lines and errors are put in the
 *     model's order at the end of a stage (call_stage). */
#ifndef STAGE_LANE_H
#define STAGE_LANE_H

#include "base/buffer.h"
#include "base/errors.h"
#include "base/position.h"
#include "stage/value.h"

#include <stdbool.h>
#include <stdint.h>

struct context;
struct process_run;
struct simulation;

/* Lines that were logged, in order: their texts one after the other, each with its NUL. */
struct line {
    int call;   /* of the plan: whose they are */
    int cached; /* -1; else, in the place of a line: all lines of computing this cached value */
    size_t text;
};
struct lines {
    struct line *at;
    size_t n, capacity;
    struct buffer text;
};

/* An on_demand variable that is being computed, and what for. */
struct computing {
    int slot;
    struct computing *outer;
};

/* Parallel loops within parallel loops. */
enum { LANE_LOOPS_MOST = 8 };

struct lane {
    struct simulation *simulation;
    int number;
    struct position *position; /* where it stands: on the board, or `own` */
    int call;                  /* of the plan that runs: whose lines and errors these are */
    int failed_call;           /* the earliest that failed here; INT_MAX: none */
    int result;                /* of it, with words in `error` */
    struct error error;
    struct error why; /* of the call that runs now */
    bool gathers;     /* lines wait for the end of the stage; else they are passed on at once */
    struct lines lines;
    struct lines *into; /* where they go: `lines`, or those of a cached value */
    struct computing *computing;
    int entered; /* the latest call that has come here into a loop, or to compute a variable */
    struct process_run **runs; /* by process: of this lane, where it has computed for it; or NULL */
    struct value *values;      /* by number of an uncached slot */
    struct simlab_view scratch; /* zeroed memory for accesses that went wrong */
    size_t scratch_bytes;
    int n_loops;                     /* parallel loops that run here, one within the other */
    void *partials[LANE_LOOPS_MOST]; /* of their reductions */
    size_t partials_bytes[LANE_LOOPS_MOST];
    struct position own;
};

struct lane *lane_new(struct simulation *s, int number);
/* The calling thread runs in this lane from now on. */
void lane_take(struct lane *lane);
struct lane *lane_free(struct lane *lane);

/* Between two calls: the last one has left a loop, or a compute function, by longjmp. */
static inline bool lane_was_jumped_from(const struct lane *lane)
{
    return lane->n_loops > 0 || lane->computing;
}

/* Forgets what is of one member only, and, for a state that was replaced, all of its memory. */
void lane_reset(struct lane *lane);
void lane_forget_values(struct lane *lane);

/* A line of the member's log. Borrowed. */
void lane_log(struct lane *lane, const char *text);
/* All lines of a cached value's computation belong here, too. */
void lane_log_cached(struct lane *lane, int cached);

/* A call has failed, as lane->why says. */
void lane_fail(struct lane *lane, int call, int result);

/* `text` NULL: a line that stands for those of a cached value. */
void lines_add(struct lines *l, int call, int cached, const char *text);
void lines_clear(struct lines *l); /* keeps the memory */
void lines_free(struct lines *l);

#endif

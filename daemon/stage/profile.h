/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a simulation goes: per process and stage, along the longest path, for output.
 *
 * Of calls, the time in which they were made is counted (hooks and computing on_demand variables
 * included, by whoever asks for these first); of parallel loops inside them also that of their
 * blocks, wherever these run. The *work* of a call is what it would take alone: its time, less that
 * of its loops, plus that of their blocks.
 *
 * Invariants
 *  1. Without a profile a call costs nothing more.
 *  2. A call's counters are written by the lane that makes it, and read between two stages; those
 *     of blocks by all lanes that run some.
 *  3. Of `processes`, counters and spans lie in the memory that the workers share. */
#ifndef STAGE_PROFILE_H
#define STAGE_PROFILE_H

#include "stage/plan.h"
#include "stage/rest.h"

#include <stdatomic.h>

struct lane;
struct program;
struct simulation;

/* Of one call of a plan. Times are nanoseconds. */
struct profile_call {
    _Alignas(64) int64_t n;
    int64_t ns;       /* from its begin to its end */
    int64_t loops_ns; /* of that, in parallel loops */
    _Atomic int64_t blocks_ns;
};

/* One call, or the time loop's saving of outputs (process -1), as it was seen on the clock. */
struct profile_span {
    int64_t begin, end, member, step;
    int32_t process;
    int16_t stage, lane;
};

/* What all lanes write; its calls and spans follow it. */
struct profile_board {
    struct profile_call *calls[SIMLAB_N_STAGES]; /* by call of the plan */
    int64_t room;                                /* spans that are kept */
    _Atomic int64_t n_spans;                     /* that there were: those beyond are dropped */
    struct profile_span *spans;
};

struct profile_stage {
    int64_t n, ns;
    int64_t work_ns;  /* of all calls */
    int64_t path_ns;  /* the longest path through each run, each call with all of its work */
    int64_t least_ns; /* the same, as if parallel loops took no time */
};

struct profile {
    struct profile_board *board;
    bool is_owner;
    struct profile_stage stages[SIMLAB_N_STAGES];
    int64_t n_members, ns, output_ns; /* of members, from begin to end; of saving their outputs */
    struct profile_call *seen[SIMLAB_N_STAGES]; /* as they were before the stage that runs */
};

/* `memory`: zeroed, of profile_bytes, or NULL: it is taken here. */
size_t profile_bytes(const struct program *p, int64_t room);
struct profile *profile_new(const struct program *p, int64_t room, void *memory);
/* For a helper: what its calls take goes to the lead's board. */
struct profile *profile_join(struct profile_board *board);
struct profile *profile_free(struct profile *p);

/* When something began; 0 where nobody asks. */
static inline int64_t profile_begin(const struct profile *p)
{
    return p ? rest_now() : 0;
}
/* What began then has ended; nothing where nobody asks. */
void profile_add_call(struct profile *p, const struct lane *lane, int call, int64_t began);
void profile_add_loop(struct profile *p, const struct lane *lane, int call, int64_t began);
void profile_add_block(struct profile *p, const struct lane *lane, int call, int64_t began);
void profile_add_output(struct profile *p, const struct lane *lane, int64_t began);
void profile_end_stage(struct profile *p, const struct plan *plan, int64_t began);
void profile_end_member(struct profile *p, int64_t began);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Parallel loops inside a stage function: blocks of fixed bounds, whatever lanes run them.
 *
 * Invariants
 *  1. Bounds are a function of n and grain only, and so is the tree by which a reduction joins the
 *     blocks' results: neighbours first, then neighbouring pairs, and so on. So bits do not depend
 *     on the lanes, and a plain loop over the blocks gives them too.
 *  2. All blocks are run, also after one has failed: what they leave behind does not depend on time
 *     either. The failure of the first block in order is the one that is told.
 *  3. A block has a context of its own, which is a copy of the caller's; it may do what needs
 *     neither an order nor other lanes' memory: read and write variables that have their shape,
 *     draw numbers at an index, fail, and run loops of its own. */
#include "stage/process_api.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCKS_UNASKED = 64, BLOCKS_MOST = 1 << 20 };

struct loop {
    const struct simlab_loop *what;
    struct context *caller;
    int64_t grain, n_blocks;
    char *partials;
    struct lock failing;
    int64_t failed_block; /* the first; n_blocks: none */
    char *message;        /* its */
};

static int64_t grain_of(const struct simlab_loop *what)
{
    int64_t grain = what->grain > 0 ? what->grain : (what->n - 1) / BLOCKS_UNASKED + 1;
    int64_t least = (what->n - 1) / BLOCKS_MOST + 1;
    return grain > least ? grain : least;
}

/* ---- one block ---- */

static void keep_failure(struct loop *l, struct process_run *run, int64_t block)
{
    lock_hold(&l->failing, (uint32_t)run->lane->number + 1);
    if (block < l->failed_block) {
        free(l->message);
        l->message = run->message;
        run->message = NULL;
        l->failed_block = block;
    }
    lock_release(&l->failing);
    free(run->message);
}

static void run_block(void *userdata, struct lane *lane, int64_t block)
{
    struct loop *l = userdata;
    const struct simlab_loop *what = l->what;
    struct process_run run = *l->caller->run;
    struct context context = *l->caller;
    run.call = run.n_loops > 0 ? run.call : run.lane->call;
    run.lane = lane;
    run.contexts = &context;
    run.n_levels = 1;
    run.n_loops++;
    run.failed = false;
    run.message = NULL;
    context.run = &run;
    context.shared.access = context.level->access_in_loop[run.phase];
    uint64_t stood = position_get(lane->position);
    position_set(lane->position, position_pack(run.phase, run.process));
    int64_t begin = block * l->grain, end = begin + l->grain < what->n ? begin + l->grain : what->n;
    int64_t began = profile_begin(run.n_loops == 1 ? lane->simulation->profile : NULL);
    int r = what->size ? what->part(&context.shared, begin, end, what->userdata,
                                    l->partials + (size_t)block * what->size)
                       : what->block(&context.shared, begin, end, what->userdata);
    if (began)
        profile_add_block(lane->simulation->profile, lane, run.call, began);
    thread_environment_keep(&lane->simulation->environment);
    position_set(lane->position, stood);
    if (r == SIMLAB_ERROR)
        context_refuse(&run, "a block of a parallel loop failed without saying why");
    else if (r != 0)
        context_refuse(&run,
                       "a block of a parallel loop returned %d, which means nothing: return 0, or "
                       "simlab_fail(c, \"why\")",
                       r);
    if (run.failed)
        keep_failure(l, &run, block);
}

/* ---- reductions ---- */

static void join(struct loop *l)
{
    const struct simlab_loop *what = l->what;
    for (int64_t step = 1; step < l->n_blocks; step *= 2)
        for (int64_t i = 0; i + step < l->n_blocks; i += 2 * step)
            what->join(what->userdata, l->partials + (size_t)i * what->size,
                       l->partials + (size_t)(i + step) * what->size);
    memcpy(what->result, l->partials, what->size);
}

/* Zeroed memory for the blocks' results, of this lane and depth. */
static bool take_partials(struct loop *l, struct lane *lane)
{
    size_t bytes;
    int depth = lane->n_loops;
    if (!mem_mul((size_t)l->n_blocks, l->what->size, &bytes))
        return false;
    if (bytes > lane->partials_bytes[depth]) {
        void *grown = mem_try_array(bytes, 1);
        if (!grown)
            return false;
        free(lane->partials[depth]);
        lane->partials[depth] = grown;
        lane->partials_bytes[depth] = bytes;
    } else {
        memset(lane->partials[depth], 0, bytes);
    }
    l->partials = lane->partials[depth];
    return true;
}

/* ---- the loop ---- */

static void run_loop(struct loop *l)
{
    struct process_run *run = l->caller->run;
    struct lane *lane = run->lane;
    const struct simulation *s = lane->simulation;
    if (l->what->size && !take_partials(l, lane)) {
        context_refuse(run, "there is no memory for the results of %lld blocks",
                       (long long)l->n_blocks);
        return;
    }
    int64_t began = profile_begin(run->n_loops == 0 ? s->profile : NULL);
    lane->entered = lane->call;
    lane->n_loops++;
    s->scheduler->loop(s->scheduler_state, lane, l->n_blocks, run_block, l);
    lane->n_loops--;
    if (began)
        profile_add_loop(s->profile, lane, lane->call, began);
    if (l->failed_block < l->n_blocks)
        context_refuse(run, "%s", l->message);
    else if (l->what->size)
        join(l);
    free(l->message);
}

int parallel_loop(simlab_context *shared, const struct simlab_loop *what)
{
    struct context *c = process_api_context(shared);
    if (what->size)
        memset(what->result, 0, what->size);
    if (what->size ? !what->part || !what->join : !what->block)
        context_refuse(c->run, "a parallel loop was asked for without a function");
    else if (what->n < 0)
        context_refuse(c->run, "a parallel loop of %lld iterations was asked for",
                       (long long)what->n);
    else if (c->run->n_loops == LANE_LOOPS_MOST)
        context_refuse(c->run, "parallel loops are nested more than %d deep", LANE_LOOPS_MOST);
    else if (what->n > 0) {
        struct loop l = {.what = what, .caller = c, .grain = grain_of(what)};
        l.n_blocks = (what->n - 1) / l.grain + 1;
        l.failed_block = l.n_blocks;
        run_loop(&l);
    }
    return c->run->failed ? SIMLAB_ERROR : 0;
}

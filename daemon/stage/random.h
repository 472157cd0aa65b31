/* SPDX-License-Identifier: Apache-2.0 */
/* Philox 4x32-10, a counter-based generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011. */
#ifndef STAGE_RANDOM_H
#define STAGE_RANDOM_H

#include <stdint.h>

/* The block function: four words for a counter under a key. */
void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4]);

/* Where a stream of numbers stands. The key is of (seed, member, process name); a block's number is
 * of (stage, step, variable, counter), so that no number depends on which were drawn elsewhere. */
struct random_stream {
    uint32_t key[2];
    uint32_t stage;
    uint32_t variable; /* 0, or 1 + the one that is being computed, validated or converted */
    int64_t step;
    uint64_t counter; /* words drawn since this stage began */
};

/* The key of a process in a member. */
void random_seed(struct random_stream *r, uint64_t seed, int64_t member, const char *process);
/* Begins the stream of a stage and step (-1: none), or of one variable's function in it. */
void random_begin(struct random_stream *r, uint32_t stage, int64_t step, uint32_t variable);
/* The next n words. */
void random_words(struct random_stream *r, uint64_t *ret_words, int64_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Philox 4x32-10, a counter-based generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011. A block is 128 bits: two words of 64.
 *
 * Its key is of (seed, member, process name); a block's counter is of
 *   40 bits   which block of the stream, or which index
 *    2 bits   the stage
 *   54 bits   the step, plus 1
 *   32 bits   the stream: enum random_kind, and whose it is
 * so that no number depends on which were drawn elsewhere. */
#ifndef STAGE_RANDOM_H
#define STAGE_RANDOM_H

#include <stdint.h>

/* The block function: four words for a counter under a key. */
void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4]);

/* The key of a process in a member. */
void random_key(uint64_t seed, int64_t member, const char *process, uint32_t ret_key[2]);

/* Of each there is one for the stage function of a process, and one for the function of each of its
 * variables. */
enum random_kind {
    RANDOM_SEQUENCE, /* word after word, as they are drawn */
    RANDOM_INDEX,    /* word i is that of index i */
    RANDOM_WITHIN    /* at each index a sequence of its own, of 2^17 words: for variates that need
                      * several */
};

/* A sequence of words. */
struct random {
    const uint32_t *key;
    int64_t step;  /* -1: none */
    int64_t index; /* RANDOM_WITHIN: which */
    uint64_t next; /* the number of the word that comes next */
    uint32_t stage;
    uint32_t variable; /* 0: the stage function's; 1 + v: variable v's */
    enum random_kind kind;
};

/* Numbers of words and indices are below this. */
#define RANDOM_MOST (INT64_C(1) << 40)

/* The next n words. */
void random_words(struct random *r, uint64_t *ret_words, int64_t n);

#endif

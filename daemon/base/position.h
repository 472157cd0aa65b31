/* SPDX-License-Identifier: Apache-2.0 */
/* Where the threads of a simulation stand: in which process, and in which of its functions. It lies
 * in memory that may outlive the operating-system process, so that a death can be told by name.
 *
 * Invariants
 *  1. A lane's `at` is written by the thread that runs in this lane alone: a plain store. It is 0
 *     outside of processes' functions.
 *  2. It only informs. User code may write anything there: who reads it (position_text) believes
 *     no number and no text. */
#ifndef BASE_POSITION_H
#define BASE_POSITION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POSITION_LANES = 64, POSITION_NAMES = 1 << 17, POSITION_NOTE = 320, POSITION_TEXT = 384 };

/* A process's functions: its stages as enum simlab_stage has them, those about one variable,
 * and save and restore. */
enum { POSITION_FUNCTIONS = 9 };
const char *position_function(int function);

struct position {
    _Alignas(64) _Atomic uint64_t at; /* position_pack(), or 0 */
    _Atomic int64_t thread;           /* gettid() of whoever runs in this lane; 0: nobody has */
};

struct position_board {
    _Atomic uint64_t owner;     /* whose names these are; 0: nobody's */
    _Atomic int64_t step;       /* -1: before the first */
    _Atomic int64_t ended_lane; /* the lane by which the process ended, plus 1; 0: not known */
    struct position lanes[POSITION_LANES];
    char note[POSITION_NOTE];   /* what else is known of its end; "": nothing */
    char names[POSITION_NAMES]; /* "'p' (library.Type)", by process, each with its NUL */
};

static inline uint64_t position_pack(int function, int process)
{
    return ((uint64_t)(unsigned)function + 1) << 32 | (uint32_t)process;
}

static inline void position_set(struct position *p, uint64_t at)
{
    atomic_store_explicit(&p->at, at, memory_order_relaxed);
}

static inline uint64_t position_get(const struct position *p)
{
    return atomic_load_explicit(&p->at, memory_order_relaxed);
}

/* Nobody is anywhere; names are added then, in the order of processes. */
void position_clear(struct position_board *b, uint64_t owner);
/* *at: 0 for the first. Where there is no room, the process is named by its number. */
void position_add_name(struct position_board *b, size_t *at, const char *name, const char *type);

/* The calling thread is the one by which the process ends. Safe in a signal handler. */
void position_ends_here(struct position_board *b);

/* "process 'p' (library.Type), run_step of step 3", and the note where there is one: where it
 * ended. "", false: outside of processes' functions. The board may be a copy of anything. */
bool position_text(const struct position_board *b, char ret[POSITION_TEXT]);

/* What such a text says. */
struct position_words {
    char process[160], type[160], function[32];
    int64_t step; /* -1: none */
};
/* "process 'p' (library.Type), run_step of step 3", as deaths and failures of members say it. False
 * where `text` has none. */
bool position_read(const char *text, struct position_words *ret);

#endif

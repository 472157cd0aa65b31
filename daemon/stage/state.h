/* SPDX-License-Identifier: Apache-2.0 */
/* All that one member has, in one range of addresses: values, instances, where random streams and
 * clocks stand, flags. Its header is inside it: who maps the range has everything.
 *
 * Invariants
 *  1. No pointer in a state leads outside it. What differs from one operating-system process to the
 *     next (functions, contexts, objects of process libraries) lies elsewhere.
 *  2. So the first state_bytes() of the range are the member: they can be written, and read again
 *     by whoever has compiled the same program (state_save, state_load). Where that lies at another
 *     address, our own pointers are moved; instances hold none, but for the exceptions, which are
 *     marked in the program as pinned: types that hold pointers, and whoever touches an object.
 *  3. `member`, `runtime.step` and `next` tell where its time loop stands: between two steps, the
 *     state is all that the rest of the run depends on.
 *
 * The address is the same in every worker: STATE_ADDRESS, if it is free there, else the next places
 * behind it, else any (which a second worker may be unable to map: then it declines). */
#ifndef STAGE_STATE_H
#define STAGE_STATE_H

#include "stage/arena.h"
#include "stage/program.h"
#include "stage/random.h"
#include "stage/value.h"

/* Below position-independent programs (0x555555554000 and up), where nothing else is put unasked,
 * and the lowest address that the thread sanitizer leaves to programs: plain builds and all
 * sanitizers can map it. STATE_WINDOW bytes are free from there on. */
#define STATE_ADDRESS 0x550000000000u
#define STATE_WINDOW  ((size_t)320 << 30)

/* "simlab" and the version of what follows; to be changed with any struct of this file. */
#define STATE_MAGIC UINT64_C(0x0006626d616c6973)

struct process_state {
    uint32_t random_key[2]; /* of (seed, member, process name) */
    struct lock computing; /* who computes cached values of this process: a lane's number, plus 1 */
    bool called;           /* initialize was called for this member */
    bool is_hushed; /* only because it ran beside one that failed, and comes after it in order: what
                     * it logs in finalize is dropped */
    bool has_new_inputs; /* see input_set */
    void *instance;      /* NULL: the type has none */
};

/* Of a cached on_demand variable. */
struct computed {
    _Atomic uint64_t done; /* 2 · stamp: its value was computed under that stamp; + 1: it failed */
    char *why;             /* of a failure */
    bool has_lines;        /* computing it logged something */
};
enum { STATE_WHY_SIZE = 768 };

struct state {
    struct arena arena; /* first */
    uint64_t magic;
    char program[HASH_TEXT_SIZE]; /* program->hash */
    void *address;                /* of this struct itself */
    int n_clocks;
    struct value *values;            /* by slot */
    struct process_state *processes; /* by process */
    struct computed *computed;       /* by number of the cached slot */
    int64_t *saved;                  /* by clock: labels saved so far */
    double *main_clock;              /* its labels, which runtime points to */
    struct simlab_runtime runtime;
    int64_t member;
    int64_t next;         /* the step that comes next */
    uint64_t stamp;       /* changes with every stage and every save */
    _Atomic size_t bytes; /* the sum of what values were asked for: at most memory_limit() */
    struct lock keeping;  /* of what follows, and of blocks that are kept (stage/kept.h) */
    size_t n_kept;        /* how often somebody keeps memory of a value */
    int descriptor;       /* of the file behind a shared state, in the process that made it; -1 */
    bool is_debug;        /* values lie as stage/debug.h says */
    size_t beside;        /* of a shared state: bytes behind the arena's, see state_beside */
};

enum state_kind {
    STATE_PRIVATE, /* memory of this process */
    STATE_SHARED   /* of a memfd, which others can map; sealed against shrinking */
};

/* 0, or a negative errno with words. */
int state_new(const struct program *p, enum state_kind kind, struct state **ret_state,
              struct error *e);
struct state *state_free(struct state *s);

/* Of a shared state: memory behind it, zeroed and never saved, for what those who share it need
 * beside: state->beside bytes. */
void *state_beside(const struct state *s);

/* How another process maps it. */
struct state_share {
    int descriptor; /* borrowed */
    void *address;
    size_t size;
};
void state_share(const struct state *s, struct state_share *ret);
/* Maps it, in another process; the descriptor may be closed then. 0; STAGE_FAILED where its program
 * is another; -EEXIST where something else lies at that address; -errno; with words. */
int state_attach(const struct program *p, const struct state_share *share, struct state **ret_state,
                 struct error *e);
/* Ends that: the state stays with the others. */
struct state *state_detach(struct state *s);

/* As it is before `initialize` of a member; buffers are kept. */
void state_reset(struct state *s, const struct program *p, int64_t member);

/* How much of the range is in use, from its start. */
size_t state_bytes(const struct state *s);
/* Its first state_bytes() go to `ret`. Between two steps only. That something is kept is not saved.
 */
void state_save(struct state *s, void *ret);

/* What state_save gave: `n` bytes, aligned as malloc aligns. */
struct saved_state {
    const void *bytes;
    size_t n;
};
/* Whether they are a state of this program that is whole: 0, or STAGE_FAILED with words. */
int state_check(const struct state *s, const struct program *p, const struct saved_state *from,
                struct error *e);

/* Puts back what was saved for the same job. 0, or STAGE_FAILED with words, and then nothing has
 * changed: also where somebody keeps memory of the state (stage/kept.h). */
int state_load(struct state *s, const struct program *p, const struct saved_state *from,
               struct error *e);

/* The same for a state of another job of this program, with which `member` of this one goes on: its
 * own clocks, whose main one has the same labels so far, and its own random numbers from the next
 * step on. A clock that had a label in each of these steps had them saved. -ENOMEM besides. */
int state_branch(struct state *s, const struct program *p, int64_t member,
                 const struct saved_state *from, struct error *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing of one member reaches the next: what a member has changed of its process is put back, or,
 * where that cannot be, the worker is to be renewed (it leaves, and its pool starts another).
 *
 * The floating-point environment, which any code can change, is put back after every member: some
 * nanoseconds. All else is looked at only where the libraries of the job import a function that
 * could change it (worker/imports.h): for files some 25 microseconds a member, for all some 60.
 * That is
 *   put back: timers, signal handlers, masks and pending signals, the alternate stack, environment,
 *     locale, umask, working directory, resource limits, priority, affinity, what prctl() set, the
 *     state of rand(), random() and drand48();
 *   ended: children, and orphans of theirs; files in the members' directory, which is also $TMPDIR;
 *   a reason to renew: a thread that stays; a descriptor of ours that was closed or replaced, or
 * one that was left open (to close it behind the back of a library that has its number, in a FILE
 *     perhaps, would let that write into the next file to get the number; one that only reads a
 *     file elsewhere may stay, up to 64); another user, session or root; and all of the above that
 *     could not be put back.
 *
 * Threads that a runtime keeps for its next parallel loop (OpenMP, BLAS, TBB; worker/reach.h)
 * are meant to stay, and do: where such a runtime is linked, as many as two of them may keep are
 * let live (our own threads that run members are there before a member begins, or are taken for
 * left ones). They took over the floating-point environment of the member in which they began; so a
 * member that changed it and did not put it back is then a reason to renew.
 *
 * Not seen: what a library keeps in its own memory (static variables last as long as the worker;
 * include/simlab/README.md), files elsewhere, and system calls that are made without the C library.
 *
 * All functions are called by the thread that runs members. */
#ifndef WORKER_CLEAN_ROOM_H
#define WORKER_CLEAN_ROOM_H

#include "base/errors.h"
#include "worker/imports.h"

#include <fenv.h>
#include <stdbool.h>
#include <sys/types.h>

struct clean_room;

enum clean_room_result {
    CLEAN_ROOM_RENEW = 1 /* the next member needs another process; words tell why */
};

/* A new directory below $TMPDIR (else /tmp), for clean_room_new; the caller frees the path, and
 * removes what stands there at the end. 0, or a negative errno with words. */
int clean_room_make_directory(char **ret_path, struct error *e);

/* Before libraries are loaded. `directory` was made for the members of this process alone: it
 * becomes the working directory and $TMPDIR, and is emptied after each member. NULL: there is none.
 * `guard`: the process above that is the reaper of orphans (worker/guard.h), 0 where there is none:
 * then children that hide from their parent are not found. 0, or a negative errno with words.
 *
 * A member that ends this thread (pthread_exit) ends the process. */
int clean_room_new(const char *directory, pid_t guard, struct clean_room **ret_room,
                   struct error *e);
struct clean_room *clean_room_free(struct clean_room *r);

/* After libraries were loaded, and after our own code has set something: what was done, but for
 * locale, umask, directory and the floating-point environment, is how things are to be from now on.
 */
void clean_room_settle(struct clean_room *r);

/* After so many members CLEAN_ROOM_RENEW; 0: any number. */
void clean_room_limit(struct clean_room *r, int64_t members);
/* Between enter and leave: so many run there, instead of one. */
void clean_room_count(struct clean_room *r, int64_t members);

/* A descriptor of ours that our own code may replace while members run; until it settles again. */
void clean_room_let_be(struct clean_room *r, int fd);

/* Around each member; `imports` are those of all libraries of the job. A NULL room keeps the
 * floating-point environment only. leave: 0 or CLEAN_ROOM_RENEW with words. */
void clean_room_enter(struct clean_room *r, const struct imports *imports);
int clean_room_leave(struct clean_room *r, const struct imports *imports, struct error *why);

/* Why this process is to be renewed: words of the first CLEAN_ROOM_RENEW, whatever came of the
 * member (it may have been cancelled); NULL: it need not be. Borrowed. */
const char *clean_room_spent(const struct clean_room *r);

/* Our own code while a member runs (it saves an output): in the floating-point environment and the
 * umask of ours. It opens no descriptor that stays. */
struct clean_room_pause {
    bool has_floating, has_umask; /* was changed, and is to be theirs again */
    fenv_t floating;
    mode_t umask;
};
void clean_room_pause(const struct clean_room *r, const struct imports *imports,
                      struct clean_room_pause *ret_pause);
void clean_room_resume(const struct clean_room_pause *pause);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one epoll: the daemon's loop.
 *
 * Rules
 *  1. A turn: wait until a descriptor is ready or the earliest tick is due → call the ready
 *     descriptors' functions → call every tick, in the order in which they were added → again.
 *  2. Ticks do what is due and return when they are next due (milliseconds of loop_now, INT64_MAX:
 *     not before a descriptor is ready). The order of ticks makes the group commit: main.c adds
 *     the sockets' first, the queue's commit next, the answers' last.
 *  3. Descriptors are level-triggered. A function may add and remove any descriptor, its own too;
 *     one that was removed is not called again, even within the turn.
 *  4. Nothing in the loop blocks or takes long; children and workers do what does. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

struct loop;

typedef void (*loop_fd_fn)(void *userdata, uint32_t events);
typedef int64_t (*loop_tick_fn)(void *userdata, int64_t now);

int loop_new(struct loop **ret_loop); /* 0 or -errno */
struct loop *loop_free(struct loop *loop);

/* `events` as of epoll_ctl. The loop borrows `fd`. 0 or -errno. */
int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn, void *userdata);
void loop_remove_fd(struct loop *loop, int fd);
void loop_add_tick(struct loop *loop, loop_tick_fn fn, void *userdata);
/* For what becomes due by a call after its own tick: the next turn is not later than `at`. */
void loop_due(struct loop *loop, int64_t at);

/* Runs turns until loop_stop. 0 or -errno. */
int loop_run(struct loop *loop);
/* One turn, which waits `timeout_ms` at most (-1: as long as the ticks say). For tests. */
int loop_turn(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop);
/* Microseconds of this thread's processor time that the longest turn took, the wait before it
 * apart: whether rule 4 is kept, however busy the machine is. */
int64_t loop_longest_turn(const struct loop *loop);

/* CLOCK_MONOTONIC in milliseconds. */
int64_t loop_now(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A dispatcher with a real queue and real sockets, in one thread: the fake workers' sockets stand
 * in the daemon's loop, so that waiting for a message is turning the loop. */
#ifndef TESTS_DISPATCH_SCENE_H
#define TESTS_DISPATCH_SCENE_H

#include "dispatch/dispatch.h"
#include "proto/wire.h"

#include <criterion/criterion.h>

enum { SCENE_LEASE_MS = 1000000, MAX_KILLS = 16 };

typedef enum dispatch_role (*scene_admit_fn)(void *userdata, const char *worker,
                                             const char *secret);

struct scene {
    char directory[64], endpoint[128], database[96];
    struct loop *loop;
    struct queue *queue;
    struct queue_options queue_options;
    struct dispatch *dispatch;
    void *context;
    int64_t shift;   /* the dispatcher's clock is ahead by it … */
    int64_t stopped; /* … of this, where it does not run */
    scene_admit_fn admit;
    int64_t max_attempts; /* of jobs that are submitted: 2 */
    int n_rollbacks;
    int n_kills, n_ready;
    char kills[MAX_KILLS][64];
};

struct fake { /* a worker */
    struct scene *scene;
    void *socket;
    int fd;
    int64_t n_heard, said; /* messages of its session */
    unsigned char *frame;  /* the last one heard */
    struct wire_message heard;
};

void scene_open(struct scene *s);
/* With dispatch_options.admit, whose userdata is the scene. */
void scene_open_admitting(struct scene *s, scene_admit_fn admit);
void scene_close(struct scene *s);
/* The pool says that it is dead */
void scene_worker_died(struct scene *s, const char *name, const char *reason);
/* … of one that nobody has seen dead. */
void scene_worker_is_given_up(struct scene *s, const char *name, const char *reason);
/* What comes of fencing off a lease from now on. */
void scene_fence(int result);
/* The last that was, or was to be, fenced off, which is forgotten; 0: none. */
int64_t scene_fenced(void);
/* The daemon ends and comes again, with the same queue. */
void scene_restart(struct scene *s);
/* Commits fail until it is called with false. */
void scene_fail_commits(bool fail);
/* The `n`th statement of the queue from now fails (0: none does), once; true where the one asked
 * for before has failed. After it the dispatcher's clock moves on, so that nothing need be waited
 * for. */
bool scene_fail_statement(struct scene *s, int n);
/* The `n`th part of a message that the dispatcher sends from now on (0: none) fails so, once; true
 * where the one asked for before has failed. */
bool scene_fail_send(int n, int error);
void scene_turn(struct scene *s);
/* From now on the dispatcher's clock moves by `shift` only. */
void scene_stop_clock(struct scene *s);

int64_t scene_submit(struct scene *s, int64_t members);
/* With a layout of chunks of `chunk` members, and member 0 done. */
int64_t scene_submit_begun(struct scene *s, int64_t members, int64_t chunk);
enum job_state scene_state(struct scene *s, int64_t job);
struct queue_job scene_job(struct scene *s, int64_t job); /* queue_job_clear */

struct fake *fake_connect(struct scene *s);
void fake_close(struct fake *f);
/* Heartbeats are said with their number of messages before. */
void fake_say(struct fake *f, struct wire_message m);
void fake_say_bytes(struct fake *f, const void *bytes, size_t size);
/* Turns the loop until a message comes, other than ALIVE; it has this type. */
struct wire_message *fake_hear(struct fake *f, enum wire_type type);
/* The next message of any type but ALIVE. */
struct wire_message *fake_hear_any(struct fake *f);
/* The same; NULL where none comes and the daemon has killed somebody. */
struct wire_message *fake_hear_unless_killed(struct fake *f);
/* Nothing but answers to heartbeats comes, or what it is to forget; and the daemon has read all
 * that was said. */
void fake_hears_nothing(struct fake *f);

/* Connected, welcome and ready. */
struct fake *fake_ready(struct scene *s, const char *name);
/* Hears LEASE of [begin, end). */
struct wire_lease fake_lease(struct fake *f, int64_t begin, int64_t end);
void fake_done(struct fake *f, const struct wire_lease *l, int64_t begin, int64_t end);
void fake_release(struct fake *f, const struct wire_lease *l, double seconds);
/* Releases it, since the store failed. */
void fake_store_failed(struct fake *f, const struct wire_lease *l, uint32_t error);
void fake_layout(struct fake *f, const struct wire_lease *l);

#endif

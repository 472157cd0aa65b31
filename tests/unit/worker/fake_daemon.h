/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon of the tests: the ROUTER socket of PROTOCOL.md, section 2, at which one worker works. It
 * says what the test says, in whatever order. What does not come within a minute fails the test. */
#ifndef UNIT_WORKER_FAKE_DAEMON_H
#define UNIT_WORKER_FAKE_DAEMON_H

#include "proto/wire.h"

#include <stddef.h>
#include <sys/types.h>

struct fake_daemon {
    char endpoint[256];
    void *context, *router;
    char worker[256]; /* its routing id, of the last frame heard */
    size_t worker_size;
    struct fake_frame {
        void *bytes;
        size_t size;
        int64_t before; /* frames that came before it */
        struct fake_frame *next;
    } * frame;                  /* of `heard` */
    struct fake_frame *waiting; /* came while a heartbeat was awaited */
    struct wire_message heard;
    int64_t heartbeats;      /* number of the last one */
    int64_t n_heard, n_said; /* messages of one frame */

    /* Of a worker in a process of its own. */
    pid_t pid;
    int where; /* its where page */
};

/* Without a worker: the test makes a session itself. */
void fake_daemon_open(struct fake_daemon *d);

/* With a process that does `work`, and exits with what it returns, at once. */
struct fake_worker {
    const char *endpoint;
    int where;
    void *userdata;
};
void fake_daemon_fork(struct fake_daemon *d, int (*work)(const struct fake_worker *w),
                      void *userdata);
/* Its exit status; 128 and the signal's number where one ended it. */
int fake_daemon_await(struct fake_daemon *d);

void fake_daemon_close(struct fake_daemon *d);

/* The next message, which must be of that type; heartbeats are passed over unless they are asked
 * for. Its texts live until the next call. */
const struct wire_message *fake_daemon_hear(struct fake_daemon *d, enum wire_type type);
/* Of any type but heartbeats. */
const struct wire_message *fake_daemon_hear_any(struct fake_daemon *d);

/* ALIVE is said with the number of messages before it. */
void fake_daemon_say(struct fake_daemon *d, struct wire_message m);
void fake_daemon_say_bytes(struct fake_daemon *d, const void *bytes, size_t size);
/* One message of two frames: the bytes, and then m. */
void fake_daemon_say_two(struct fake_daemon *d, const void *bytes, size_t size,
                         struct wire_message m);

/* Hears HELLO, says WELCOME. With FAKE_NEVER a heartbeat comes only after a WELCOME. */
enum { FAKE_NEVER = 100000 };
void fake_daemon_welcome(struct fake_daemon *d, uint32_t heartbeat_ms, uint32_t silence_ms);

/* All that was said has been read by the worker's session. Only with FAKE_NEVER. */
void fake_daemon_is_heard(struct fake_daemon *d);

#endif

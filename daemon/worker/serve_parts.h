/* SPDX-License-Identifier: Apache-2.0 */
/* What serve.c, serve_events.c and serve_lease.c share: a worker of a daemon. */
#ifndef WORKER_SERVE_PARTS_H
#define WORKER_SERVE_PARTS_H

#include "worker/clean_room.h"
#include "worker/daemon_session.h"
#include "worker/known_job.h"
#include "worker/meeting.h"
#include "worker/pinned.h"
#include "worker/range_runner.h"
#include "worker/sandbox.h"
#include "worker/threads.h"
#include "worker/worker.h"

#include <errno.h>

/* A cancelled range: no callback of range_runner_run returns this otherwise. */
#define SERVE_STOPPED (-ECANCELED)

struct serve {
    const struct worker_serve_options *options;
    struct daemon_session *session;
    struct clean_room *room;
    struct sandbox sandbox;
    struct position_board *board; /* of the where page */
    struct pinned *pinned;
    struct threads *threads;
    struct known_job *known;
    struct known_job *current; /* of the lease that is being run */
    struct wire_lease lease;
    double started;  /* its members: serve_seconds(); 0: none has … */
    double waited;   /* … seconds of that for a layout, a disk: for nothing that each takes */
    char *directory; /* of members */
    struct meeting meeting; /* of the current lease, with those who help with it */
    struct error renewal;   /* why it leaves after this lease; no words: it does not */
    bool has_bound_memory, has_bound_tasks;
    bool has_run;        /* code of a job */
    bool has_grown_from; /* it has had a lease … */
    int64_t grown_from;  /* … after the first of which so many bytes were its own */
};

/* The daemon is local or the session's thread ends us: what cannot be sent need not be said. */
void serve_say(struct serve *s, const struct wire_message *m);
/* Returns when the daemon has heard it, where it leaves after a lease. */
void serve_say_bye(struct serve *s, const char *reason);

/* ---- serve_events.c ---- */

/* What range_runner_run tells of the current lease, which becomes messages. */
struct range_events serve_events(struct serve *s);
/* What the current job fails of may be that files have come that this process must not see, as
 * older ones it may (worker/sandbox_files.h): then it leaves, and another looks. */
bool serve_view_is_old(struct serve *s);
/* A line of a member's log. */
void serve_log(struct serve *s, int64_t member, int64_t ordinal, const char *line);
/* The current lease is over: what is to be said of it. */
struct wire_message serve_release_now(struct serve *s);
/* Of a clock that no one sets. */
double serve_seconds(void);

/* ---- serve_lease.c ---- */

/* Runs it, and says how that ended. */
void serve_lease(struct serve *s, const struct wire_lease *lease);
/* Helps with another worker's, likewise. */
void serve_help(struct serve *s, const struct wire_help *h);

/* ---- serve_renewal.c ---- */

/* After a lease or help, of a job that may be NULL: whether the next one is to find another
 * process, and why (`renewal`). */
void serve_look_for_renewal(struct serve *s, const struct known_job *k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events (WHATWG HTML, section 9.2), and following a job's over lost connections. */
#ifndef CLIENT_EVENTS_H
#define CLIENT_EVENTS_H

#include "client/request.h"

/* One event. Texts are borrowed. Nonzero ends the stream. */
typedef int (*events_fn)(void *userdata, const char *kind, const char *data);

struct events; /* the parser */

struct events *events_new(events_fn fn, void *userdata);
struct events *events_free(struct events *e);

/* The next bytes of the stream, in pieces of any size. 0, what fn returned, or -1 where a line or
 * an event passes EVENTS_MAX bytes. */
#define EVENTS_MAX (1 << 20)
int events_feed(struct events *e, const char *bytes, size_t n);
/* The connection was lost: an event that had begun is forgotten. */
void events_restart(struct events *e);
/* Of the last whole event; NULL: none yet. Borrowed. */
const char *events_last_id(const struct events *e);

struct events_follower {
    events_fn on_event;
    /* The connection was lost (`reason`), or is there again (NULL). */
    void (*on_connection)(void *userdata, const char *reason);
    /* While waiting; its functions get its own userdata. */
    const struct request_watch *watch;
    void *userdata;
};

/* Reads the stream at `path` until on_event or the watch ends it. A lost connection, an end of the
 * stream and an answer 5xx are followed by further tries, at growing intervals, that resume after
 * the last event; there is no last try. Returns API_EXIT_OK where it was ended from here, or the
 * daemon says that there are no more events, else the exit code of an answer that forbids further
 * tries, after a complaint. */
int events_follow(struct server *s, const char *path, const struct events_follower *f);

/* Waits `duration` milliseconds, with the watch (or NULL) looking on. Nonzero where it ended it. */
int events_pause(int duration, const struct request_watch *w);

#endif

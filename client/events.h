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

/* The next bytes of the stream, in pieces of any size. 0, what fn returned, or -1 where it is none:
 * a line or an event passes EVENTS_MAX bytes, or EVENTS_NONSENSE_MAX lines without an event between
 * them are no fields. */
#define EVENTS_MAX          (1 << 20)
#define EVENTS_NONSENSE_MAX 1000
int events_feed(struct events *e, const char *bytes, size_t n);
/* The connection was lost: an event that had begun is forgotten. */
void events_restart(struct events *e);
/* Of the last whole event; NULL: none yet. Borrowed. */
const char *events_last_id(const struct events *e);

struct events_follower {
    events_fn on_event; /* a negative result: the event makes no sense */
    /* A connection was lost or not to be had (`reason`), or is there (NULL); more often than that
     * changes. */
    void (*on_connection)(void *userdata, const char *reason);
    /* While waiting; its functions get its own userdata. */
    const struct request_watch *watch;
    void *userdata;
};

/* Reads the stream at `path` from the event after *last_id (or NULL: from its beginning) until
 * on_event or the watch ends it; *last_id (free it) is then that of the last whole event. A lost
 * connection, an end of the stream and an answer 5xx are followed by further tries, at growing
 * intervals, that resume after the last event; there is no last try, but for a server that is there
 * and gives EVENTS_EMPTY_MAX streams in a row with nothing in them. Returns API_EXIT_OK where it
 * was ended from here, or the daemon says that there are no more events, else the exit code of an
 * answer that forbids further tries, after a complaint. */
#define EVENTS_EMPTY_MAX 5
int events_follow(struct server *s, const char *path, const struct events_follower *f,
                  char **last_id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that the daemon listens on: "unix:PATH", "tcp:HOST:PORT" ("tcp:[::1]:7464"; port 0: any).
 *
 * A Unix socket is open to every local user, but for one's own (mode 0600): who may do what is
 * decided by the peer's credentials (http/auth.h). A socket file that nobody answers on is a
 * leftover, and is replaced. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "base/errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct http;

struct listener {
    struct http *http;
    int fd;
    char *address; /* as bound: "tcp:127.0.0.1:41234" */
    char *host;    /* tcp: the host as it was given; unix: NULL */
    bool any_host; /* bound to every address of the machine */
    char *path;    /* unix: the socket file, removed by listener_close while it is ours */
    dev_t device;
    ino_t inode;
    /* connections.c: who is accepted */
    unsigned n_clients, limit;
    bool is_watched;     /* by the loop */
    int64_t rests_until; /* no descriptor was to be had; 0: it does not rest */
    bool is_told;        /* that no more can be accepted */
    bool has_waiting;    /* somebody waits, and there is no room */
};

/* Binds and listens. 0; PROBLEM_INVALID where it is no such address; -EADDRINUSE and others. With
 * words. */
int listener_open(const char *spec, bool is_own, struct listener *ret, struct error *e);
void listener_close(struct listener *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon owes to the system that runs it. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>

struct service {
    char *socket;        /* NOTIFY_SOCKET; NULL: systemd did not start us */
    int64_t watchdog_ms; /* between two signs of life; 0: none are asked for */
    int64_t watchdog_due;
};

/* Takes what systemd says of us from the environment, so that no worker, nor what models start,
 * speaks in our name: NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*, JOURNAL_STREAM (log_open has read it).
 */
void service_open(struct service *s);
void service_close(struct service *s);

/* Tells systemd (sd_notify(3)): "READY=1", one assignment a line. One datagram, or nothing. */
void service_notify(const struct service *s, const char *message);

/* Gives a sign of life where one is due, as long as the loop turns; returns when next due. */
int64_t service_tick(struct service *s, int64_t now);

/* As many descriptors as are allowed (65536 at most): each connection is one. */
void service_raise_limits(void);
int64_t service_max_descriptors(void);

#endif

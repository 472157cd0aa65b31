/* SPDX-License-Identifier: Apache-2.0 */
/* The lead's side of helpers (stage/share.h, worker/offer.h): offers all lanes of a simulation but
 * its own, and watches, in a thread of its own, over those who take them. All are offered at once,
 * where the helpers read the socket; or to each helper that connects to it, a lane that nobody has.
 */
#ifndef WORKER_LEAD_H
#define WORKER_LEAD_H

#include "base/errors.h"

#include <stdbool.h>
#include <stdint.h>

struct clean_room;
struct lead;
struct simulation;

/* Both are called by the lead's own thread, in the midst of a member's run, and do not return: the
 * process is to end. */
struct lead_events {
    /* A helper has ended: what it was at is neither done nor undone. */
    void (*lost)(void *userdata, const char *why);
    /* As stage_events.abandon, of a process that a helper was running. */
    void (*abandon)(void *userdata, int64_t member, const struct error *why);
    void *userdata;
};

/* NULL where the simulation shares nothing. `socket` is borrowed; whether it `listens`. 0, or
 * -errno with words. */
int lead_new(const struct simulation *s, int socket, bool listens, const struct lead_events *events,
             struct lead **ret_lead, struct error *e);
/* clean_room_settle; the room does not mind what comes and goes here while members run. */
void lead_settle(const struct lead *l, struct clean_room *room);
/* Before the simulation is freed: whoever leaves from then on is not lost. */
struct lead *lead_free(struct lead *l);

#endif

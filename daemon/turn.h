/* SPDX-License-Identifier: Apache-2.0 */
/* A turn of the daemon's loop: sockets, one commit for all that they brought, answers. */
#ifndef TURN_H
#define TURN_H

struct simlabd;

/* After all modules are open. */
void turn_add_ticks(struct simlabd *d);

#endif

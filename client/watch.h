/* SPDX-License-Identifier: Apache-2.0 */
/* Watching a job to its end. A lost connection, also a daemon that is restarted, only delays it.
 *
 * Interrupts, where asked for: as with Slurm's srun the first Ctrl-C only tells how things stand.
 * The second leaves (the job goes on), or with cancel_on_interrupt, srun's habit, cancels the job;
 * then a further one leaves. SIGTERM leaves; with cancel_on_interrupt it cancels at once. */
#ifndef CLIENT_WATCH_H
#define CLIENT_WATCH_H

#include "client/request.h"

#include <stdbool.h>

struct watch_options {
    bool quiet; /* no progress */
    bool interrupts;
    bool cancel_on_interrupt;
};

/* Returns 0 and the answer that shows the job in its final state, or an exit code after a
 * complaint. `job` is its representation as last seen. Leaving by a signal ends the program by that
 * signal, as shells expect. */
int watch_job(struct server *s, const json_t *job, const struct watch_options *o,
              struct reply *ret_reply);

/* Of a state's name, by the table in api.h. An unknown state is not final, and its code that of a
 * failure. */
bool watch_state_is_final(const char *state);
int watch_state_code(const char *state);

#endif

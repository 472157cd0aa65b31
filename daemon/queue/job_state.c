/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue.h"

#include <string.h>

enum { STATES = JOB_CANCELLED + 1 };

/* A job that no worker took can be cancelled, or fail (its store cannot be made), but not end
 * well. A final state has no way out. */
static const struct {
    const char *name;
    bool to[STATES];
} states[STATES] = {
    [JOB_QUEUED] = {"queued", {[JOB_RUNNING] = true, [JOB_FAILED] = true, [JOB_CANCELLED] = true}},
    [JOB_RUNNING] = {"running",
                     {[JOB_SUCCEEDED] = true,
                      [JOB_PARTIAL] = true,
                      [JOB_FAILED] = true,
                      [JOB_CANCELLED] = true}},
    [JOB_SUCCEEDED] = {"succeeded", {0}},
    [JOB_PARTIAL] = {"partial", {0}},
    [JOB_FAILED] = {"failed", {0}},
    [JOB_CANCELLED] = {"cancelled", {0}},
};

const char *job_state_name(enum job_state state)
{
    return (unsigned)state < STATES ? states[state].name : "unknown";
}

bool job_state_from_name(const char *name, enum job_state *ret_state)
{
    for (int i = 0; i < STATES; i++) {
        if (strcmp(states[i].name, name) == 0) {
            *ret_state = (enum job_state)i;
            return true;
        }
    }
    return false;
}

bool job_state_may_move(enum job_state from, enum job_state to)
{
    return (unsigned)from < STATES && (unsigned)to < STATES && states[from].to[to];
}

bool job_state_is_final(enum job_state state)
{
    for (int to = 0; to < STATES; to++) {
        if (job_state_may_move(state, (enum job_state)to))
            return false;
    }
    return true;
}

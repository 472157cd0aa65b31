/* SPDX-License-Identifier: Apache-2.0 */
/* The workers as people see them: GET /v1/workers. */
#include "base/json.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>

static json_t *worker_to_json(const struct worker_session *s)
{
    const struct task *t = s->n_tasks > 0 ? &s->tasks[0] : NULL;
    json_t *job = t ? json_sprintf("%" PRId64, t->lease.job) : json_null();
    json_t *lease = t && !t->is_finish
                        ? json_pack("[I, I]", (json_int_t)t->lease.begin, (json_int_t)t->lease.end)
                        : json_null();
    return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:s, s:s, s:o}", "name", s->name, "pid",
                     (json_int_t)s->pid, "host", s->host, "state",
                     worker_session_state_name(s->state), "job", job, "lease", lease, "fingerprint",
                     s->fingerprint, "sandbox", s->sandbox, "since", json_time(s->since));
}

json_t *dispatch_workers(const struct dispatch *d)
{
    json_t *list = json_array();
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (!s->is_closer)
            json_array_insert_new(list, 0, worker_to_json(s)); /* the first come first */
    return list;
}

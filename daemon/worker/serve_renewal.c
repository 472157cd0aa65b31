/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory_limit.h"
#include "worker/serve_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Of this process alone, in memory; 0 where that cannot be read. */
static int64_t private_bytes(void)
{
    int64_t resident, shared, bytes = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*d %" SCNd64 " %" SCNd64, &resident, &shared) == 2)
        bytes = (resident - shared) * sysconf(_SC_PAGESIZE);
    if (file)
        fclose(file);
    return bytes;
}

/* But for what members have in their states, which goes with their jobs. */
static int64_t kept_bytes(const struct serve *s)
{
    int64_t bytes = private_bytes();
    for (const struct known_job *k = s->known; k; k = k->next)
        if (k->runner)
            bytes -= (int64_t)range_runner_memory(k->runner);
    return bytes;
}

/* Of the first lease are what libraries load and keep for good. */
static void look_at_growth(struct serve *s)
{
    int64_t now = kept_bytes(s);
    char text[MEMORY_LIMIT_TEXT];
    if (!s->has_grown_from) {
        s->has_grown_from = s->has_run;
        s->grown_from = now;
    } else if (now - s->grown_from > s->options->renew_memory) {
        error_set(&s->renewal, WORKER_RENEW, NULL,
                  "it has %s more than after its first lease (--renew-memory)",
                  memory_limit_text((double)(now - s->grown_from), text));
    }
}

void serve_look_for_renewal(struct serve *s, const struct known_job *k)
{
    if (*s->renewal.message)
        return;
    if (clean_room_spent(s->room)) /* by a member that was cancelled */
        error_set(&s->renewal, WORKER_RENEW, NULL, "%s", clean_room_spent(s->room));
    else if (k && k->job && k->job->isolate && s->has_run)
        error_set(&s->renewal, WORKER_RENEW, NULL, RANGE_ISOLATES);
    else if (s->options->renew_memory > 0)
        look_at_growth(s);
}

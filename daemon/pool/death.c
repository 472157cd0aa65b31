/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/death.h"

#include "base/proc.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void how(const struct death *d, char *ret, size_t size)
{
    const struct proc_end end = {d->status, &d->usage, d->is_asked, d->was_oom, d->memory};
    proc_end_text(&end, ret, size);
}

static void where(const struct where_at *at, char *ret, size_t size)
{
    int n = 0;
    *ret = '\0';
    if (at->job > 0)
        n = snprintf(ret, size, ", at job %" PRId64, at->job);
    if (at->job > 0 && at->member >= 0)
        snprintf(ret + n, size - (size_t)n, ", member %" PRId64 ", step %" PRId64 " of %" PRId64,
                 at->member, at->step, at->nsteps);
}

void death_for_log(const struct death *d, char ret[DEATH_TEXT])
{
    char end[128], place[128];
    how(d, end, sizeof end);
    where(&d->at, place, sizeof place);
    snprintf(ret, DEATH_TEXT, "%s%s%s%s", end, place, *d->place ? ", " : "", d->place);
}

void death_for_user(const struct death *d, char ret[DEATH_TEXT])
{
    char end[128], line[200];
    how(d, end, sizeof end);
    text_printable(d->last_line, strlen(d->last_line), line, sizeof line);
    snprintf(ret, DEATH_TEXT, "%s%s%s%s%s", end, *d->place ? " in " : "", d->place,
             *line ? "; it last printed: " : "", line);
}

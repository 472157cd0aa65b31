/* SPDX-License-Identifier: Apache-2.0 */
#include "http/from.h"

#include "base/json.h"
#include "http/problem.h"
#include "model/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int check_members(const struct draft *d, const struct queue_job *from, struct error *e)
{
    if (d->from_member < 0 && from->members != d->members)
        return error_set(e, PROBLEM_INVALID, "/from/member",
                         "from: \"each\" wants as many members as job %" PRId64 " has, %" PRId64
                         ": there are %" PRId64,
                         from->id, from->members, d->members);
    if (d->from_member >= from->members)
        return error_set(e, PROBLEM_INVALID, "/from/member",
                         "from: job %" PRId64 " has no member %" PRId64 ": it has %" PRId64,
                         from->id, d->from_member, from->members);
    return 0;
}

/* A library that was replaced since is another one: its state may have another shape. */
static int check_libraries(struct queue *q, const struct draft *d, const struct queue_job *from,
                           struct error *e)
{
    char *text;
    int r = problem_of_queue(queue_job_libraries(q, from->id, &text, e));
    if (r)
        return r;
    json_t *theirs = json_read(text, strlen(text), e), *hash;
    const char *name;
    free(text);
    json_object_foreach(d->libraries, name, hash)
    {
        if (!json_equal(hash, json_object_get(theirs, name)) && r == 0)
            r = error_set(e, PROBLEM_CONFLICT, "/from/job",
                          "from: the library %.100s is not what it was when job %" PRId64
                          " ran: a checkpoint is good for the content that made it",
                          name, from->id);
    }
    json_decref(theirs);
    return r;
}

/* Of the first member that starts from one: the others' are found, or missed, by them. */
static int check_is_there(const struct draft *d, const struct queue_job *from, struct error *e)
{
    struct stat st;
    int64_t member = d->from_member < 0 ? 0 : d->from_member;
    char *path = job_kept_path(from->store, member, d->from_steps);
    bool is_there = lstat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    if (is_there)
        return 0;
    return error_set(e, PROBLEM_CONFLICT, "/from/step",
                     job_state_is_final(from->state)
                         ? "from: job %" PRId64 " (%s) has left no checkpoint after step %" PRId64
                           ": its log may say why"
                         : "from: job %" PRId64 " (%s) has not saved step %" PRId64
                           " yet: submit this when it has",
                     from->id, job_state_name(from->state), d->from_steps);
}

int from_check(struct queue *q, const struct draft *d, struct error *e)
{
    struct queue_job from = {0};
    int r = problem_of_queue(queue_job(q, d->from_job, &from, e));
    if (r == 0 && from.is_removing)
        r = error_set(e, PROBLEM_CONFLICT, "/from/job", "from: job %" PRId64 " is being removed",
                      from.id);
    r = r ? r : check_members(d, &from, e);
    r = r ? r : check_libraries(q, d, &from, e);
    r = r ? r : check_is_there(d, &from, e);
    queue_job_clear(&from);
    return r;
}

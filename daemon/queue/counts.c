/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include <inttypes.h>

int queue_no_such_job(struct error *e, int64_t job)
{
    return error_set(e, QUEUE_NO_SUCH, NULL, "there is no job %" PRId64, job);
}

int queue_counts(struct queue *q, int64_t job, struct queue_counts *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_COUNTS, INTEGER(job));
    if (r)
        return r == QUEUE_NO_SUCH ? queue_no_such_job(e, job) : r;
    *ret = (struct queue_counts){
        .id = job,
        .state = (enum job_state)sqlite3_column_int(s, 0),
        .members = sqlite3_column_int64(s, 1),
        .done = sqlite3_column_int64(s, 2),
        .dead = sqlite3_column_int64(s, 3),
        .free = sqlite3_column_int64(s, 4),
        .frontier = sqlite3_column_int64(s, 5),
        .suspects = sqlite3_column_int64(s, 6),
        .proposed = sqlite3_column_int64(s, 7),
        .layouts = sqlite3_column_int64(s, 8),
        .priority = sqlite3_column_int64(s, 9),
        .max_attempts = sqlite3_column_int64(s, 10),
        .log_lines = sqlite3_column_int64(s, 11),
        .member_timeout = sqlite3_column_double(s, 12),
        .is_held = sqlite3_column_int(s, 13),
        .awaits = sqlite3_column_int64(s, 14),
        .resting = sqlite3_column_int64(s, 15),
    };
    database_end(s);
    return 0;
}

int queue_counts_add(struct queue *q, int64_t job, int64_t done, int64_t dead, int64_t free,
                     struct error *e)
{
    live_touch(q, job);
    return database_run(&q->database, e, STATEMENT_JOB_COUNT, INTEGER(job), INTEGER(done),
                        INTEGER(dead), INTEGER(free));
}

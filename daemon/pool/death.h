/* SPDX-License-Identifier: Apache-2.0 */
/* How a worker ended, in words. Internal to pool/. */
#ifndef POOL_DEATH_H
#define POOL_DEATH_H

#include "base/position.h"
#include "proto/where.h"

#include <stdbool.h>
#include <sys/resource.h>

struct death {
    int status;                /* of waitpid */
    struct rusage usage;       /* of wait4 */
    bool is_asked;             /* we asked it to end */
    int64_t memory;            /* bytes of its own that it might have; 0: any number */
    bool was_oom;              /* the control group counted a kill for want of memory meanwhile */
    struct where_at at;        /* pid 0: not known */
    const char *last_line;     /* that it printed at that member; "": none */
    char *log;                 /* the last ones, each with its line feed */
    char place[POSITION_TEXT]; /* of position_text: the process that it was in; "": in none */
};

enum { DEATH_TEXT = 896 };

/* "was killed by signal 6 (Aborted), at job 7, member 3, step 2 of 10, process …", after "worker
 * NAME
 * ". */
void death_for_log(const struct death *d, char ret[DEATH_TEXT]);
/* "was killed by signal 6 (Aborted) in process 'p' (library.Type), run_step of step 2; it last
 * printed: …", for who owns the job. */
void death_for_user(const struct death *d, char ret[DEATH_TEXT]);

#endif

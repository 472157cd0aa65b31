/* SPDX-License-Identifier: Apache-2.0 */
/* The process of a local run in which user code runs. It does what the ledger says is left, and
 * tells the process above it, which outlives it. */
#ifndef WORKER_RUN_CHILD_H
#define WORKER_RUN_CHILD_H

#include "base/hash.h"
#include "worker/local_libraries.h"
#include "worker/run_ledger.h"
#include "worker/worker.h"

/* What the process above needs to know of the job: memory that both see. */
struct run_facts {
    bool is_known; /* set last, when the job was built */
    bool is_batch;
    int n_helpers; /* workers that are to help it, at most */
    int64_t n_members, max_attempts;
    double member_timeout;          /* seconds; 0: none */
    int64_t lines_of, n_lines;      /* told of the log of the member that spoke last */
    char libraries[HASH_TEXT_SIZE]; /* of the text of job_libraries: all processes run one build */
    char files[HASH_TEXT_SIZE];     /* of the arrays' files that the job names */
};

enum { RUN_OWNER_SIZE = 160 };

/* What it has in common with a run that it goes on with. */
struct run_identity {
    char job[HASH_TEXT_SIZE];   /* of the document, and of how it is run */
    char owner[RUN_OWNER_SIZE]; /* the mark that the store bears */
};

struct run_child {
    const struct worker_run_options *options; /* with absolute paths */
    const char *text;                         /* the job's document */
    size_t text_size;
    const char *job_directory; /* that {"file": …} is relative to */
    struct local_model model;  /* that the job is run with; no names: it has its own */
    const char *members;       /* a directory for clean_room_new */
    const char *layout;        /* NULL: none is known yet */
    const struct run_identity *identity;
    struct run_ledger ledger; /* of no member in the first process */
    struct run_facts *facts;
    int channel, where; /* descriptors: run_channel_send, where_open */
    int share;          /* one more: where helpers are offered lanes (worker/offer.h) */
    int plan;           /* of a plan: a file to write it to (worker_plan) */
    pid_t guard;
    pid_t above; /* who started the run: a daemon, of a plan that it asked for */
};

/* What is told (proto/PROTOCOL.md): READY when the facts are known; LAYOUT, DONE, MEMBER_FAILED;
 * and at the end one of JOB_FAILED     the job is refused; RELEASE        with cause STORE: the
 * store failed; BYE            another process is to go on; FINISHED, FINISH_FAILED. Who ends
 * without has died. */
void run_child(const struct run_child *c);

/* The process of a helper: nothing is told. `members` is its own; `share` the other end. Returns
 * when it is not needed any more, or cannot help. */
void run_help(const struct run_child *c);

#endif

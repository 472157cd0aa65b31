/* SPDX-License-Identifier: Apache-2.0 */
/* What run.c, run_plan.c, run_heard.c, run_setup.c and run_death.c share: a local run, as the
 * process that runs no user code sees it. */
#ifndef WORKER_RUN_PARTS_H
#define WORKER_RUN_PARTS_H

#include "base/buffer.h"
#include "base/errors.h"
#include "base/proc.h"
#include "proto/where.h"
#include "worker/run_channel.h"
#include "worker/run_child.h"
#include "worker/run_helpers.h"
#include "worker/run_journal.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Exit statuses; RUN_GO_ON: none yet. */
enum { RUN_OK = 0, RUN_FAILED = 1, RUN_REFUSED = 2, RUN_GO_ON = -1 };

enum { RUN_REASON_SIZE = 1280, RUN_STALLS_MAX = 3 };

/* What a process said at its end; SAID_NOTHING: it died. */
enum said { SAID_NOTHING, SAID_REFUSED, SAID_FAILED, SAID_GO_ON, SAID_LOST, SAID_FINISHED };

struct run {
    struct run_child child; /* what each process is given */
    struct worker_run_options options;
    char *store, *job_directory, *members, *where_path, *layout, *trace, *graph;
    char *modules;          /* a directory of libraries; NULL: no module in Python is given */
    char *model_library;    /* the name of the one that has the model; NULL: the job has it */
    const char **libraries; /* that, and those of the options */
    struct run_identity identity;
    struct run_journal journal;
    bool is_unnoted; /* the journal could not be written: that was told */
    struct buffer text;
    int signals; /* a signalfd: of our child's end, and of those by which we are asked to end */
    sigset_t mask;

    /* Of the process that runs now. */
    pid_t pid;
    struct run_channel channel;
    struct run_helpers helpers;
    enum said said;
    char reason[RUN_REASON_SIZE]; /* with what it said, or of what it died */
    bool is_overrun;              /* killed for its member's time */
    int stalls;                   /* processes in a row that died beside members */
    int losses;                   /* helpers in a row that were killed */
    int asked;                    /* the signal by which we are to end; 0: none */
};

/* Where its process is; member -1: in none. */
struct where_at run_place(const struct run *run);
/* A signal that asks us to end is handed on to the process; `asked` keeps it. */
void run_hear_signals(struct run *run);

/* Runs one process to its end; *ret_status: RUN_GO_ON, where another is to follow. 0 or -errno. */
int run_one_process(struct run *run, int *ret_status, struct error *e);

/* ---- run_heard.c ---- */

/* What became of members goes into the journal. */
void run_heard_note(struct run *run, const struct wire_message *m);
/* Once the facts are known, there is a ledger. */
void run_heard_facts(struct run *run);
/* What becomes of members: for run_journal_replay, too. */
void run_heard_keep(void *userdata, const struct wire_message *m);
/* All that the process has said by now. */
void run_heard_all(struct run *run);

/* ---- run_setup.c ---- */

/* `o` is copied, and what it points to borrowed. */
void run_init(struct run *run, const struct worker_run_options *o);
/* The job's document, and a library of the modules in Python that were given. Negative where the
 * job cannot be read. */
int run_setup_read(struct run *run, const char *path, struct error *e);
/* What outlives the processes: their directory, the where page's file, the facts, the signals. */
int run_setup_open(struct run *run, struct error *e);
void run_setup_clear(struct run *run);

/* ---- run_death.c ---- */

/* The process died, or a helper of it did, while `first` was the first member of the ledger. False
 * where nothing more can be done. */
bool run_death_of_process(struct run *run, int64_t first, const struct proc_end *end);
bool run_death_of_helper(struct run *run, int64_t first);
/* Helpers leave when their lead has run all members, as it does: their libraries are closed. */
void run_death_await_leaving(struct run *run);

#endif

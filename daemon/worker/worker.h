/* SPDX-License-Identifier: Apache-2.0 */
/* The roles of simlab-worker. Each returns the program's exit status. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "base/errors.h"
#include "base/sandbox_mode.h"

#include <stdbool.h>
#include <sys/types.h>

/* serve: connects to a dispatcher and works until told to quit or the dispatcher is gone. */
struct worker_serve_options {
    const char *endpoint;
    const char *name;
    const char *libraries; /* the daemon's directory of copies (library/copies.h) */
    const char *uploads;
    int secret;   /* an inherited descriptor: what HELLO says, a line; it is closed; -1: nothing */
    int where;    /* an inherited descriptor of a where page (proto/where.h); -1: none */
    pid_t guard;  /* the process above us (worker/guard.h); 0: there is none */
    pid_t daemon; /* the one above that */
    enum sandbox_mode sandbox;
    const char *state; /* the daemon's directory, kept from user code; NULL: not known */
    const char *const
        *writable;         /* where that may write, NULL at the end: $TMPDIR, the store
                              root, which the worker itself needs, and more; NULL: not known */
    int64_t renew_members; /* members after which it leaves; 0: any number */
    int64_t renew_memory;  /* bytes that it may grow by; 0: any number */
    const char *group;     /* the directory of a control group that it enters; NULL: none */
    int64_t memory;        /* bytes of its own that it may have; 0: any number */
};
int worker_serve(const struct worker_serve_options *o);

/* run: one job without a daemon. 0; 2 with the reason on stderr and no store left behind where the
 * job is refused; 1 where the simulation, or a member, fails: the rest is in the store. */
struct worker_run_options {
    const char *job; /* path of the document; "-": standard input */
    const char *store;
    const char *const *libraries; /* directories, NULL at the end */
    const char *const *modules;   /* in Python: paths, NULL at the end */
    const char *model;  /* FILE.py:NAME, of a module in Python: the job's model; NULL: it has one */
    const char *python; /* directory of what hosts them; NULL: there is none */
    bool debug, profile; /* as if the job said so; the profile is printed */
    bool
        resume; /* go on with one that was killed whole, where its journal stands (run_journal.h) */
    const char *trace; /* a file to write: calls on the clock, in Chrome's trace format; or NULL */
    const char *graph; /* the model's graph by time, as DOT or a picture (run_graph.h); or NULL */
    const struct worker_plan_options *plan; /* NULL: it is run, not planned */
};
int worker_run(const struct worker_run_options *o);

/* plan: runs the job's first member (and, where that takes no time, some of the next) into a store
 * that is removed, and prints what the job will take, as JSON: a plan (plan_document.h), or
 * {"failed": REASON}, where the member fails; {"refused": REASON, "pointer"?}; {"trouble": REASON}.
 * 0, 1, 2, 1; a daemon, which reads it, gets 0. */
struct worker_plan_options {
    const char *job;
    double limit; /* seconds that a member may take; its own limit where that is less */
    /* As in worker_run_options; or of a daemon's job, its libraries and uploads: */
    const char *const *libraries, *const *modules;
    const char *model, *python;
    const char *copies;  /* directory (library/copies.h); NULL: no daemon asks */
    const char *pins;    /* a file: job_pins */
    const char *uploads; /* or NULL */
    const char *from;    /* the store that it starts from; or NULL */
    enum sandbox_mode sandbox;
    const char *state, *const *writable; /* as in worker_serve_options */
};
int worker_plan(const struct worker_plan_options *o);

/* describe: prints a library's descriptors as JSON. `configuration`: NULL, or a file
 * NAME.configuration, with which it is opened as the library NAME. */
int worker_describe(const char *library, const char *configuration);

/* verify: compares a store of a job of that many members with its checksums (store/checksums.h),
 * which standard input has; prints JSON {"files", "n_faults", "faults": [{"file", "what",
 * "foreign", "members"?}], "damaged": [[begin, end], …], "repairs"}, the first 1000 faults. 0; 1
 * where it cannot be compared; 2 wrong usage. */
int worker_verify(const char *store, const char *members);

/* replay: makes the job's document out of a store: computed again, it gives the same bytes. Written
 * to `output`, with long arrays, and those whose dtype a list does not tell, beside it as .npy;
 * NULL: to standard output. 0; 1; 2 where the store does not tell it. */
int worker_replay(const char *store, const char *output);

/* plot: see plot/plot.h; `argc`, `argv` after the role. */
int worker_plot(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The runner, and what its files share; each uses only those before it: range_resume, range_store,
 * range_outcome, range_ahead, range_team_mate, range_team, range_runner. */
#ifndef WORKER_RANGE_RUNNER_PARTS_H
#define WORKER_RANGE_RUNNER_PARTS_H

#include "worker/checkpoints.h"
#include "worker/held_outputs.h"
#include "worker/job_code.h"
#include "worker/lead.h"
#include "worker/output_writer.h"
#include "worker/range_runner.h"

struct range_runner {
    const struct job *job;
    const struct libraries *libraries;
    struct job_code code;
    struct clean_room *room;
    struct simulation *simulation;
    struct range_team *team; /* of members that run side by side; NULL: none have */
    struct statics *statics; /* NULL: nobody asks */
    int64_t member;          /* that runs, where somebody does */
    struct lead *lead;       /* of its helpers; NULL: there are none */
    struct job_store where;
    struct store *store;
    struct range_events events;
    struct output_writer writer;
    struct checkpoints *checkpoints; /* NULL: the job has none */
    struct checkpoint_content saved; /* of the member that goes on, in `memory`; NULL: nobody */
    void *memory;
    bool is_branch;      /* `saved` is of another job */
    int64_t n_lines;     /* that the member has said */
    struct buffer lines; /* the first of them, for its checkpoints: each with its NUL */
    bool is_told;        /* that this member has no checkpoint, or one less */
    bool leaves_staged;  /* a checkpoint relies on it */
    /* While it is ahead: what was saved by members below `run`, of which n_well ended well. */
    bool is_ahead;
    struct held_outputs held;
    int64_t run, n_well;
    int ended;           /* why the range ends, found while a member runs … */
    struct error why;    /* … with words */
    int64_t begin, end;  /* the range */
    int64_t reported;    /* done was said for members below it */
    int64_t reported_at; /* when: loop_now() */
    int64_t *failed;     /* members that failed in this range, ascending */
    size_t n_failed;
    size_t n_passed; /* of them, said by leaving them out of a done range */
    double aside;    /* range_runner_aside */
    struct error *e; /* of the current member */
};

bool range_resume_is_asked(const struct job *job);
/* Opens the checkpoints of a job that wants some. */
int range_resume_open(struct range_runner *m, struct error *e);
/* Before there was a layout, the first member had arrays made that its checkpoint relies on: they
 * are joined. False: it has none that serves; why not is said in its log. */
bool range_resume_join(struct range_runner *m);
/* What the member has saved so far is as it was; *ret_goes_on false: it runs from its start. */
int range_resume_take_up(struct range_runner *m, int64_t member, bool *ret_goes_on,
                         struct error *e);
void range_resume_drop(struct range_runner *m);
/* Of a job that starts from another's checkpoint: reads it. 0, or STAGE_FAILED with words. */
int range_resume_branch(struct range_runner *m, int64_t member, struct error *e);
/* Between two steps, where none is due: memory for the member's first is made ready aside. */
void range_resume_prepare(struct range_runner *m);
/* A line of the member's. */
void range_resume_log(struct range_runner *m, int64_t member, const char *line);
/* It begins. */
void range_resume_forget_lines(struct range_runner *m);
/* After so many steps; what: enum checkpoint_kind. That one could not be saved is said in the
 * member's log, once. */
void range_resume_save(struct range_runner *m, int64_t member, int64_t steps, unsigned what);
/* That one could not be written, likewise. */
void range_resume_say_failure(struct range_runner *m, int64_t member);

/* Makes the store, or joins it where the layout is known. */
int range_store_open(struct range_runner *m, struct error *e);
/* What is known before of the members of the range stands in the store before they are told to be
 * done. */
int range_store_fill(struct range_runner *m, struct error *e);

/* What is left to do with a member that has come to this result. While the runner is ahead, what it
 * saved is held. */
int range_outcome_put_away(struct range_runner *m, int64_t member, int r, struct error *e);
/* Members below `written` are in the store: tells of those that are on the disk, now and then. */
int range_outcome_report(struct range_runner *m, int64_t written);
/* What was done since `began` (rest_now(); 0: nothing) is no time of a member. */
void range_outcome_set_aside(struct range_runner *m, int64_t began);
/* The range ends with this member: all that was run is written and told. */
void range_outcome_end_early(struct range_runner *m, int64_t member, struct error *why);
bool range_outcome_may_print(const struct range_runner *m);
/* stage_events.abandon: its code does not go on, nor anybody's in this process. */
void range_outcome_abandon(struct range_runner *m, int64_t member, const struct error *failure);
bool range_outcome_has_failed(const struct range_runner *m, int64_t member);

/* Where the layout is known, or ours to decide, the runner is ahead no more: what was held goes the
 * way of all outputs. `waits`: until that is so. `member` runs, -1: none does. (While one does, the
 * store's directory is opened, which clean_room.h lets stay.) */
int range_ahead_settle(struct range_runner *m, int64_t member, bool waits, struct error *e);
/* A value that the member saves is held, or goes to the writer; words of what fails: in m->e. */
int range_ahead_put(struct range_runner *m, int64_t member, int output, int64_t at,
                    const struct simlab_view *view);

/* Whether the job's libraries leave its members alone with one another; of this range's, whether
 * they are to run side by side. */
bool range_team_may_be(const struct range_runner *m);
bool range_team_is_wanted(const struct range_runner *m);
/* Runs them. *ret_renew: CLEAN_ROOM_RENEW, with words in `why`, or 0. */
int range_team_run(struct range_runner *m, int *ret_renew, struct error *why, struct error *e);
struct range_team *range_team_free(struct range_team *t);
/* Of the simulation in which the members of a thread run. */
struct stage_options range_runner_member_options(const struct range_runner *m, int thread);

#endif

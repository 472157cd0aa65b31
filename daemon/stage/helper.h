/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of the scheduler `processes`: a worker that runs tasks of a simulation whose time
 * loop is another's (stage/share.h). Job and libraries are those of the lead. */
#ifndef STAGE_HELPER_H
#define STAGE_HELPER_H

#include "stage/stage.h"

struct helper;

struct helper_options {
    struct stage_share share;     /* as simulation_share gave it to the lead; borrowed */
    int lane;                     /* 1 … share.n_lanes - 1; no other helper's */
    struct position_board *board; /* see stage_options */
    /* See stage_events. */
    void (*abandon)(void *userdata, int64_t member, const struct error *why);
    void *userdata;
};

/* 0; STAGE_FAILED, or -errno (-EEXIST: the state cannot be mapped here), with words. What
 * simulation_new borrows is borrowed. */
int helper_new(const struct job *job, const struct stage_code *const *codes,
               const struct simlab_hook *const *hooks, const struct helper_options *options,
               struct helper **ret_helper, struct error *e);
struct helper *helper_free(struct helper *h);

/* Runs tasks until the lead's simulation is freed, or helper_leave. */
void helper_run(struct helper *h);
/* From any thread: it returns after the task that it runs. */
void helper_leave(struct helper *h);
/* The same, unless companies are at home in its lane (stage/home.h): false, it goes on. They are
 * let go at the end of the member, or before. */
bool helper_try_leave(struct helper *h);
/* Whether it runs one now. */
bool helper_is_at_work(const struct helper *h);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation of a job is made of besides the job: code of its types, its hooks, and what
 * these import. */
#ifndef WORKER_JOB_CODE_H
#define WORKER_JOB_CODE_H

#include "model/job.h"
#include "worker/imports.h"
#include "worker/library.h"
#include "worker/statics.h"

struct job_code {
    const struct stage_code **codes; /* as simulation_new wants them */
    const struct simlab_hook **hooks;
    struct imports imports;
};

/* Job and libraries are borrowed. 0, or WORKER_REFUSED with words. After either it is cleared. */
int job_code_find(const struct job *job, const struct libraries *l, struct job_code *ret,
                  struct error *e);
/* Adds its libraries to those whose static variables are looked at; those that host a runtime keep
 * in them what is nobody's mistake. */
void job_code_watch(const struct job_code *c, const struct job *job, struct statics *statics);
void job_code_clear(struct job_code *c);

#endif

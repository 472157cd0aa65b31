/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of the model that was drawn, under a scheduler, and what is seen of them. */
#ifndef RANDOM_MODELS_RUNS_H
#define RANDOM_MODELS_RUNS_H

#include "base/buffer.h"
#include "model/job.h"
#include "stage/simulation.h"

struct seen {
    const struct job *job;
    struct buffer bytes;
};
/* For stage_events, whose userdata begins with a struct seen. */
int runs_on_output(void *userdata, int64_t member, int output, int64_t at,
                   const struct simlab_view *view);
void runs_on_log(void *userdata, int64_t member, const char *line);
int runs_on_step(void *userdata, int64_t member, int64_t step);

/* The code of the job's types, in the model's order: borrowed until the next call. */
const struct stage_code *const *runs_codes(const struct job *job);

/* With as many helpers as there are lanes for, which are other processes. One at a time. */
struct simulation *runs_new_simulation(const struct job *job, const struct stage_options *options);
void runs_free_simulation(struct simulation *s);

/* All members, twice: their outputs, lines and ends. */
char *runs_all(const struct job *job, const struct stage_options *options);

/* Where two that should be the same begin to differ. */
void runs_show_difference(const char *a, const char *b);

/* A helper that dies ends the program. */
void runs_watch_helpers(void);
/* Tasks that helpers were handed so far. */
uint64_t runs_helped(void);

#endif

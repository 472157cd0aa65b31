/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's side (stage/helper.h, worker/offer.h). */
#ifndef WORKER_HELPING_H
#define WORKER_HELPING_H

#include "model/job.h"
#include "worker/clean_room.h"
#include "worker/library.h"

struct position_board;

/* Waits for an offer, and runs tasks until the lead's run of members is over, or the lead is; or
 * until `stop` can be read (-1: never), and nothing has its home here. The job is the lead's. 0,
 * also where no offer came; -errno, or worker/result.h's, with words: then the lead goes on
 * without. */
int helping_run(const struct job *job, const struct libraries *l, struct clean_room *room,
                int socket, int stop, struct position_board *board, struct error *e);

#endif

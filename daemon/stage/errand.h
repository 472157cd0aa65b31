/* SPDX-License-Identifier: Apache-2.0 */
/* What each worker does for a move (stage/home.h): it saves, restores, or forgets the instances
 * of companies in its lane. By a graph of one task a lane. */
#ifndef STAGE_ERRAND_H
#define STAGE_ERRAND_H

#include "stage/share.h"

/* Of a pool; the same in each process. *ret_graph is borrowed by it. */
struct graph_run *errand_graph_new(struct share *share, struct task_pool *pool,
                                   struct task_graph *ret_graph);
/* That of share->errand, for the companies whose errand_lanes say this lane. */
void errand_run(struct share *share, struct lane *lane);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Where companies are run (stage/company.h) when several workers share a simulation: the lead's
 * side. Each company has a home, a lane. All begin with the lead. When a helper has come, and it is
 * worth it by the time that tasks take, companies are moved: their instances are saved where they
 * are, and restored where they go to, between two stages.
 *
 * Invariants
 *  1. Homes change between two runs of the pool only, by the lead. A company that cannot be moved
 *     stays where it is, and nobody sees that it was tried.
 *  2. Only a lane that is claimed is home to any; who is claimed does not leave before it is let
 * go.
 *  3. At the end of a member, and before it is saved, all companies are the lead's. */
#ifndef STAGE_HOME_H
#define STAGE_HOME_H

#include "stage/share.h"

struct homes;

/* `pool`: borrowed; its graph for errands is made. */
struct homes *homes_new(struct simulation *s, struct share *share, struct task_pool *pool);
struct homes *homes_free(struct homes *h);

/* Before a run_step is run: companies may be moved. */
void homes_settle(struct homes *h);
/* Whether that stage, or any other, has to be run by the pool: some company is not the lead's. */
bool homes_are_apart(const struct homes *h);
/* Whether the times of tasks are wanted. */
bool homes_have_times(const struct homes *h);

/* All companies are the lead's again. 0, or STAGE_FAILED with words: then they are where they were.
 */
int homes_gather(struct homes *h, struct error *e);
/* A member begins: whatever was elsewhere is forgotten. */
void homes_forget(struct homes *h);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A profile (simulation_profile) in words. */
#ifndef WORKER_PROFILE_REPORT_H
#define WORKER_PROFILE_REPORT_H

#include "base/buffer.h"
#include "base/json.h"
#include "model/model.h"

/* Adds what `more` counted to `into`, of the same job; `into` NULL: a copy. For the caller. */
json_t *profile_report_add(json_t *into, const json_t *more);

/* A table, and what follows from it: how much faster the model could run side by side at most, and
 * what keeps it. */
void profile_report_text(const json_t *profile, struct buffer *ret);

/* The model's graph in Graphviz's language: each process with its share of the work, and coloured
 * by it. */
void profile_report_graph(const json_t *profile, const struct model *model, struct buffer *ret);

#endif

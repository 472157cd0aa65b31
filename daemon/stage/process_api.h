/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to stage/: the table of functions that libraries call through simlab/process.h. */
#ifndef STAGE_PROCESS_API_H
#define STAGE_PROCESS_API_H

#include "stage/simulation.h"

extern const struct simlab_host process_api_functions;

static inline struct context *process_api_context(simlab_context *c)
{
    return (struct context *)(void *)c;
}

/* The variable of a row, or NULL and a mistake recorded. */
const struct variable *process_api_variable(struct context *c, int32_t row);
bool process_api_is_group(const struct variable *v);
/* The group at a row, or NULL and a mistake recorded. */
const struct binding *process_api_group(struct context *c, int32_t row);
/* Whether the run may write this variable; else a mistake is recorded. */
bool process_api_may_write(struct context *c, int32_t row, const struct variable *v);
/* False, and a mistake recorded, in a block of a parallel loop, where `what` cannot be done. */
bool process_api_may(struct context *c, const char *what);

/* ---- process_values.c ---- */

struct simlab_view *process_values_view(simlab_context *c, int32_t row, int32_t dtype,
                                        int32_t access);
struct simlab_view *process_values_create(simlab_context *c, int32_t row, int32_t dtype,
                                          int32_t length, int32_t ndim, const int64_t *shape);
struct simlab_view *process_values_member(simlab_context *c, int32_t row, int64_t k, int32_t dtype);
struct simlab_view *process_values_wrong_size(simlab_context *c, int32_t row, int64_t k,
                                              int32_t dtype, int64_t n);

/* ---- process_kept.c ---- */

struct simlab_kept *process_kept_keep(simlab_context *c, const struct simlab_view *view);
void process_kept_leave(simlab_context *c, int32_t row);

/* ---- parallel.c ---- */

int parallel_loop(simlab_context *c, const struct simlab_loop *loop);

#endif

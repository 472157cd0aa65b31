/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make a plan share. */
#ifndef STAGE_PLAN_PARTS_H
#define STAGE_PLAN_PARTS_H

#include "stage/program.h"

/* Lists of numbers, one after the other: list i is at[first[i]] … at[first[i + 1] - 1]. */
struct lists {
    int *first; /* one more than there are lists */
    int *at;
    size_t n, capacity; /* of `at` */
};
void lists_add(struct lists *l, int number);
void lists_clear(struct lists *l);

/* By call: the calls that must be through before it, earlier ones than itself, each once. Made by
 * plan.c, read by plan_tasks. */

/* Gathers those calls into tasks. */
void plan_tasks(struct plan *plan, const struct program *program, const struct lists *before);

/* What only one call at a time may use, by number: objects, and libraries with types that are not
 * thread-safe. */
struct exclusive {
    const struct program *program;
    int n;                  /* how many such things there are */
    const char **libraries; /* the last of them, after the objects */
    int n_libraries;
    int *seen_process, *seen_thing; /* the last process for which it was looked at, plus one */
    int *pending;
};
void exclusive_init(struct exclusive *x, const struct program *p);
void exclusive_clear(struct exclusive *x);
/* Calls `found` for each thing that a process may use in a stage, itself or by reading on_demand
 * variables. */
void exclusive_of(struct exclusive *x, int process, int stage,
                  void (*found)(void *userdata, int thing), void *userdata);
/* Calls it for each process that may be at work in a stage of this one: itself, and those whose
 * on_demand variables it reads. */
void exclusive_owners(struct exclusive *x, int process, int stage,
                      void (*found)(void *userdata, int process), void *userdata);

#endif

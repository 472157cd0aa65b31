/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads OpenMP, and the libraries of linear algebra that have threads of their own, may
 * use within a process library: there is a worker for each processor, so one, where neither the
 * environment nor the job says otherwise. A sum's last bits may depend on it. */
#ifndef WORKER_THREADS_H
#define WORKER_THREADS_H

#include "worker/library.h"

struct threads;

/* Before any library is loaded: sets OMP_NUM_THREADS and its like to 1 where they are not set. */
struct threads *threads_new(void);
struct threads *threads_free(struct threads *t);

/* For what runs next: `n` threads, 0: as the environment had it. Sets the environment, for what is
 * loaded or started later, and asks those that are loaded by their own functions. */
void threads_set(struct threads *t, const struct libraries *l, int64_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries of a daemon's jobs: each job names the contents that it was submitted with, whose
 * copies the daemon keeps (library/copies.h). A job is built from their documents; code is loaded
 * when a lease needs it, and nothing else. What goes wrong here is this worker's own trouble:
 * WORKER_TROUBLE, with words. */
#ifndef WORKER_PINNED_H
#define WORKER_PINNED_H

#include "model/job.h"
#include "worker/library.h"

struct pinned;

/* `root`: the directory of copies. */
struct pinned *pinned_new(const char *root);
struct pinned *pinned_free(struct pinned *p);

/* Those that are loaded; borrowed. */
struct libraries *pinned_libraries(struct pinned *p);

/* The types of `libraries`: JSON {name: hash}, as JOB has them. Borrowed until the next call; kept
 * for jobs with the same ones. */
int pinned_registry(struct pinned *p, const char *libraries, const struct registry **ret_registry,
                    struct error *e);

/* Loads what runs the job's members: the libraries of its processes, of their parents, and of its
 * hooks. */
int pinned_load(struct pinned *p, const struct job *job, struct error *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a job with the libraries of this build, as a worker does, and keeps what it gives out. */
#ifndef TESTS_PROCESSES_RUN_H
#define TESTS_PROCESSES_RUN_H

#include "base/errors.h"

#include <stdint.h>

struct run;

/* Runs member 0 of the job that the format gives, a JSON text in which ' stands for ". A job that
 * is refused fails the test. */
__attribute__((format(printf, 1, 2))) struct run *run_job(const char *format, ...);
struct run *run_free(struct run *r);

/* The message of the failure, or NULL where the run succeeded. */
const char *run_failure(const struct run *r);

/* An output's values, as doubles, at label `at` of its clock (-1: the last); fails the test where
 * there are none, or not n (n > 0). */
const double *run_values(const struct run *r, const char *output, int64_t at, int64_t n);
/* The only value. */
double run_value(const struct run *r, const char *output, int64_t at);

/* A file below the repository, where the tests were compiled. */
const char *run_file(const char *path);

#endif

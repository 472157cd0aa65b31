/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that clients have uploaded to the daemon, for who builds a job of its. */
#ifndef WORKER_UPLOADS_H
#define WORKER_UPLOADS_H

#include "model/job.h"

/* `directory`, which has them, is borrowed as long as the sources are; where it is NULL, there are
 * none. */
struct job_sources uploads_sources(const char *const *directory);

#endif

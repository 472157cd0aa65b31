/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a job went that was submitted with "profile": true: the tables that its workers
 * put into its log, to standard output. */
#ifndef CLIENT_PROFILE_H
#define CLIENT_PROFILE_H

#include "client/request.h"

struct options;

/* Of a job that runs, until it has ended. An exit code; API_EXIT_USAGE, after a complaint, where
 * the job was not profiled. */
int profile_show(struct server *s, const struct options *o);

#endif

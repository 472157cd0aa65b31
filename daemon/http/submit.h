/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at of a job, that was built, before it is taken, but for room on the disk. */
#ifndef HTTP_SUBMIT_H
#define HTTP_SUBMIT_H

#include "http/draft.h"

/* *ret_path: of its store, a new string; NULL: the daemon is to pick one. Results are enum problem,
 * or -errno. */
int submit_check(struct request *r, const struct draft *d, char **ret_path, struct error *e);

#endif

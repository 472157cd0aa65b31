/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about jobs that have just ended. */
#ifndef CLIENT_ENDED_H
#define CLIENT_ENDED_H

#include "client/request.h"

/* As request_or_complain; while the daemon is busy with the job's end (503), it is asked again. */
int ended_ask(struct server *s, const struct request *request, struct reply *ret_reply);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a lead and those who help it meet in a daemon: a socket, a file beside the directory of the
 * lead's members, by the number of its lease. The daemon tells helpers of it (proto/PROTOCOL.md);
 * what goes through it is worker/offer.h's. */
#ifndef WORKER_MEETING_H
#define WORKER_MEETING_H

#include <stdint.h>

struct meeting {
    int socket; /* listens; -1: there is none */
    char *path;
};

/* Besides `directory`, an absolute path. 0 or -errno. */
int meeting_open(const char *directory, int64_t lease, struct meeting *ret_meeting);
/* The file goes, too; zeroed but for `socket`, -1. */
void meeting_close(struct meeting *m);
/* The helper's side. 0 or -errno. */
int meeting_connect(const char *path, int *ret_socket);

#endif

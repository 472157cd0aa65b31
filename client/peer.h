/* SPDX-License-Identifier: Apache-2.0 */
/* Whose program is at the other end of a connection within this machine. */
#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Of a connected Unix socket: who listens there. false: it cannot be told. */
bool peer_of_socket(int fd, uid_t *ret_uid);

/* Of a TCP connection over IPv4 loopback to `port` from `own_port`. Ports belong to nobody, so the
 * kernel's tables of sockets are asked who listens there, and whose the other end is (nobody's, 0,
 * before it is accepted). *ret_uid is the first owner that is neither root nor one of the `n`
 * trusted ones, else any owner. false: it cannot be told. */
bool peer_of_port(int port, int own_port, const uid_t *trusted, int n, uid_t *ret_uid);
bool peer_is_trusted(uid_t uid, const uid_t *trusted, int n);

/* "anna (uid 1000)". New string. */
char *peer_name(uid_t uid);

#endif

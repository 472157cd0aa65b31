/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon owes to the system that runs it. */
#ifndef SERVICE_H
#define SERVICE_H

/* Tells systemd, where it started us (sd_notify(3)): "READY=1", one assignment a line. One
 * datagram; nothing where NOTIFY_SOCKET is not set. */
void service_notify(const char *message);

/* As many descriptors as are allowed (65536 at most): each connection is one. */
void service_raise_limits(void);

#endif

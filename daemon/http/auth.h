/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in. */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "http/listener.h"

#include <stddef.h>

/* Against DNS rebinding: over TCP a Host header names this machine: localhost, a loopback address,
 * the host that the listener was given, or, where it listens on every address, an address or the
 * machine's name. Any port. */
bool auth_host(const struct listener *l, const char *host);

/* Who it is, by the socket's peer (`fd`, Unix sockets: root or the daemon's own user) or by
 * "Authorization: Bearer TOKEN" (NULL: none sent). Writes at most `size` bytes; false: nobody. */
bool auth_principal(const struct listener *l, int fd, const char *authorization, const char *token,
                    char *ret, size_t size);

#endif

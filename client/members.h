/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab members`. Returns an exit code. */
#ifndef CLIENT_MEMBERS_H
#define CLIENT_MEMBERS_H

struct server;
struct options;

int members_list(struct server *s, const struct options *o);

#endif

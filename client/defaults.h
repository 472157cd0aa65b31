/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon of this machine is, and its token, where nobody said so. */
#ifndef CLIENT_DEFAULTS_H
#define CLIENT_DEFAULTS_H

#include <stdbool.h>
#include <sys/types.h>

/* An environment variable; NULL also where it is empty. */
const char *defaults_environment(const char *name);

/* The first default socket that accepts, and who listens there: the user's own before the
 * machine's, as with systemd's and others' user services. One that ought to be the user's and is a
 * stranger's is passed over, with a complaint. New string; NULL: there is none. */
char *defaults_socket(uid_t *ret_uid);

/* The token in the token file of a default state directory, and whose that is. `of_machine`: the
 * machine's comes first, so that a user who may read both shows each daemon its own. `peer`: who
 * will see it: owner, user and root may; NULL: not known yet. New string, or NULL. */
char *defaults_token(bool of_machine, const uid_t *peer, uid_t *ret_owner);

#endif

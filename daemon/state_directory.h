/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: mode 0700, one daemon at a time, and the bearer token.
 *
 * Invariant: while a state is open, its lock file is locked (an open-file-description lock, which
 * dies with the daemon). */
#ifndef STATE_DIRECTORY_H
#define STATE_DIRECTORY_H

#include "base/errors.h"
#include "base/hash.h"

/* In use, another user's, or not as it should be; with words. */
enum state_directory_result { STATE_DIRECTORY_REFUSED = 1 };

struct state_directory {
    int lock; /* descriptor of the lock file; -1: none */
    char token[HASH_TEXT_SIZE];
};

/* Makes the directory where absent, takes its lock, reads its token or makes one (the file "token",
 * mode 0600). STATE_DIRECTORY_REFUSED names the daemon that holds it, or what is wrong with the
 * token's file: others may read or write it, or it is a link, or someone else's. */
int state_directory_open(const char *directory, struct state_directory *ret_state, struct error *e);
void state_directory_close(struct state_directory *s);

/* Makes `path` where absent, with mode 0700; parents as the umask has it. Refuses a directory of
 * another user where `own`. */
int state_directory_make_directory(const char *path, bool own, struct error *e);

/* The directory of the workers' socket, "ipc://DIRECTORY/NAME", is the daemon's alone. It may stand
 * under /tmp: socket and directory are removed at the end. */
int state_directory_make_run(const char *endpoint, struct error *e);
void state_directory_remove_run(const char *endpoint);

#endif

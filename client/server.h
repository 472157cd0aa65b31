/* SPDX-License-Identifier: Apache-2.0 */
/* Which daemon is spoken to, and as whom.
 *
 * Address: --server, else SIMLAB_SERVER, else the first default socket that accepts (defaults.h),
 * else loopback TCP at the default port. Token: --token, else SIMLAB_TOKEN, else the token file of
 * a default state directory, which is shown only to this machine (a Unix socket or loopback).
 *
 * Invariant: at an address that nobody named nothing is said, and no token shown, unless the
 * program at the other end is the user's own, root's, or the token file owner's. A port of the
 * loopback belongs to nobody: any account can listen there. */
#ifndef CLIENT_SERVER_H
#define CLIENT_SERVER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/types.h>

struct server {
    char *address;    /* as people write it */
    char *base;       /* what paths are appended to: "http://HOST:PORT" */
    char *socket;     /* path of the Unix socket, or NULL */
    char *token;      /* or NULL */
    int timeout;      /* seconds without a word after which a connection counts as lost */
    bool named;       /* by --server or SIMLAB_SERVER: whoever is there is meant */
    uid_t trusted[2]; /* where it was not named: who may be there, beside root */
    int fd;           /* of the last connection that was opened */
    char *stranger;   /* why the last one was given up before a word was said, or NULL */
    CURLM *multi;
    CURL *easy; /* kept, and so is its connection */
};

/* All may be NULL; `timeout` is a text, in seconds. 0, or an exit code after a complaint. */
int server_new(const char *address, const char *token, const char *timeout,
               struct server **ret_server);
struct server *server_free(struct server *s);

/* To be called for each request: lets the handle look who is at the other end before anything is
 * sent. */
void server_guard(struct server *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which daemon is spoken to, and as whom.
 *
 * Address: --server, else SIMLAB_SERVER, else the first default socket that accepts, else loopback
 * TCP at the default port. Token: --token, else SIMLAB_TOKEN, else the token file of a default
 * state directory; a token from a file is shown only to this machine (a Unix socket or loopback).
 */
#ifndef CLIENT_SERVER_H
#define CLIENT_SERVER_H

#include <curl/curl.h>

struct server {
    char *address; /* as people write it */
    char *base;    /* what paths are appended to: "http://HOST:PORT" */
    char *socket;  /* path of the Unix socket, or NULL */
    char *token;   /* or NULL */
    CURLM *multi;
    CURL *easy; /* kept, and so is its connection */
};

/* `address` and `token` may be NULL. 0, or an exit code after a complaint. */
int server_new(const char *address, const char *token, struct server **ret_server);
struct server *server_free(struct server *s);

#endif

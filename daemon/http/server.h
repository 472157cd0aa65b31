/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of http/ share of a server. Everything runs on the loop's thread. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/claims.h"
#include "http/http.h"
#include "http/listener.h"

struct MHD_Connection;
struct request;
struct stream;

/* One client's connection. What takes longer than it may (headers or a body that trickle in) is
 * shut down by http_tick; libmicrohttpd closes what is idle. */
struct client {
    struct http *http;
    struct listener *listener;
    int fd;
    int64_t deadline; /* INT64_MAX: none */
    struct client *previous, *next;
};

struct http {
    struct loop *loop;
    struct queue *queue;
    const struct registry *registry; /* the newest; a reference */
    struct http_options options;
    struct listener *listeners;
    size_t n_listeners;
    const char **addresses;
    struct client *clients;
    int64_t sweep;           /* when the clients' deadlines are looked at next */
    struct request *waiting; /* suspended until the queue's commit */
    struct stream *streams;
    struct claims claims; /* of this turn */
    size_t body_bytes;    /* held by the bodies of all requests … */
    size_t body_budget;   /* … and what they may hold together */
    unsigned next_upload; /* numbers the temporary files */
    bool closing;
};

#endif

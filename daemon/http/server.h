/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of http/ share of a server. Everything runs on the loop's thread, but for what
 * work.h says. From the lowest: problem, header, auth, listener, answers; reply; body; the handlers
 * with what only they use (claims, drafts …); route, their table; exchange, which takes a request
 * to its handler, and goes on with it when work that the handler gave aside is done; connections;
 * http. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/answers.h"
#include "http/claims.h"
#include "http/http.h"
#include "http/listener.h"
#include "http/work.h"

struct MHD_Daemon;
struct client;
struct request;
struct stream;
struct wait;

/* One client's connection. */
struct client {
    struct http *http;
    struct listener *listener;
    int fd;
    int64_t deadline;        /* then it is cut (connections.h); INT64_MAX: none */
    int64_t since;           /* it is between requests */
    struct request *request; /* NULL: it is between requests */
    struct client *previous, *next;
};

struct http {
    struct loop *loop;
    struct queue *queue;
    const struct registry *registry; /* the newest; a reference */
    struct http_options options;
    struct MHD_Daemon *daemon;
    int epoll; /* the daemon's, in our loop */
    struct listener *listeners;
    size_t n_listeners;
    const char **addresses;
    bool closing;
    /* connections.c */
    struct client *clients;
    struct listener *accepting; /* whose connection is being added */
    bool is_ready;              /* the epoll descriptor has news, or a connection was resumed */
    bool has_progress;          /* since libmicrohttpd began to run */
    int64_t spins_since;        /* it wants to run again without having done anything; 0: no */
    int64_t due;                /* when it wants to run next */
    int64_t sweep;              /* when clients and listeners are looked at next */
    char trouble[300];
    /* requests */
    struct request *waiting; /* suspended until the queue's commit */
    struct stream *streams;
    struct wait *waits;   /* requests that wait for jobs' ends */
    struct claims claims; /* of this turn */
    struct work_line work;
    struct answers answers;
    size_t body_bytes;    /* held by the bodies of all requests … */
    size_t body_budget;   /* … and what they may hold together */
    unsigned n_uploads;   /* under way */
    unsigned next_upload; /* numbers the temporary files */
};

#endif

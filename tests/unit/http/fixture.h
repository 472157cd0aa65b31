/* SPDX-License-Identifier: Apache-2.0 */
/* A server with a real queue on a fresh directory, in this process's loop, and clients of it whose
 * sockets are driven in the same thread: a turn of the loop at a time, no threads, no sleeps. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include "base/buffer.h"
#include "http/http.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct server {
    char directory[64];
    char socket[80], stores[80], uploads[80], texts[80];
    struct loop *loop;
    struct aside *aside;
    struct queue *queue;
    struct registry *registry;
    struct http *http;
    bool hold; /* no commit and no answers, until it is unset */
    bool fail; /* the commit fails */
    int commits;
    int n_pushes;
    size_t max_body;
    unsigned max_connections; /* of the next start of HTTP */
};

struct server *server_new(size_t max_body);
void server_reopen(struct server *s); /* another start of HTTP */
void server_free(struct server *s);
void server_turn(struct server *s);

struct peer {
    struct server *server;
    int fd;
    struct buffer received;
    bool closed;
};

/* Over the Unix socket, or over TCP. */
struct peer *peer_unix(struct server *s);
struct peer *peer_tcp(struct server *s);
struct peer *peer_free(struct peer *c);

void peer_send(struct peer *c, const char *bytes, size_t n);
void peer_text(struct peer *c, const char *text);
/* Turns until `text` was received; fails the test where that cannot come. */
void peer_await(struct peer *c, const char *text);
/* Turns until the server closed the connection. */
void peer_await_close(struct peer *c);

/* One request with its body (NULL: none) and more header lines ("" or "Name: value\r\n"…), on a
 * connection of its own. The answer's status; ret_body is JSON (a new reference) or NULL. */
int ask(struct server *s, const char *method, const char *path, const char *headers,
        const char *body, json_t **ret_body);
/* The same, where the answer must be a problem document; its "detail" and "pointer" are checked to
 * hold these texts (NULL: not looked at; pointer "": absent or empty). */
void expect_problem(struct server *s, const char *method, const char *path, const char *body,
                    int status, const char *detail, const char *pointer);

/* A job that is right, as text; free it. `more`: further members, such as "\"store\": \"a\",". */
char *job_text(const char *more);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/aside.h"
#include "base/file.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char descriptors[] =
    "{\"abi\": 1, \"library\": \"toy\", \"path\": \"/toy.so\", \"version\": \"1\","
    " \"hash\": \"0000000000000000000000000000000000000000000000000000000000000000\","
    " \"description\": \"\", \"types\": [{\"name\": \"Growth\", \"description\": \"grows\","
    " \"stages\": [\"initialize\", \"run_step\"], \"variables\": ["
    "{\"name\": \"rate\", \"kind\": \"variable\", \"intent\": \"in\", \"dtype\": \"f8\","
    " \"dims\": \"()\", \"bounds\": \"[0, 10]\"},"
    "{\"name\": \"start\", \"kind\": \"variable\", \"intent\": \"in\", \"dtype\": \"f8\","
    " \"dims\": \"x\", \"default\": \"[1.0]\"},"
    "{\"name\": \"n\", \"kind\": \"variable\", \"intent\": \"out\", \"dtype\": \"f8\","
    " \"dims\": \"x\"}]}]}";

/* ---- the server ---- */

static int64_t tick_http(void *server, int64_t now)
{
    return http_tick(((struct server *)server)->http, now);
}

static int64_t tick_commit(void *server, int64_t now)
{
    static const struct error full = {.message = "no space is left"};
    struct server *s = server;
    struct error e = {.message = ""};
    (void)now;
    if (s->hold)
        return INT64_MAX;
    s->commits += queue_dirty(s->queue);
    cr_assert_eq(queue_commit(s->queue, &e), 0);
    return http_flush(s->http, s->fail ? &full : NULL);
}

static bool is_ready(void *server, const char **ret_reason)
{
    *ret_reason = "it holds";
    return !((struct server *)server)->hold;
}

static json_t *list_workers(void *server)
{
    (void)server;
    return json_pack("[{s:s}]", "name", "w1");
}

/* Modules are taken, and never through. */
static int push(void *server, const json_t *module, http_pushed_fn done, void *task,
                struct error *e)
{
    struct server *s = server;
    (void)module, (void)done, (void)task, (void)e;
    s->n_pushes++;
    return 0;
}

static int problem_of_push(int result)
{
    return result;
}

static void open_server(struct server *s, size_t max_body)
{
    s->max_body = max_body;
    char *tcp = mem_strdup("tcp:127.0.0.1:0");
    char *local = mem_printf("unix:%s", s->socket);
    snprintf(s->uploads, sizeof s->uploads, "%s/uploads", s->directory);
    cr_assert_eq(file_make_directories(s->stores), 0);
    cr_assert_eq(file_make_directories(s->uploads), 0);
    const char *listen[] = {local, tcp, NULL};
    struct http_options o = {.listen = listen,
                             .token = TOKEN,
                             .store_root = s->stores,
                             .uploads = s->uploads,
                             .texts = s->texts,
                             .max_connections = s->max_connections,
                             .aside = s->aside,
                             .max_body = max_body,
                             .workers = list_workers,
                             .ready = is_ready,
                             .push = push,
                             .push_problem = problem_of_push,
                             .userdata = s};
    struct error e = {.message = ""};
    int r = http_new(s->loop, s->queue, s->registry, &o, &s->http, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    free(tcp);
    free(local);
}

struct server *server_new(size_t max_body)
{
    struct server *s = mem_new(sizeof *s);
    struct error e = {.message = ""};
    signal(SIGPIPE, SIG_IGN);
    strcpy(s->directory, "/tmp/simlab-http-XXXXXX");
    cr_assert(mkdtemp(s->directory));
    snprintf(s->socket, sizeof s->socket, "%s/s", s->directory);
    snprintf(s->stores, sizeof s->stores, "%s/stores", s->directory);
    char *path = file_join(s->directory, "q.db");
    snprintf(s->texts, sizeof s->texts, "%s/texts", s->directory);
    cr_assert_eq(file_make_directories(s->texts), 0);
    struct queue_options queue = {
        .path = path, .root = s->stores, .texts = s->texts, .all_seen = true};
    cr_assert_eq(queue_open(&queue, &s->queue, &e), 0, "%s", e.message);
    free(path);
    cr_assert_eq(loop_new(&s->loop), 0);
    cr_assert_eq(aside_new(s->loop, 2, &s->aside), 0);
    s->registry = registry_new();
    json_t *document = json_loads(descriptors, 0, NULL);
    int r = registry_add(s->registry, document, &e);
    cr_assert_eq(r, 0, "%s: %s", e.pointer, e.message);
    json_decref(document);
    registry_finish(s->registry);
    open_server(s, max_body);
    loop_add_tick(s->loop, tick_http, s);
    loop_add_tick(s->loop, tick_commit, s);
    return s;
}

void server_reopen(struct server *s)
{
    s->http = http_free(s->http);
    open_server(s, s->max_body);
}

void server_free(struct server *s)
{
    http_free(s->http);
    aside_free(s->aside);
    queue_close(s->queue);
    registry_unref(s->registry);
    loop_free(s->loop);
    file_remove_tree(s->directory);
    free(s);
}

void server_turn(struct server *s)
{
    cr_assert_eq(loop_turn(s->loop, 200), 0);
}

/* ---- clients ---- */

static struct peer *peer_new(struct server *s, int fd, const struct sockaddr *address,
                             socklen_t size)
{
    struct peer *c = mem_new(sizeof *c);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, address, size), 0, "%s", strerror(errno));
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    c->server = s;
    c->fd = fd;
    return c;
}

struct peer *peer_unix(struct server *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, s->socket);
    return peer_new(s, socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address,
                    sizeof address);
}

struct peer *peer_tcp(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *port = strrchr(http_addresses(s->http)[1], ':') + 1;
    address.sin_port = htons((uint16_t)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return peer_new(s, socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address,
                    sizeof address);
}

struct peer *peer_free(struct peer *c)
{
    close(c->fd);
    buffer_free(&c->received);
    free(c);
    return NULL;
}

static void receive(struct peer *c)
{
    char bytes[16384];
    ssize_t n;
    while ((n = recv(c->fd, bytes, sizeof bytes, 0)) > 0)
        buffer_append(&c->received, bytes, (size_t)n);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        c->closed = true;
}

void peer_send(struct peer *c, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the server has closed: what it said is read by peer_await */
        bytes += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
        server_turn(c->server);
        receive(c);
    }
}

void peer_text(struct peer *c, const char *text)
{
    peer_send(c, text, strlen(text));
}

void peer_await(struct peer *c, const char *text)
{
    for (int turn = 0; turn < 10000; turn++) {
        receive(c);
        if (c->received.data && strstr(c->received.data, text))
            return;
        cr_assert(!c->closed, "closed before \"%s\"; received: %s", text, c->received.data);
        server_turn(c->server);
    }
    cr_assert_fail("\"%s\" did not come; received: %s", text, c->received.data);
}

void peer_await_close(struct peer *c)
{
    receive(c);
    for (int turn = 0; turn < 10000 && !c->closed; turn++) {
        server_turn(c->server);
        receive(c);
    }
    cr_assert(c->closed, "still open; received: %s", c->received.data);
}

/* ---- requests ---- */

static int ask_on(struct peer *c, const char *method, const char *path, const char *headers,
                  const char *body, json_t **ret_body)
{
    struct buffer b = {0};
    buffer_printf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path,
                  headers);
    if (body)
        buffer_printf(&b, "Content-Length: %zu\r\n", strlen(body));
    buffer_text(&b, "\r\n");
    if (body)
        buffer_text(&b, body);
    peer_send(c, b.data, b.size);
    buffer_free(&b);
    peer_await_close(c);
    const char *text = c->received.data ? strstr(c->received.data, "\r\n\r\n") : NULL;
    cr_assert(text, "no answer to %s %s: %s", method, path, c->received.data);
    if (ret_body)
        *ret_body = json_loads(text + 4, JSON_DECODE_ANY, NULL);
    return atoi(c->received.data + strlen("HTTP/1.1 "));
}

int ask(struct server *s, const char *method, const char *path, const char *headers,
        const char *body, json_t **ret_body)
{
    struct peer *c = peer_unix(s);
    int status = ask_on(c, method, path, headers, body, ret_body);
    peer_free(c);
    return status;
}

void expect_problem(struct server *s, const char *method, const char *path, const char *body,
                    int status, const char *detail, const char *pointer)
{
    struct peer *c = peer_unix(s);
    json_t *document;
    int got = ask_on(c, method, path, "", body, &document);
    cr_assert_eq(got, status, "%s %s: %s", method, path, c->received.data);
    cr_assert(strstr(c->received.data, "Content-Type: application/problem+json\r\n"));
    cr_assert_eq(json_integer_value(json_object_get(document, "status")), status);
    const char *words = json_string_value(json_object_get(document, "detail"));
    const char *where = json_string_value(json_object_get(document, "pointer"));
    cr_assert(!detail || strstr(words, detail), "\"%s\" is not in: %s", detail, words);
    cr_assert(!pointer || !strcmp(where ? where : "", pointer), "pointer %s, expected %s: %s",
              where, pointer, words);
    json_decref(document);
    peer_free(c);
}

char *job_text(const char *more)
{
    return mem_printf("{%s \"model\": {\"processes\": {\"grow\": \"toy.Growth\"}},"
                      "\"clocks\": {\"time\": {\"data\": [0, 1, 2]}}, \"main_clock\": \"time\","
                      "\"inputs\": {\"grow__rate\": 1.5}, \"outputs\": {\"grow__n\": \"time\"}}",
                      more);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are wrong, large, slow or hostile; and when answers leave. */
#include "fixture.h"

#include "base/mem.h"
#include "http/events.h"
#include "http/problem.h"
#include "http/request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct server *s;

static void setup(void)
{
    s = server_new(8192);
}

static void teardown(void)
{
    server_free(s);
}

TestSuite(request, .init = setup, .fini = teardown);

Test(request, health)
{
    json_t *body;
    cr_assert_eq(ask(s, "GET", "/healthz", "", NULL, &body), 200);
    cr_assert_str_eq(json_string_value(json_object_get(body, "status")), "ok");
    json_decref(body);
    cr_assert_eq(ask(s, "GET", "/readyz", "", NULL, NULL), 200);
    cr_assert_eq(ask(s, "GET", "/openapi.json", "", NULL, &body), 200);
    cr_assert(json_is_object(json_object_get(body, "paths")));
    json_decref(body);
    cr_assert_eq(ask(s, "GET", "/v1/workers", "", NULL, &body), 200);
    cr_assert_eq(json_array_size(json_object_get(body, "workers")), 1);
    json_decref(body);
}

Test(request, is_not_ready)
{
    json_t *body;
    s->hold = true;
    cr_assert_eq(ask(s, "GET", "/readyz", "", NULL, &body), 503);
    cr_assert_str_eq(json_string_value(json_object_get(body, "reason")), "it holds");
    json_decref(body);
}

Test(request, paths_and_methods)
{
    expect_problem(s, "GET", "/", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/../../etc/passwd", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/%2e%2e", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/1%00", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs%00/1", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/1%2fevents", NULL, 404, "no job", "");
    expect_problem(s, "GET", "/v1/jobs/%ff%fe", NULL, 404, "\\xff\\xfe", "");
    expect_problem(s, "GET", "/v1/jobs/0", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/01", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/-1", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/jobs/9223372036854775808", NULL, 404, NULL, "");
    expect_problem(s, "GET", "/v1/processes/toy.Grow", NULL, 404, "toy.Growth", "");
    expect_problem(s, "GET", "/v1/models/..", NULL, 404, NULL, "");
    expect_problem(s, "DELETE", "/v1/jobs", NULL, 405, "GET, HEAD, POST", "");
    expect_problem(s, "PUT", "/healthz", "x", 405, NULL, "");
    expect_problem(s, "BREW", "/v1/jobs", NULL, 405, NULL, "");
}

Test(request, queries)
{
    expect_problem(s, "GET", "/v1/jobs?limit=0", NULL, 422, "limit", "");
    expect_problem(s, "GET", "/v1/jobs?limit=1001", NULL, 422, "limit", "");
    expect_problem(s, "GET", "/v1/jobs?limit=", NULL, 422, "limit", "");
    expect_problem(s, "GET", "/v1/jobs?before=-1", NULL, 422, "before", "");
    expect_problem(s, "GET", "/v1/jobs?before=1e3", NULL, 422, "before", "");
    expect_problem(s, "GET", "/v1/jobs?state=happy", NULL, 422, "queued", "");
    cr_assert_eq(ask(s, "GET", "/v1/jobs?limit=1000&state=running&x=y", "", NULL, NULL), 200);
}

Test(request, head_has_no_body)
{
    struct peer *c = peer_unix(s);
    peer_text(c, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    peer_await_close(c);
    cr_assert(!strncmp(c->received.data, "HTTP/1.1 200", 12));
    cr_assert(!strcmp(strstr(c->received.data, "\r\n\r\n"), "\r\n\r\n"));
    peer_free(c);
}

/* ---- who ---- */

static int ask_tcp(const char *host, const char *path, const char *header)
{
    struct peer *c = peer_tcp(s);
    char *text = mem_printf("GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", path,
                            host, header);
    peer_text(c, text);
    peer_await_close(c);
    int status = atoi(c->received.data + 9);
    cr_assert(status < 400 || strstr(c->received.data, "application/problem+json"));
    cr_assert(status != 401 || strstr(c->received.data, "WWW-Authenticate: Bearer"));
    free(text);
    peer_free(c);
    return status;
}

Test(request, token_over_tcp)
{
    cr_assert_eq(ask_tcp("localhost", "/healthz", ""), 200);
    cr_assert_eq(ask_tcp("localhost", "/v1/jobs", ""), 401);
    cr_assert_eq(ask_tcp("localhost", "/v1/nothing", ""), 401);
    cr_assert_eq(ask_tcp("localhost", "/v1/jobs", "Authorization: Bearer wrong\r\n"), 401);
    cr_assert_eq(ask_tcp("localhost", "/v1/jobs", "Authorization: Bearer " TOKEN "\r\n"), 200);
    cr_assert_eq(ask_tcp("127.0.0.1:1", "/v1/nothing", "Authorization: Bearer " TOKEN "\r\n"), 404);
}

Test(request, host_over_tcp)
{
    cr_assert_eq(ask_tcp("evil.example", "/healthz", ""), 400);
    cr_assert_eq(ask_tcp("evil.example", "/v1/jobs", "Authorization: Bearer " TOKEN "\r\n"), 400);
}

/* A stranger's large body is not read. */
Test(request, stranger_with_a_large_body)
{
    struct peer *c = peer_tcp(s);
    peer_text(c, "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 100000000\r\n\r\n");
    peer_await(c, "HTTP/1.1 401");
    peer_await_close(c);
    peer_free(c);
}

/* ---- bodies ---- */

Test(request, bodies_that_cannot_be_read)
{
    char deep[1001];
    memset(deep, '[', 1000);
    deep[1000] = '\0';
    expect_problem(s, "POST", "/v1/jobs", "", 400, "empty", "");
    expect_problem(s, "POST", "/v1/jobs", NULL, 400, "empty", "");
    expect_problem(s, "POST", "/v1/jobs", "{", 400, "line 1", "");
    expect_problem(s, "POST", "/v1/jobs", "{\"a\": 1, \"a\": 2}", 400, "duplicate", "");
    expect_problem(s, "POST", "/v1/jobs", "{\"a\": \"\xff\"}", 400, "0xff", "");
    expect_problem(s, "POST", "/v1/jobs", deep, 400, "deeper", "");
    expect_problem(s, "POST", "/v1/jobs", "{\"a\": NaN}", 400, "\"NaN\"", "");
    expect_problem(s, "POST", "/v1/models", "[]", 422, NULL, "");
    expect_problem(s, "POST", "/v1/uploads", "no array", 422, NULL, "");
    expect_problem(s, "GET", "/v1/jobs", "a body", 413, NULL, "");
}

Test(request, body_that_is_announced_too_large)
{
    char *large = mem_new(9000);
    memset(large, ' ', 8999);
    expect_problem(s, "POST", "/v1/jobs", large, 413, "8192", "");
    large[8192] = '\0';
    expect_problem(s, "POST", "/v1/jobs", large, 400, NULL, "");
    free(large);
    struct peer *c = peer_unix(s);
    peer_text(c, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                 "Content-Length: 9000\r\n\r\n");
    peer_await(c, "HTTP/1.1 413");
    peer_await_close(c);
    cr_assert(!strstr(c->received.data, "100 Continue"));
    peer_free(c);
}

static void send_chunks(struct peer *c, int n)
{
    char chunk[1040];
    strcpy(chunk, "400\r\n");
    memset(chunk + 5, ' ', 1024);
    strcpy(chunk + 5 + 1024, "\r\n");
    peer_text(c, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n");
    while (n-- > 0)
        peer_text(c, chunk);
    peer_text(c, "0\r\n\r\n");
    peer_await_close(c);
}

Test(request, chunked_body)
{
    struct peer *c = peer_unix(s);
    send_chunks(c, 8);
    cr_assert(strstr(c->received.data, "HTTP/1.1 400"), "%s", c->received.data);
    peer_free(c);
    c = peer_unix(s);
    send_chunks(c, 9);
    cr_assert(strstr(c->received.data, "HTTP/1.1 413"), "%s", c->received.data);
    peer_free(c);
}

Test(request, media_types)
{
    char *job = job_text("");
    cr_assert_eq(ask(s, "POST", "/v1/jobs", "Content-Encoding: gzip\r\n", job, NULL), 415);
    cr_assert_eq(
        ask(s, "POST", "/v1/jobs", "Content-Type: multipart/form-data; boundary=x\r\n", job, NULL),
        415);
    free(job);
}

/* Bytes that are no HTTP, and requests that smuggle, end the connection or get 4xx; the server goes
 * on. */
Test(request, no_http)
{
    static const char *const texts[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "ffffffffffffffffff\r\n"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct peer *c = peer_unix(s);
        peer_text(c, texts[i]);
        shutdown(c->fd, SHUT_WR);
        peer_await_close(c);
        cr_assert(!c->received.data || !strncmp(c->received.data, "HTTP/1.1 4", 10) ||
                      !strncmp(c->received.data, "HTTP/1.1 505", 12) ||
                      !strncmp(c->received.data, "HTTP/1.0 4", 10),
                  "%s: %s", texts[i], c->received.data);
        peer_free(c);
    }
    cr_assert_eq(ask(s, "GET", "/healthz", "", NULL, NULL), 200);
}

Test(request, headers_that_are_too_large)
{
    struct peer *c = peer_unix(s);
    char line[1024];
    memset(line, 'a', sizeof line);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    peer_text(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 200 && !c->closed; i++)
        peer_text(c, line);
    peer_await_close(c);
    cr_assert(!c->received.data || !strncmp(c->received.data, "HTTP/1.1 4", 10));
    peer_free(c);
}

Test(request, one_connection_many_requests)
{
    struct peer *c = peer_unix(s);
    peer_text(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"
                 "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_await(c, "\"ok\"");
    peer_await(c, "\"jobs\"");
    peer_await(c, "\"ready\"");
    peer_free(c);
}

/* ---- slow and gone ---- */

Test(request, who_trickles_is_cut_off)
{
    struct peer *headers = peer_unix(s), *body = peer_unix(s), *idle = peer_unix(s);
    peer_text(headers, "GET /healthz HT");
    peer_text(body, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
    http_tick(s->http, loop_now() + 29000);
    cr_assert(!headers->closed && !body->closed);
    http_tick(s->http, loop_now() + 31000);
    peer_await_close(headers);
    peer_await_close(body);
    peer_await_close(idle);
    cr_assert_null(headers->received.data);
    peer_free(headers);
    peer_free(body);
    peer_free(idle);
}

Test(request, who_leaves_early)
{
    struct peer *c = peer_unix(s);
    peer_text(c, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n{");
    peer_free(c);
    s->hold = true;
    c = peer_unix(s);
    peer_text(c, "POST /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\n"
                 "{\"processes\": {\"grow\": \"toy.Growth\"}}");
    peer_free(c);
    s->hold = false;
    cr_assert_eq(ask(s, "GET", "/healthz", "", NULL, NULL), 200);
}

/* ---- when answers leave ---- */

static const char add_model[] =
    "POST /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 37\r\n\r\n"
    "{\"processes\": {\"grow\": \"toy.Growth\"}}";

Test(request, waits_for_the_commit)
{
    struct peer *c[20];
    s->hold = true;
    for (int i = 0; i < 20; i++) {
        c[i] = peer_unix(s);
        peer_text(c[i], add_model);
        cr_assert(!c[i]->received.data, "answered before the commit: %s", c[i]->received.data);
    }
    cr_assert(queue_dirty(s->queue));
    s->hold = false;
    for (int i = 0; i < 20; i++) {
        peer_await_close(c[i]);
        cr_assert(!strncmp(c[i]->received.data, "HTTP/1.1 201", 12), "%d: %s", i,
                  c[i]->received.data);
        peer_free(c[i]);
    }
    cr_assert_eq(s->commits, 1, "%d commits for what one holds", s->commits);
}

/* What is read while something awaits the commit waits too: it could still be rolled back. */
Test(request, readers_wait_too)
{
    struct peer *writer = peer_unix(s), *reader = peer_unix(s);
    s->hold = true;
    peer_text(writer, add_model);
    peer_text(reader, "GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(!reader->received.data);
    s->hold = false;
    peer_await(reader, "\"jobs\"");
    peer_await_close(writer);
    peer_free(writer);
    peer_free(reader);
}

Test(request, commit_that_fails)
{
    s->fail = true;
    struct peer *c = peer_unix(s);
    peer_text(c, add_model);
    peer_await_close(c);
    cr_assert(!strncmp(c->received.data, "HTTP/1.1 503", 12), "%s", c->received.data);
    cr_assert(strstr(c->received.data, "no space is left"));
    cr_assert(strstr(c->received.data, "Retry-After: 1"));
    peer_free(c);
}

Test(request, stop_answers_those_who_wait)
{
    struct peer *c = peer_unix(s);
    s->hold = true;
    peer_text(c, add_model);
    s->http = http_free(s->http);
    char text[2000] = "";
    ssize_t n = recv(c->fd, text, sizeof text - 1, 0);
    cr_assert(n > 0 && strstr(text, "HTTP/1.1 503") && strstr(text, "stopping"), "%s", text);
    peer_free(c);
}

Test(problem, texts_that_are_no_utf8)
{
    json_t *p = problem_document(PROBLEM_INVALID, "a\xff\xfe é \xe2\x82", "/\xc3", NULL);
    cr_assert_str_eq(json_string_value(json_object_get(p, "detail")), "a?? é ??");
    cr_assert_str_eq(json_string_value(json_object_get(p, "pointer")), "/?");
    json_decref(p);
}

Test(request_number, forms, .init = NULL)
{
    int64_t n;
    cr_assert(request_parse_number("0", &n) && n == 0);
    cr_assert(request_parse_number("999999999999999999", &n) && n == 999999999999999999);
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "01", "1.0", "0x1", "9999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert(!request_parse_number(bad[i], &n), "%s", bad[i]);
}

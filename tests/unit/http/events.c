/* SPDX-License-Identifier: Apache-2.0 */
#include "http/events.h"

#include "fixture.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
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

TestSuite(events, .init = setup, .fini = teardown);

static int64_t submit(void)
{
    const struct queue_submission job = {
        .document = "{}", .model_hash = "0", .members = 1, .max_attempts = 1};
    int64_t id;
    bool existed;
    struct error e = {.message = ""};
    cr_assert_eq(queue_submit(s->queue, &job, &id, &existed, &e), 0, "%s", e.message);
    server_turn(s);
    return id;
}

static struct peer *follow(int64_t id, const char *header)
{
    struct peer *c = peer_unix(s);
    char *text = mem_printf("GET /v1/jobs/%lld/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            "%s\r\n",
                            (long long)id, header);
    peer_text(c, text);
    free(text);
    return c;
}

static void cancel(int64_t id)
{
    struct error e = {.message = ""};
    cr_assert_eq(queue_cancel(s->queue, id, "no more", &e), 0);
}

Test(events, are_told_until_the_last)
{
    int64_t id = submit();
    struct peer *c = follow(id, "");
    peer_await(c, "event: queued\ndata: {");
    cr_assert(strstr(c->received.data, "Content-Type: text/event-stream\r\n"));
    cr_assert(!c->closed);
    cancel(id);
    server_turn(s);
    peer_await(c, "event: cancelled\n");
    peer_await_close(c);
    peer_free(c);
}

Test(events, resume)
{
    int64_t first = submit(), id = submit();
    cancel(first);
    cancel(id);
    server_turn(s);
    json_t *page;
    struct error e = {.message = ""};
    cr_assert_eq(queue_events(s->queue, id, 0, 10, &page, &e), 0);
    size_t n = json_array_size(page);
    cr_assert_eq(n, 2);
    char header[80];
    snprintf(header, sizeof header, "Last-Event-ID: %lld\r\n",
             (long long)json_member_integer(json_array_get(page, 0), "id", 0));
    struct peer *c = follow(id, header);
    peer_await_close(c);
    cr_assert(!strstr(c->received.data, "event: queued"));
    cr_assert(strstr(c->received.data, "event: cancelled"));
    peer_free(c);
    snprintf(header, sizeof header, "Last-Event-ID: %lld\r\n",
             (long long)json_member_integer(json_array_get(page, 1), "id", 0));
    c = follow(id, header);
    peer_await_close(c);
    cr_assert(!strncmp(c->received.data, "HTTP/1.1 204", 12), "%s", c->received.data);
    peer_free(c);
    json_decref(page);
    expect_problem(s, "GET", "/v1/jobs/99/events", NULL, 404, NULL, "");
    cr_assert_eq(ask(s, "GET", "/v1/jobs/1/events", "Last-Event-ID: x\r\n", NULL, NULL), 400);
}

Test(events, more_than_a_page)
{
    int64_t id = submit();
    struct error e = {.message = ""};
    char line[32];
    for (int i = 0; i < 350; i++) {
        snprintf(line, sizeof line, "line %d", i);
        cr_assert_eq(queue_log(s->queue, id, 0, -1, line, &e), 0);
    }
    cancel(id);
    struct peer *c = follow(id, "");
    peer_await_close(c);
    cr_assert(strstr(c->received.data, "line 0"));
    cr_assert(strstr(c->received.data, "line 349"));
    cr_assert(strstr(c->received.data, "event: cancelled"));
    peer_free(c);
}

/* Nothing that is not committed is told. */
Test(events, wait_for_the_commit)
{
    int64_t id = submit();
    struct peer *c = follow(id, "");
    peer_await(c, "event: queued");
    s->hold = true;
    cancel(id);
    events_flush(s->http, loop_now() + 20000); /* resumed for a comment, not for news */
    http_tick(s->http, loop_now());
    server_turn(s);
    cr_assert(!strstr(c->received.data, "cancelled"));
    s->hold = false;
    peer_await(c, "event: cancelled");
    peer_free(c);
}

Test(events, progress_of_a_job_without_a_batch)
{
    int64_t id = submit();
    struct queue_lease lease;
    struct error e = {.message = ""};
    cr_assert_eq(queue_lease(s->queue, id, "w", 1, 1, &lease, &e), 0);
    struct peer *c = follow(id, "");
    peer_await(c, "event: running");
    queue_progress(s->queue, id, 3, 10);
    events_flush(s->http, loop_now() + 1000);
    peer_await(c, "event: progress\ndata: {\"step\":3,\"nsteps\":10}");
    peer_free(c);
}

/* A client that left is noticed at the next comment. */
Test(events, who_left_is_forgotten)
{
    struct peer *c = follow(submit(), "");
    peer_await(c, "event: queued");
    peer_free(c);
    for (int i = 1; i <= 3; i++) {
        events_flush(s->http, loop_now() + 20000 * i);
        http_tick(s->http, loop_now());
    }
    s->http = http_free(s->http); /* asserts that no stream is left */
}

Test(events, stop_ends_streams)
{
    struct peer *c = follow(submit(), "");
    peer_await(c, "event: queued");
    s->http = http_free(s->http);
    char text[1000];
    while (recv(c->fd, text, sizeof text, 0) > 0)
        ;
    cr_assert_eq(recv(c->fd, text, sizeof text, 0), 0, "the stream was not ended");
    peer_free(c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/events.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/jobs.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMMENT_MS = 15000,
    PROGRESS_MS = 200,     /* at most one progress of a job without a batch in this time */
    PAGE = 64,             /* events looked at at once, … */
    PAGE_FULL = 32 * 1024, /* … and bytes after which no more are formatted */
    BLOCK = 4096
};

struct stream {
    struct http *http;
    struct MHD_Connection *connection;
    int64_t job;
    int64_t after; /* the last event told */
    int64_t seen;  /* the queue's last event when we asked */
    int64_t step;  /* as last told */
    int64_t comment_due, progress_due;
    struct buffer out;
    size_t sent; /* of out */
    bool suspended, ended;
    struct stream *previous, *next;
};

/* ---- what is to be told ---- */

static void tell(struct stream *s, int64_t id, const char *kind, const json_t *data)
{
    char *text = data ? json_show(data) : mem_strdup("{}");
    if (id > 0)
        buffer_printf(&s->out, "id: %" PRId64 "\n", id);
    buffer_printf(&s->out, "event: %s\ndata: %s\n\n", kind, text);
    free(text);
}

static void tell_event(struct stream *s, const json_t *event)
{
    const char *kind = json_member_string(event, "kind");
    int64_t id = json_member_integer(event, "id", 0);
    enum job_state state;
    if (s->ended || !kind || id > s->seen)
        return;
    tell(s, id, kind, json_object_get(event, "data"));
    s->after = id;
    s->ended = job_state_from_name(kind, &state) && job_state_is_final(state);
}

/* One page; true where there may be more. Where the queue fails the stream ends, and its client
 * comes again with the last event that it has. */
static bool tell_page(struct stream *s)
{
    json_t *page, *event;
    size_t i;
    if (queue_events(s->http->queue, s->job, s->after, PAGE, &page, NULL) != 0) {
        s->ended = true;
        return false;
    }
    int64_t before = s->after;
    json_array_foreach(page, i, event)
    {
        if (s->out.size >= PAGE_FULL)
            break;
        tell_event(s, event);
    }
    bool more = (json_array_size(page) == PAGE || i < json_array_size(page)) && s->after > before &&
                !s->ended;
    json_decref(page);
    return more;
}

static void tell_progress(struct stream *s, int64_t now)
{
    struct queue_job j;
    s->progress_due = now + PROGRESS_MS;
    if (queue_job(s->http->queue, s->job, &j, NULL) != 0)
        return;
    if (j.state == JOB_RUNNING && j.nsteps > 0 && j.step != s->step) {
        json_t *data =
            json_pack("{s:I, s:I}", "step", (json_int_t)j.step, "nsteps", (json_int_t)j.nsteps);
        tell(s, 0, "progress", data);
        json_decref(data);
        s->step = j.step;
    }
    if (j.members > 1)
        s->progress_due = INT64_MAX;
    queue_job_clear(&j);
}

static void fill(struct stream *s)
{
    int64_t now = loop_now(), last = queue_last_event(s->http->queue);
    buffer_clear(&s->out);
    s->sent = 0;
    if (last != s->seen) {
        int64_t was = s->seen;
        s->seen = last;
        if (tell_page(s))
            s->seen = was; /* asked again when this page is sent */
    }
    if (!s->ended && now >= s->progress_due)
        tell_progress(s, now);
    if (s->out.size == 0 && now >= s->comment_due)
        buffer_text(&s->out, ":\n\n");
    if (s->out.size > 0)
        s->comment_due = now + COMMENT_MS;
}

/* ---- the connection ---- */

static ssize_t read_stream(void *stream, uint64_t position, char *ret, size_t max)
{
    (void)position;
    struct stream *s = stream;
    if (s->sent == s->out.size && !s->ended && !s->http->closing)
        fill(s);
    s->http->has_progress = true;
    size_t n = s->out.size - s->sent;
    if (n > max)
        n = max;
    if (n > 0) {
        memcpy(ret, s->out.data + s->sent, n);
        s->sent += n;
        return (ssize_t)n;
    }
    if (s->ended || s->http->closing)
        return MHD_CONTENT_READER_END_OF_STREAM;
    s->suspended = true;
    MHD_suspend_connection(s->connection);
    return 0;
}

static void free_stream(void *stream)
{
    struct stream *s = stream;
    if (s->previous)
        s->previous->next = s->next;
    else
        s->http->streams = s->next;
    if (s->next)
        s->next->previous = s->previous;
    buffer_free(&s->out);
    free(s);
}

int64_t events_flush(struct http *h, int64_t now)
{
    int64_t due = INT64_MAX, last = h->streams ? queue_last_event(h->queue) : 0;
    for (struct stream *s = h->streams; s; s = s->next) {
        bool news = last != s->seen || now >= s->comment_due || now >= s->progress_due;
        if (s->suspended && (news || h->closing)) {
            s->suspended = false;
            s->http->is_ready = true;
            MHD_resume_connection(s->connection);
        }
        int64_t next = now >= s->comment_due ? now + COMMENT_MS : s->comment_due;
        due = next < due ? next : due;
    }
    return due;
}

/* ---- GET /v1/jobs/{job}/events ---- */

/* A finished job whose last event the client has: 204 tells an EventSource not to come again. */
static int has_all(struct http *h, const struct queue_job *j, int64_t after, bool *ret,
                   struct error *e)
{
    json_t *page;
    *ret = false;
    if (!job_state_is_final(j->state))
        return 0;
    int r = problem_of_queue(queue_events(h->queue, j->id, after, 1, &page, e));
    if (r != 0)
        return r;
    *ret = json_array_size(page) == 0;
    json_decref(page);
    return 0;
}

static struct stream *new_stream(struct request *r, int64_t job, int64_t after)
{
    struct http *h = r->http;
    struct stream *s = mem_new(sizeof *s);
    int64_t now = loop_now();
    *s = (struct stream){.http = h,
                         .connection = r->connection,
                         .job = job,
                         .after = after,
                         .seen = -1,
                         .step = -1,
                         .comment_due = now + COMMENT_MS,
                         .progress_due = now,
                         .next = h->streams};
    if (h->streams)
        h->streams->previous = s;
    h->streams = s;
    return s;
}

int events_stream(struct request *r, struct error *e)
{
    struct queue_job j;
    int64_t after = 0;
    const char *last = request_header(r, API_LAST_EVENT_ID);
    if (last && *last && !request_parse_number(last, &after))
        return error_set(e, PROBLEM_SYNTAX, NULL, "%s: %.40s: should be the number of an event",
                         API_LAST_EVENT_ID, last);
    int result = jobs_find(r, &j, e);
    if (result != 0)
        return result;
    bool all;
    int64_t id = j.id;
    result = has_all(r->http, &j, after, &all, e);
    queue_job_clear(&j);
    if (result != 0)
        return result;
    if (all) {
        reply_response(r, MHD_HTTP_NO_CONTENT,
                       MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT));
        reply_headers(r->response, NULL);
        return 0;
    }
    if (r->is_head) { /* libmicrohttpd would send a stream's end, which is a body */
        reply_response(r, MHD_HTTP_OK,
                       MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT));
        reply_headers(r->response, API_EVENT_STREAM);
        return 0;
    }
    struct stream *s = new_stream(r, id, after);
    reply_response(
        r, MHD_HTTP_OK,
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, free_stream));
    reply_headers(r->response, API_EVENT_STREAM);
    return 0;
}

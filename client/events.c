/* SPDX-License-Identifier: Apache-2.0 */
#include "client/events.h"

#include "client/text.h"
#include "proto/api.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_PAUSE = 100, LONGEST_PAUSE = 5000 /* milliseconds */ };

struct field {
    char *text;
    size_t size;
};

struct events {
    events_fn fn;
    void *userdata;
    struct field line, data;
    char *kind;    /* of the event that is being read */
    char *id;      /* as last read */
    char *last_id; /* of the last event that was whole */
    bool after_cr; /* a '\n' right now belongs to the line end before it */
    bool started;  /* the byte order mark may stand no more */
    size_t n_events;
};

struct events *events_new(events_fn fn, void *userdata)
{
    struct events *e = calloc(1, sizeof *e);
    if (!e)
        abort();
    e->fn = fn;
    e->userdata = userdata;
    return e;
}

struct events *events_free(struct events *e)
{
    if (!e)
        return NULL;
    free(e->line.text);
    free(e->data.text);
    free(e->kind);
    free(e->id);
    free(e->last_id);
    free(e);
    return NULL;
}

const char *events_last_id(const struct events *e)
{
    return e->last_id;
}

static int field_append(struct field *f, const char *bytes, size_t n)
{
    if (n > EVENTS_MAX - f->size)
        return -1;
    char *grown = realloc(f->text, f->size + n + 1);
    if (!grown)
        abort();
    f->text = grown;
    memcpy(grown + f->size, bytes, n);
    f->size += n;
    grown[f->size] = '\0';
    return 0;
}

static void forget_event(struct events *e)
{
    e->data.size = 0;
    free(e->kind);
    e->kind = NULL;
}

void events_restart(struct events *e)
{
    forget_event(e);
    e->line.size = 0;
    e->after_cr = e->started = false;
    free(e->id);
    e->id = text_copy(e->last_id);
}

/* A blank line: the event is whole. */
static int dispatch(struct events *e)
{
    int r = 0;
    free(e->last_id);
    e->last_id = text_copy(e->id);
    if (e->data.size) {
        e->data.text[e->data.size - 1] = '\0'; /* the last line's end is no part of it */
        e->n_events++;
        r = e->fn(e->userdata, e->kind ? e->kind : "message", e->data.text);
    }
    forget_event(e);
    return r;
}

static int take_line(struct events *e)
{
    char *line = e->line.text;
    size_t size = e->line.size;
    e->line.size = 0;
    if (!size)
        return dispatch(e);
    char *colon = memchr(line, ':', size), *value = line + size;
    if (colon) {
        *colon = '\0';
        value = colon + 1 + (colon[1] == ' ');
    }
    size_t n = (size_t)(line + size - value);
    if (!strcmp(line, "data"))
        return field_append(&e->data, value, n) || field_append(&e->data, "\n", 1) ? -1 : 0;
    if (!strcmp(line, "event")) {
        free(e->kind);
        e->kind = text_copy(value);
    } else if (!strcmp(line, "id") && !memchr(value, '\0', n)) {
        free(e->id);
        e->id = text_copy(value);
    }
    return 0;
}

static int take_piece(struct events *e, const char *bytes, size_t n)
{
    if (!n)
        return 0;
    if (field_append(&e->line, bytes, n))
        return -1;
    static const char mark[] = "\xEF\xBB\xBF";
    if (!e->started && e->line.size >= 3) {
        e->started = true;
        if (!memcmp(e->line.text, mark, 3))
            memmove(e->line.text, e->line.text + 3, (e->line.size -= 3) + 1);
    }
    return 0;
}

int events_feed(struct events *e, const char *bytes, size_t n)
{
    const char *end = bytes + n;
    while (bytes < end) {
        if (e->after_cr && *bytes == '\n') {
            e->after_cr = false;
            bytes++;
            continue;
        }
        e->after_cr = false;
        const char *stop = bytes;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        if (take_piece(e, bytes, (size_t)(stop - bytes)))
            return -1;
        if (stop == end)
            return 0;
        e->after_cr = *stop == '\r';
        e->started = true;
        bytes = stop + 1;
        int r = take_line(e);
        if (r)
            return r;
    }
    return 0;
}

/* ---- following ---- */

struct following {
    struct events *parser;
    const struct events_follower *follower;
    bool broken; /* what came is no stream of events */
    bool lost;   /* and said */
};

static int on_bytes(void *userdata, const char *bytes, size_t n)
{
    struct following *f = userdata;
    if (f->lost) {
        f->lost = false;
        f->follower->on_connection(f->follower->userdata, NULL);
    }
    int r = events_feed(f->parser, bytes, n);
    f->broken = r < 0;
    return r;
}

static int64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int events_pause(int duration, const struct request_watch *w)
{
    int64_t until = milliseconds() + duration;
    for (int64_t left = duration; left > 0; left = until - milliseconds()) {
        struct pollfd p = {.fd = w ? w->fd : -1, .events = POLLIN};
        poll(&p, 1, left < 500 ? (int)left : 500);
        if (w && w->fn(w->userdata, p.revents & POLLIN))
            return 1;
    }
    return 0;
}

/* One connection. True where the following is over, with its exit code. */
static bool read_stream(struct server *s, const char *path, struct following *f, int *ret_code)
{
    struct reply r;
    struct request request = {.method = "GET",
                              .path = path,
                              .last_event_id = events_last_id(f->parser),
                              .sink = on_bytes,
                              .sink_userdata = f,
                              .watch = f->follower->watch};
    events_restart(f->parser);
    request_send(s, &request, &r);
    /* 204: the last event is one that we have (WHATWG HTML, section 9.2.3). */
    bool over = r.aborted || r.status == 204 || (r.code && !r.again);
    if (f->broken) {
        text_complain("%s sent an event that is too long", s->address);
        *ret_code = API_EXIT_UNREACHABLE;
    } else if (r.aborted || r.status == 204) {
        *ret_code = API_EXIT_OK;
    } else if (over) {
        text_complain("%s", r.reason);
        *ret_code = r.code;
    } else if (!f->lost) {
        f->lost = true;
        f->follower->on_connection(f->follower->userdata,
                                   r.reason ? r.reason : "the stream of events ended");
    }
    reply_clear(&r);
    return over;
}

int events_follow(struct server *s, const char *path, const struct events_follower *follower)
{
    struct following f = {.parser = events_new(follower->on_event, follower->userdata),
                          .follower = follower};
    int duration = FIRST_PAUSE, code = API_EXIT_OK;
    for (;;) {
        size_t before = f.parser->n_events;
        if (read_stream(s, path, &f, &code))
            break;
        if (f.parser->n_events > before)
            duration = FIRST_PAUSE;
        if (events_pause(duration, follower->watch))
            break;
        duration = duration * 2 < LONGEST_PAUSE ? duration * 2 : LONGEST_PAUSE;
    }
    events_free(f.parser);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/events.h"

#include "client/backoff.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

struct field {
    char *text;
    size_t size;
};

struct events {
    events_fn fn;
    void *userdata;
    struct field line, data;
    char *kind;     /* of the event that is being read */
    char *id;       /* as last read */
    char *last_id;  /* of the last event that was whole */
    bool after_cr;  /* a '\n' right now belongs to the line end before it */
    bool started;   /* the byte order mark may stand no more */
    size_t n_lines; /* that are fields, comments or ends of events */
    int nonsense;   /* lines that are not, since the last end of an event */
};

struct events *events_new(events_fn fn, void *userdata)
{
    struct events *e = text_need(calloc(1, sizeof *e));
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
    f->text = text_need(realloc(f->text, f->size + n + 1));
    memcpy(f->text + f->size, bytes, n);
    f->size += n;
    f->text[f->size] = '\0';
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
    e->nonsense = 0;
    if (e->data.size) {
        e->data.text[e->data.size - 1] = '\0'; /* the last line's end is no part of it */
        r = e->fn(e->userdata, e->kind ? e->kind : "message", e->data.text);
    }
    forget_event(e);
    return r;
}

static int take_field(struct events *e, const char *name, const char *value, size_t n)
{
    if (!strcmp(name, "data"))
        return field_append(&e->data, value, n) || field_append(&e->data, "\n", 1) ? -1 : 0;
    if (!strcmp(name, "event")) {
        free(e->kind);
        e->kind = text_copy(value);
    } else if (!strcmp(name, "id") && !memchr(value, '\0', n)) {
        free(e->id);
        e->id = text_copy(value);
    } else if (*name && strcmp(name, "id") != 0 && strcmp(name, "retry") != 0) {
        return ++e->nonsense > EVENTS_NONSENSE_MAX ? -1 : 0;
    }
    e->n_lines++;
    return 0;
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
    return take_field(e, line, value, (size_t)(line + size - value));
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
    bool broken; /* what came is no stream of events that we know */
    int empty;   /* streams in a row with nothing in them */
};

static int on_bytes(void *userdata, const char *bytes, size_t n)
{
    struct following *f = userdata;
    f->follower->on_connection(f->follower->userdata, NULL);
    int r = events_feed(f->parser, bytes, n);
    f->broken = r < 0;
    return r;
}

/* What one connection came to. True where the following is over, with its exit code. */
static bool judge(struct server *s, struct following *f, const struct reply *r, int *ret_code)
{
    *ret_code = API_EXIT_UNREACHABLE;
    if (f->broken) {
        text_complain("%s sent events that make no sense", s->address);
    } else if (r->aborted || r->status == 204) {
        /* 204: the last event is one that we have (WHATWG HTML, section 9.2.3). */
        *ret_code = API_EXIT_OK;
    } else if (r->code && !r->again) {
        text_complain("%s", r->reason);
        *ret_code = r->code;
    } else if (f->empty == EVENTS_EMPTY_MAX) {
        text_complain("%s ends each stream of events before the first one", s->address);
    } else {
        f->follower->on_connection(f->follower->userdata,
                                   r->reason ? r->reason : "the stream of events ended");
        return false;
    }
    return true;
}

/* One connection. */
static bool read_stream(struct server *s, const char *path, struct following *f,
                        struct backoff *backoff, int *ret_code)
{
    struct reply r;
    struct request request = {.method = "GET",
                              .path = path,
                              .last_event_id = events_last_id(f->parser),
                              .sink = on_bytes,
                              .sink_userdata = f,
                              .watch = f->follower->watch};
    size_t before = f->parser->n_lines;
    events_restart(f->parser);
    request_send(s, &request, &r);
    bool came = f->parser->n_lines > before;
    if (came)
        backoff_reset(backoff);
    f->empty = came || !r.opened ? 0 : f->empty + 1;
    bool over = judge(s, f, &r, ret_code);
    reply_clear(&r);
    return over;
}

int events_follow(struct server *s, const char *path, const struct events_follower *follower,
                  char **last_id)
{
    struct following f = {.parser = events_new(follower->on_event, follower->userdata),
                          .follower = follower};
    struct backoff backoff = {0};
    int code = API_EXIT_OK;
    f.parser->last_id = text_copy(*last_id);
    while (!read_stream(s, path, &f, &backoff, &code)) {
        code = API_EXIT_OK;
        if (backoff_wait(&backoff, follower->watch))
            break;
    }
    free(*last_id);
    *last_id = text_copy(events_last_id(f.parser));
    events_free(f.parser);
    return code;
}

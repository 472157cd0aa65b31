/* SPDX-License-Identifier: Apache-2.0 */
#include "client/request.h"

#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONNECT_TIMEOUT = 10,  /* seconds */
    ANSWER_LONGEST = 3600, /* seconds in which an answer that is no stream is there */
    BODY_MAX = 64 << 20,   /* bytes of an answer */
    HEAD_MAX = 1 << 20,    /* bytes of its headers */
};

struct transfer {
    const struct request *request;
    struct reply *reply;
    CURL *easy;
    size_t head; /* bytes of headers so far */
    curl_off_t moved;
    int64_t heard; /* when `moved` last grew */
};

int64_t request_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int append(struct reply *r, const char *bytes, size_t n)
{
    if (n > BODY_MAX - r->size)
        return -1;
    if (r->size + n >= r->room) {
        r->room = 2 * (r->size + n + 1);
        r->body = text_need(realloc(r->body, r->room));
    }
    memcpy(r->body + r->size, bytes, n);
    r->size += n;
    r->body[r->size] = '\0';
    return 0;
}

static size_t on_header(char *bytes, size_t one, size_t n, void *userdata)
{
    struct transfer *t = userdata;
    (void)bytes;
    t->head += one * n;
    return t->head > HEAD_MAX ? 0 : one * n;
}

/* What was asked for as a stream of events and came with status 200 is one. */
static bool is_stream(const struct transfer *t)
{
    const char *type = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    return type && !strncasecmp(type, API_EVENT_STREAM, strlen(API_EVENT_STREAM));
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *userdata)
{
    struct transfer *t = userdata;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    n *= one;
    if (!t->request->sink || status != 200)
        return append(t->reply, bytes, n) ? 0 : n;
    t->reply->no_stream = !is_stream(t);
    if (t->reply->no_stream)
        return 0;
    if (t->request->sink(t->request->sink_userdata, bytes, n)) {
        t->reply->aborted = true;
        return 0;
    }
    return n;
}

static size_t on_read(char *bytes, size_t one, size_t n, void *userdata)
{
    FILE *f = userdata;
    size_t got = fread(bytes, 1, one * n, f);
    return got || !ferror(f) ? got : CURL_READFUNC_ABORT;
}

static int on_seek(void *userdata, curl_off_t offset, int origin)
{
    FILE *f = userdata;
    return fseeko(f, offset, origin) ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value)
{
    char *line = text_printf("%s: %s", name, value);
    list = text_need(curl_slist_append(list, line));
    free(line);
    return list;
}

static struct curl_slist *headers_of(const struct server *s, const struct request *r)
{
    struct curl_slist *list = NULL;
    if (s->token) {
        char *bearer = text_printf("%s%s", API_BEARER, s->token);
        list = header(list, "Authorization", bearer);
        free(bearer);
    }
    list = header(list, "Accept", r->sink ? API_EVENT_STREAM : API_JSON ", " API_PROBLEM_JSON);
    if (r->content_type)
        list = header(list, "Content-Type", r->content_type);
    if (r->idempotency_key)
        list = header(list, API_IDEMPOTENCY_KEY, r->idempotency_key);
    if (r->last_event_id)
        list = header(list, API_LAST_EVENT_ID, r->last_event_id);
    return list;
}

static void set_body(CURL *c, const struct request *r)
{
    if (!strcmp(r->method, "DELETE"))
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    if (strcmp(r->method, "POST") != 0)
        return;
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->size);
    if (r->file) {
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, r->file);
        curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(c, CURLOPT_SEEKDATA, r->file);
    } else {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    }
}

static void set_up(struct server *s, const struct request *r, struct transfer *t, char *url,
                   struct curl_slist *headers, char *words)
{
    CURL *c = s->easy;
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
    /* The token goes to the daemon only: no proxy from the environment, no redirect. */
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT);
    if (!r->sink && !r->file)
        curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)ANSWER_LONGEST);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (s->socket)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, s->socket);
    server_guard(s);
    set_body(c, r);
}

/* Neither side has said a byte for the server's timeout. A comment of an event stream is a word. */
static bool is_silent(struct server *s, struct transfer *t)
{
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_off_t moved = up + down + (curl_off_t)t->head;
    int64_t now = request_now();
    if (moved != t->moved)
        t->heard = now;
    t->moved = moved;
    return now - t->heard >= (int64_t)s->timeout * 1000;
}

/* Runs the transfer to its end, or until the watch or silence ends it. */
static CURLcode perform(struct server *s, struct transfer *t)
{
    const struct request_watch *w = t->request->watch;
    struct reply *reply = t->reply;
    t->heard = request_now();
    for (;;) {
        int running, left;
        if (curl_multi_perform(s->multi, &running))
            return CURLE_FAILED_INIT;
        CURLMsg *m = curl_multi_info_read(s->multi, &left);
        if (m && m->msg == CURLMSG_DONE)
            return m->data.result;
        struct curl_waitfd extra = {.fd = w ? w->fd : -1, .events = CURL_WAIT_POLLIN};
        if (is_silent(s, t)) {
            reply->silent = true;
            return CURLE_OPERATION_TIMEDOUT;
        }
        curl_multi_poll(s->multi, &extra, extra.fd >= 0, REQUEST_WATCH_INTERVAL, NULL);
        if (w && w->fn(w->userdata, extra.revents & CURL_WAIT_POLLIN)) {
            reply->aborted = true;
            return CURLE_ABORTED_BY_CALLBACK;
        }
    }
}

int request_send(struct server *s, const struct request *r, struct reply *ret_reply)
{
    struct reply reply = {0};
    struct transfer t = {.request = r, .reply = &reply, .easy = s->easy};
    char words[CURL_ERROR_SIZE] = "";
    char *url = text_printf("%s%s", s->base, r->path);
    struct curl_slist *headers = headers_of(s, r);
    set_up(s, r, &t, url, headers, words);
    if (curl_multi_add_handle(s->multi, s->easy))
        abort();
    CURLcode result = perform(s, &t);
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &reply.status);
    reply.opened = r->sink && reply.status == 200;
    if (result == CURLE_OK && reply.opened && !is_stream(&t)) {
        reply.no_stream = true;
        result = CURLE_WRITE_ERROR;
    }
    if (result == CURLE_OK)
        reply_judge(s, r->shape, &reply);
    else
        reply_judge_failure(s, result, words, &reply);
    curl_multi_remove_handle(s->multi, s->easy);
    curl_slist_free_all(headers);
    free(url);
    *ret_reply = reply;
    return reply.code;
}

int request_or_complain(struct server *s, const struct request *r, struct reply *ret_reply)
{
    int code = request_send(s, r, ret_reply);
    if (code)
        text_complain("%s", ret_reply->reason);
    return code;
}

int request_get(struct server *s, const char *path, const struct answer_shape *shape,
                json_t **ret_json)
{
    struct reply r;
    struct request request = {.method = "GET", .path = path, .shape = shape};
    int code = request_or_complain(s, &request, &r);
    if (!code)
        *ret_json = json_incref(r.json);
    reply_clear(&r);
    return code;
}

int request_get_part(struct server *s, const char *base, const char *part,
                     const struct answer_shape *shape, json_t **ret_json)
{
    char *encoded = text_url(part);
    char *path = text_printf("%s/%s", base, encoded);
    int code = request_get(s, path, shape, ret_json);
    free(path);
    free(encoded);
    return code;
}

int request_print(struct server *s, const struct request *r)
{
    struct reply reply;
    int code = request_or_complain(s, r, &reply);
    reply_print(&reply);
    reply_clear(&reply);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/request.h"

#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT = 10, /* seconds */
    ANSWER_TIMEOUT = 300, /* of silence, before an answer */
    STREAM_SILENCE = 60,  /* the daemon sends a comment every 15 s */
    WATCH_INTERVAL = 500, /* milliseconds */
    BODY_MAX = 256 << 20, /* bytes of an answer */
};

struct transfer {
    const struct request *request;
    struct reply *reply;
    CURL *easy;
};

static int append(struct reply *r, const char *bytes, size_t n)
{
    if (n > BODY_MAX - r->size)
        return -1;
    char *grown = realloc(r->body, r->size + n + 1);
    if (!grown)
        return -1;
    r->body = grown;
    memcpy(grown + r->size, bytes, n);
    r->size += n;
    grown[r->size] = '\0';
    return 0;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *userdata)
{
    struct transfer *t = userdata;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    n *= one;
    if (!t->request->sink || status != 200)
        return append(t->reply, bytes, n) ? 0 : n;
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
    list = curl_slist_append(list, line);
    if (!list)
        abort();
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
    if (!strcmp(r->method, "GET"))
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
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(r->sink ? STREAM_SILENCE : ANSWER_TIMEOUT));
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (s->socket)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, s->socket);
    set_body(c, r);
}

/* Runs the transfer to its end, or until the watch ends it. */
static CURLcode perform(struct server *s, const struct request *r, struct reply *reply)
{
    const struct request_watch *w = r->watch;
    for (;;) {
        int running, left;
        if (curl_multi_perform(s->multi, &running))
            return CURLE_FAILED_INIT;
        CURLMsg *m = curl_multi_info_read(s->multi, &left);
        if (m && m->msg == CURLMSG_DONE)
            return m->data.result;
        struct curl_waitfd extra = {.fd = w ? w->fd : -1, .events = CURL_WAIT_POLLIN};
        curl_multi_poll(s->multi, &extra, extra.fd >= 0, WATCH_INTERVAL, NULL);
        if (w && w->fn(w->userdata, extra.revents & CURL_WAIT_POLLIN)) {
            reply->aborted = true;
            return CURLE_ABORTED_BY_CALLBACK;
        }
    }
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A problem document in words: "refused: DETAIL (at POINTER)". */
static char *problem_words(const struct server *s, const struct reply *r)
{
    const char *detail = string_of(r->json, "detail"), *title = string_of(r->json, "title");
    const char *pointer = string_of(r->json, "pointer");
    const char *what = r->status >= 500                ? "the daemon failed"
                       : r->code == API_EXIT_FORBIDDEN ? "not allowed"
                                                       : "refused";
    if (!detail)
        detail = title;
    if (!detail)
        return text_printf("%s: %s answered with HTTP status %ld", what, s->address, r->status);
    return text_printf("%s: %s%s%s%s", what, detail, pointer && *pointer ? " (at " : "",
                       pointer && *pointer ? pointer : "", pointer && *pointer ? ")" : "");
}

static void judge_status(const struct server *s, struct reply *r)
{
    r->code = r->status >= 200 && r->status < 300    ? API_EXIT_OK
              : r->status == 401 || r->status == 403 ? API_EXIT_FORBIDDEN
              : r->status >= 400 && r->status < 500  ? API_EXIT_USAGE
                                                     : API_EXIT_UNREACHABLE;
    r->again = r->code == API_EXIT_UNREACHABLE;
    if (r->code != API_EXIT_OK)
        r->reason = problem_words(s, r);
}

static void judge_failure(const struct server *s, const struct request *request, CURLcode result,
                          const char *words, struct reply *r)
{
    r->status = 0;
    r->code = API_EXIT_UNREACHABLE;
    if (result == CURLE_ABORTED_BY_CALLBACK && request->file && !r->aborted) {
        r->code = API_EXIT_USAGE;
        r->reason = text_copy("cannot read the file to be uploaded");
        return;
    }
    if (result == CURLE_WRITE_ERROR && !r->aborted) {
        r->reason = text_printf("%s sent more than this program takes", s->address);
        return;
    }
    r->unanswered = result != CURLE_COULDNT_CONNECT && result != CURLE_COULDNT_RESOLVE_HOST;
    r->again = result != CURLE_URL_MALFORMAT && result != CURLE_UNSUPPORTED_PROTOCOL;
    long number = 0;
    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &number);
    if (result == CURLE_COULDNT_CONNECT && number)
        words = strerror((int)number); /* libcurl's words name a port, also for a socket */
    r->reason = text_printf("cannot reach the daemon at %s: %s", s->address,
                            *words ? words : curl_easy_strerror(result));
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
    CURLcode result = perform(s, r, &reply);
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &reply.status);
    if (result == CURLE_OK) {
        if (reply.body)
            reply.json = json_loadb(reply.body, reply.size, JSON_DECODE_ANY, NULL);
        judge_status(s, &reply);
    } else {
        judge_failure(s, r, result, words, &reply);
    }
    curl_multi_remove_handle(s->multi, s->easy);
    curl_slist_free_all(headers);
    free(url);
    *ret_reply = reply;
    return reply.code;
}

void reply_clear(struct reply *r)
{
    free(r->body);
    free(r->reason);
    json_decref(r->json);
    *r = (struct reply){0};
}

int request_or_complain(struct server *s, const struct request *r, struct reply *ret_reply)
{
    int code = request_send(s, r, ret_reply);
    if (code)
        text_complain("%s", ret_reply->reason);
    return code;
}

int request_get(struct server *s, const char *path, json_t **ret_json)
{
    struct reply r;
    int code = request_or_complain(s, &(struct request){.method = "GET", .path = path}, &r);
    if (!code && !r.json) {
        text_complain("%s answered with something that is no JSON", s->address);
        code = API_EXIT_UNREACHABLE;
    }
    if (!code)
        *ret_json = json_incref(r.json);
    reply_clear(&r);
    return code;
}

int request_get_part(struct server *s, const char *base, const char *part, json_t **ret_json)
{
    char *encoded = text_url(part);
    char *path = text_printf("%s/%s", base, encoded);
    int code = request_get(s, path, ret_json);
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

void reply_print(const struct reply *r)
{
    if (!r->size)
        return;
    fwrite(r->body, 1, r->size, stdout);
    if (r->body[r->size - 1] != '\n')
        putchar('\n');
}

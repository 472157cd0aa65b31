/* SPDX-License-Identifier: Apache-2.0 */
#include "http/body.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 * 1024, SHORT = 16 * 1024 };

size_t body_limit(const struct request *r)
{
    const struct body_sink *sink = r->route->body;
    return sink->bytes + sink->times * r->http->options.max_body;
}

/* ---- JSON ---- */

static bool reserve(struct body_text *b, size_t size)
{
    size_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
    while (capacity < size)
        capacity *= 2;
    if (capacity == b->capacity)
        return true;
    size_t more = capacity - b->capacity;
    if (more > b->http->body_budget - b->http->body_bytes)
        return false;
    char *text = realloc(b->text, capacity);
    if (!text)
        return false;
    b->text = text;
    b->capacity = capacity;
    b->http->body_bytes += more;
    return true;
}

static int take(struct request *r, const char *data, size_t n, struct error *e)
{
    struct body_text *b = r->body;
    if (!b) {
        r->body = b = mem_new(sizeof *b);
        b->http = r->http;
    }
    if (!reserve(b, b->size + n))
        return error_set(e, PROBLEM_BUSY, NULL, "too many large bodies at once");
    memcpy(b->text + b->size, data, n);
    b->size += n;
    return 0;
}

struct body_text *body_text_free(struct body_text *b)
{
    if (!b)
        return NULL;
    b->http->body_bytes -= b->capacity;
    free(b->text);
    free(b);
    return NULL;
}

static void drop(struct request *r)
{
    r->body = body_text_free(r->body);
}

struct body_text *body_text_take(struct request *r)
{
    struct body_text *b = r->body;
    r->body = NULL;
    return b;
}

int body_text_parse(const struct body_text *b, json_t **ret_body, struct error *e)
{
    if (!b)
        return error_set(e, PROBLEM_SYNTAX, NULL,
                         "the body is empty: it should be a JSON document");
    json_t *body = json_read(b->text, b->size, e);
    if (!body)
        return PROBLEM_SYNTAX;
    *ret_body = body;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The end of what begins at `from`: blanks, or what stands between blanks. */
static size_t end_of_run(const struct body_text *b, size_t from, bool *in_string)
{
    bool blank = !*in_string && is_blank(b->text[from]);
    size_t at = from;
    for (; at < b->size && (*in_string || is_blank(b->text[at]) == blank); at++) {
        if (*in_string && b->text[at] == '\\')
            at++;
        else if (b->text[at] == '"')
            *in_string = !*in_string;
    }
    return at < b->size ? at : b->size;
}

void body_text_hash(const struct body_text *b, char ret[HASH_TEXT_SIZE])
{
    struct hash *h = hash_new();
    bool in_string = false;
    for (size_t at = 0, end; at < b->size; at = end) {
        bool blank = !in_string && is_blank(b->text[at]);
        end = end_of_run(b, at, &in_string);
        if (!blank)
            hash_add(h, b->text + at, end - at);
    }
    hash_end(h, ret);
    hash_free(h);
}

const struct body_sink body_none = {0};
const struct body_sink body_json = {.times = 1, .is_json = true, .take = take, .drop = drop};
const struct body_sink body_short = {.bytes = SHORT, .is_json = true, .take = take, .drop = drop};

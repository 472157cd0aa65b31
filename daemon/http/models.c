/* SPDX-License-Identifier: Apache-2.0 */
#include "http/models.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/answers.h"
#include "http/body.h"
#include "http/page.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/work.h"
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 100
enum { LIGHT = 16 * 1024 }; /* bodies and definitions up to this size are built at once */

static bool is_hash(const char *name)
{
    return strlen(name) == HASH_TEXT_SIZE - 1 && strspn(name, "0123456789abcdef") == strlen(name);
}

static bool name_ok(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t n = strlen(name);
    return n >= 1 && n <= MAX_NAME && strspn(name, letters) == n && name[0] != '.' &&
           name[0] != '-' && !is_hash(name);
}

int models_problem(const struct http *h, int problem, struct error *e)
{
    bool (*known)(void *) = h->options.libraries_known;
    if (problem <= 0 || !known || known(h->options.userdata))
        return problem;
    struct error why = *e;
    return error_set(e, PROBLEM_BUSY, NULL, "process libraries are still being described: %.900s",
                     why.message);
}

int models_result(const struct http *h, int r, struct error *e)
{
    return models_problem(h, problem_of_model(r), e);
}

/* ---- GET /v1/models ---- */

int models_list(struct request *r, struct error *e)
{
    int limit;
    size_t i;
    json_t *models, *model;
    int result = request_limit(r, &limit, e);
    if (result == 0)
        result = problem_of_queue(
            queue_models(r->http->queue, request_query(r, "after"), limit, &models, e));
    if (result != 0)
        return result;
    struct page page;
    page_begin(&page, "models", limit);
    json_array_foreach(models, i, model)
    {
        json_object_set_new(model, "created", json_time(json_member_integer(model, "created", 0)));
        json_t *next = json_incref(json_object_get(model, "name"));
        if (!page_add(&page, json_incref(model), next))
            break;
    }
    json_decref(models);
    page_reply(r, &page);
    return 0;
}

/* ---- a model that is being built: what is done aside, and what it needs and gives ---- */

struct making {
    const struct registry *registry; /* a reference */
    const char *texts;               /* directory */
    struct body_text *body;          /* POST: the model, or changes of a stored one */
    json_t *given;
    char *base;             /* GET: the name; POST: of the model that is changed, or NULL */
    struct queue_text text; /* its definition */
    char *stored;           /* its hash */
    /* ready: */
    bool is_invalid; /* GET: a library has gone or changed since */
    char *name, *shown, *definition;
    char hash[HASH_TEXT_SIZE];
    json_t *libraries;
};

static struct making *making_new(struct request *r)
{
    struct making *m = mem_new(sizeof *m);
    m->registry = registry_ref(r->http->registry);
    m->texts = r->http->options.texts;
    return m;
}

static void making_free(struct making *m)
{
    registry_unref(m->registry);
    body_text_free(m->body);
    json_decref(m->given);
    free(m->base);
    queue_text_clear(&m->text);
    free(m->stored);
    free(m->name);
    free(m->shown);
    free(m->definition);
    json_decref(m->libraries);
    free(m);
}

static bool is_long(const struct queue_text *t)
{
    return t->path || (t->text && strlen(t->text) > LIGHT);
}

static int read_stored(const struct making *m, json_t **ret_definition, struct error *e)
{
    char *text;
    int r = queue_text_read(&m->text, &text, e);
    if (r != 0)
        return r < 0 ? r : -EIO;
    json_t *definition = json_read(text, strlen(text), e);
    free(text);
    if (!definition)
        return error_set(e, -EIO, NULL, "the stored model \"%.100s\" is damaged", m->base);
    *ret_definition = definition;
    return 0;
}

/* ---- GET /v1/models/{model} ---- */

/* The definition still stands. */
static char *show_invalid(const struct making *m, json_t *definition, const struct error *e)
{
    json_t *body = json_pack("{s:s, s:s?, s:O, s:s}", "hash", m->stored, "name", m->name,
                             "definition", definition, "invalid", "");
    json_t *why = problem_document(PROBLEM_INVALID, e->message, e->pointer, NULL);
    json_object_set(body, "invalid", json_object_get(why, "detail"));
    char *text = json_show(body);
    json_decref(why);
    json_decref(body);
    return text;
}

static int show(void *making, struct error *e)
{
    struct making *m = making;
    json_t *definition;
    struct model *model = NULL;
    int r = read_stored(m, &definition, e);
    if (r != 0)
        return r;
    r = model_new(m->registry, definition, &model, e);
    if (r == 0)
        m->shown = model_show(model, m->name);
    else if (r > 0)
        m->shown = show_invalid(m, definition, e);
    model_free(model);
    json_decref(definition);
    return r < 0 ? r : 0;
}

/* The same model by another name is another answer. */
static char *key_of(const struct making *m)
{
    return mem_printf("%s/%s", m->stored, m->name ? m->name : "");
}

static bool is_shown(struct request *r, void *making)
{
    char *key = key_of(making);
    struct answer *answer = answers_find(&r->http->answers, key);
    free(key);
    if (answer)
        reply_shared(r, MHD_HTTP_OK, answer);
    return answer != NULL;
}

/* What is large is kept for the next who asks, unless libraries have changed meanwhile. */
static void keep_shown(struct request *r, struct making *m)
{
    size_t n = strlen(m->shown);
    char *key = key_of(m);
    struct answer *answer = NULL;
    if (n >= ANSWERS_LARGE && m->registry == r->http->registry)
        answer = answers_add_text(&r->http->answers, key, m->shown, n, API_JSON);
    free(key);
    if (answer)
        reply_shared(r, MHD_HTTP_OK, answer);
    else
        reply_text(r, MHD_HTTP_OK, API_JSON, m->shown);
    m->shown = NULL;
}

static int shown(struct request *r, void *making, int result, struct error *e)
{
    (void)e;
    struct making *m = making;
    if (result == 0 && m->shown)
        keep_shown(r, m);
    making_free(m);
    return result;
}

int models_show(struct request *r, struct error *e)
{
    static const struct work_kind showing = {
        .is_heavy = true, .work = show, .done = shown, .is_needless = is_shown};
    struct making *m = making_new(r);
    m->base = mem_strdup(r->parameters[0]);
    int result = problem_of_queue(queue_model(r->http->queue, m->base, &m->text, &m->stored, e));
    if (result == 0 && strcmp(m->base, m->stored) != 0)
        m->name = mem_strdup(m->base);
    if (result == 0 && is_long(&m->text) && !is_shown(r, m)) {
        result = work_aside(r, &showing, m, false, e);
        if (result != 0)
            making_free(m);
        return result;
    }
    if (result == 0 && !r->response)
        result = show(m, e);
    return shown(r, m, result, e);
}

/* ---- POST /v1/models ---- */

/* The body without its name, or its base with the changes. */
static int definition_of(const struct making *m, json_t **ret_definition, struct error *e)
{
    json_t *changes = json_copy(m->given), *stored;
    json_object_del(changes, "name");
    json_object_del(changes, "base");
    if (!m->base) {
        *ret_definition = changes;
        return 0;
    }
    int r = read_stored(m, &stored, e);
    if (r == 0) {
        r = model_update(stored, changes, ret_definition, e);
        json_decref(stored);
    }
    json_decref(changes);
    return r;
}

static int keep_definition(struct making *m, const struct model *model, struct error *e)
{
    char *text = json_write(model->definition);
    size_t n = strlen(text);
    int r = 0;
    memcpy(m->hash, model->hash, sizeof m->hash);
    if (n <= QUEUE_TEXT_MAX) {
        m->definition = text;
        return 0;
    }
    r = queue_text_write(m->texts, text, n, m->hash, e);
    free(text);
    return r;
}

/* enum model_result */
static int build(void *making, struct error *e)
{
    struct making *m = making;
    json_t *definition = NULL;
    struct model *model = NULL;
    int r = definition_of(m, &definition, e);
    if (r == 0) {
        r = model_new(m->registry, definition, &model, e);
        if (r > 0 && m->base)
            model_update_locate(m->given, e);
    }
    if (r == 0)
        r = keep_definition(m, model, e);
    if (r == 0) {
        m->shown = model_show(model, m->name);
        m->libraries = model_libraries(model);
    }
    model_free(model);
    json_decref(definition);
    json_decref(m->given);
    m->given = NULL;
    return r;
}

static int add(struct request *r, struct making *m, struct error *e)
{
    struct queue *q = r->http->queue;
    int result = queue_add_model(q, m->name, m->hash, m->definition, e);
    if (result == 0 && m->name)
        result = queue_pin_model(q, m->hash, m->libraries, e);
    if (result != 0)
        return problem_of_queue(result);
    reply_text(r, MHD_HTTP_CREATED, API_JSON, m->shown);
    m->shown = NULL;
    if (r->status == MHD_HTTP_CREATED)
        reply_header(r, MHD_HTTP_HEADER_LOCATION, API_MODELS "/%s", m->hash);
    return 0;
}

static int built(struct request *r, void *making, int result, struct error *e)
{
    struct making *m = making;
    result = models_result(r->http, result, e);
    if (result == 0)
        result = add(r, m, e);
    making_free(m);
    return result;
}

static int check(struct making *m, struct error *e)
{
    static const char *const keys[] = {"name", "base", "processes", "after", "given", NULL};
    if (!json_is_object(m->given))
        return error_set(e, PROBLEM_INVALID, "",
                         "a model is an object: {\"name\": …, \"processes\": {…}}");
    int r = problem_of_base(json_check_keys(m->given, keys, "", e));
    const json_t *name = json_object_get(m->given, "name");
    if (r == 0 && name && !json_is_null(name) &&
        (!json_is_string(name) || !name_ok(json_string_value(name))))
        r = error_set(e, PROBLEM_INVALID, "/name",
                      "should be 1 to %d letters, digits, \"_\", \".\" or \"-\", not beginning "
                      "with \".\" or \"-\", and no hash",
                      MAX_NAME);
    const json_t *base = json_object_get(m->given, "base");
    if (r == 0 && base && !json_is_string(base))
        r = error_set(e, PROBLEM_INVALID, "/base", "should be the name or hash of a stored model");
    if (r != 0)
        return r;
    m->name = mem_strdup(json_string_value(name));
    m->base = mem_strdup(json_string_value(base));
    return 0;
}

static int parse(void *making, struct error *e)
{
    struct making *m = making;
    int r = body_text_parse(m->body, &m->given, e);
    return r == 0 ? check(m, e) : r;
}

/* What it is made from is part of the document, not the resource. */
static int fetch(struct request *r, struct making *m, struct error *e)
{
    if (!m->base)
        return 0;
    int result = queue_model(r->http->queue, m->base, &m->text, &m->stored, e);
    if (result == QUEUE_NO_SUCH)
        return error_set(e, PROBLEM_INVALID, "/base", "there is no model \"%.100s\"", m->base);
    return problem_of_queue(result);
}

static int parsed(struct request *r, void *making, int result, struct error *e)
{
    static const struct work_kind building = {.is_heavy = true, .work = build, .done = built};
    struct making *m = making;
    bool is_light = !m->body || m->body->size <= LIGHT;
    if (result == 0)
        result = fetch(r, m, e);
    if (result == 0 && is_light && !is_long(&m->text))
        return built(r, m, build(m, e), e);
    if (result == 0)
        result = work_aside(r, &building, m, !is_light, e);
    if (result != 0)
        making_free(m);
    return result;
}

int models_create(struct request *r, struct error *e)
{
    static const struct work_kind parsing = {.is_heavy = true, .work = parse, .done = parsed};
    struct making *m = making_new(r);
    m->body = body_text_take(r);
    if (!m->body || m->body->size <= LIGHT)
        return parsed(r, m, parse(m, e), e);
    int result = work_aside(r, &parsing, m, false, e);
    if (result != 0)
        making_free(m);
    return result;
}

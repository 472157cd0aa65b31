/* SPDX-License-Identifier: Apache-2.0 */
#include "http/models.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/request.h"
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 100

int models_definition(struct http *h, const char *name, json_t **ret_definition, char **ret_hash,
                      struct error *e)
{
    struct queue_text place;
    char *text, *hash;
    int r = queue_model(h->queue, name, &place, &hash, e);
    if (r != 0)
        return problem_of_queue(r);
    r = queue_text_read(&place, &text, e);
    queue_text_clear(&place);
    if (r != 0) {
        free(hash);
        return problem_of_queue(r);
    }
    json_t *definition = json_read(text, strlen(text), e);
    free(text);
    if (!definition)
        free(hash);
    if (!definition)
        return error_set(e, -EIO, NULL, "the stored model \"%.100s\" is damaged", name);
    *ret_definition = definition;
    if (ret_hash)
        *ret_hash = hash;
    else
        free(hash);
    return 0;
}

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

int models_result(const struct http *h, int r, struct error *e)
{
    bool (*known)(void *) = h->options.libraries_known;
    if (r <= 0 || !known || known(h->options.userdata))
        return problem_of_model(r);
    struct error why = *e;
    return error_set(e, PROBLEM_BUSY, NULL, "process libraries are still being described: %.900s",
                     why.message);
}

/* ---- GET ---- */

int models_list(struct request *r, struct error *e)
{
    int limit;
    size_t i;
    json_t *page, *model;
    int result = request_limit(r, &limit, e);
    if (result == 0)
        result = problem_of_queue(
            queue_models(r->http->queue, request_query(r, "after"), limit, &page, e));
    if (result != 0)
        return result;
    json_array_foreach(page, i, model)
        json_object_set_new(model, "created", json_time(json_member_integer(model, "created", 0)));
    json_t *body = json_pack("{s:o}", "models", page);
    size_t n = json_array_size(page);
    if (n == (size_t)limit)
        json_object_set(body, "next", json_object_get(json_array_get(page, n - 1), "name"));
    request_reply(r, MHD_HTTP_OK, body);
    return 0;
}

/* model_to_json's document with hash, name and definition. */
static json_t *represent(const struct model *m, const char *name)
{
    json_t *body = model_to_json(m);
    json_object_set_new(body, "hash", json_string(m->hash));
    json_object_set_new(body, "name", name ? json_string(name) : json_null());
    json_object_set(body, "definition", m->definition);
    return body;
}

int models_show(struct request *r, struct error *e)
{
    const char *name = r->parameters[0];
    json_t *definition;
    char *hash;
    struct model *m;
    int result = models_definition(r->http, name, &definition, &hash, e);
    if (result != 0)
        return result;
    const char *shown = strcmp(name, hash) != 0 ? name : NULL;
    result = model_new(r->http->registry, definition, &m, e);
    if (result == 0) {
        request_reply(r, MHD_HTTP_OK, represent(m, shown));
        model_free(m);
    } else if (result > 0) {
        /* A library has gone or changed since: the definition still stands. */
        json_t *body = json_pack("{s:s, s:s?, s:O, s:s}", "hash", hash, "name", shown, "definition",
                                 definition, "invalid", "");
        json_t *why = problem_document(PROBLEM_INVALID, e->message, e->pointer, NULL);
        json_object_set(body, "invalid", json_object_get(why, "detail"));
        json_decref(why);
        request_reply(r, MHD_HTTP_OK, body);
        result = 0;
    }
    json_decref(definition);
    free(hash);
    return result;
}

/* ---- POST ---- */

/* The base with the changes. */
static int from_base(struct http *h, const json_t *body, json_t **ret_definition, struct error *e)
{
    const char *base = json_member_string(body, "base");
    json_t *definition;
    if (!base)
        return error_set(e, PROBLEM_INVALID, "/base",
                         "should be the name or hash of a stored model");
    int r = models_definition(h, base, &definition, NULL, e);
    if (r != 0)
        return r == PROBLEM_NOT_FOUND
                   ? error_set(e, PROBLEM_INVALID, "/base", "there is no model \"%.100s\"", base)
                   : r;
    json_t *changes = json_copy((json_t *)body);
    json_object_del(changes, "name");
    json_object_del(changes, "base");
    r = problem_of_model(model_update(definition, changes, ret_definition, e));
    json_decref(changes);
    json_decref(definition);
    return r;
}

/* What model_new is to build: the body without its name, or its base with the changes. */
static int definition_of(struct http *h, const json_t *body, json_t **ret_definition,
                         struct error *e)
{
    static const char *const keys[] = {"name", "base", "processes", "after", NULL};
    if (!json_is_object(body))
        return error_set(e, PROBLEM_INVALID, "",
                         "a model is an object: {\"name\": …, \"processes\": {…}}");
    int r = problem_of_base(json_check_keys(body, keys, "", e));
    json_t *name = json_object_get(body, "name");
    if (r == 0 && name && !json_is_null(name) &&
        (!json_is_string(name) || !name_ok(json_string_value(name))))
        r = error_set(e, PROBLEM_INVALID, "/name",
                      "should be 1 to %d letters, digits, \"_\", \".\" or \"-\", not beginning "
                      "with \".\" or \"-\", and no hash",
                      MAX_NAME);
    if (r != 0)
        return r;
    if (json_object_get(body, "base"))
        return from_base(h, body, ret_definition, e);
    json_t *definition = json_copy((json_t *)body);
    json_object_del(definition, "name");
    *ret_definition = definition;
    return 0;
}

static int add(struct request *r, const struct model *m, const char *name, struct error *e)
{
    struct queue *q = r->http->queue;
    char *text = json_write(m->definition);
    json_t *libraries = model_libraries(m);
    int result = queue_add_model(q, name, m->hash, text, e);
    if (result == 0 && name)
        result = queue_pin_model(q, m->hash, libraries, e);
    json_decref(libraries);
    free(text);
    if (result != 0)
        return problem_of_queue(result);
    request_reply(r, MHD_HTTP_CREATED, represent(m, name));
    request_set_header(r, MHD_HTTP_HEADER_LOCATION, API_MODELS "/%s", m->hash);
    return 0;
}

int models_create(struct request *r, struct error *e)
{
    json_t *body, *definition = NULL;
    struct model *m = NULL;
    int result = request_json(r, &body, e);
    if (result != 0)
        return result;
    result = definition_of(r->http, body, &definition, e);
    if (result == 0) {
        result = models_result(r->http, model_new(r->http->registry, definition, &m, e), e);
        if (result > 0 && json_object_get(body, "base"))
            model_update_locate(body, e);
    }
    if (result == 0)
        result = add(r, m, json_member_string(body, "name"), e);
    model_free(m);
    json_decref(definition);
    json_decref(body);
    return result;
}

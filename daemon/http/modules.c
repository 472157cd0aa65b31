/* SPDX-License-Identifier: Apache-2.0 */
/* Modules in Python that clients push: http_options.push takes them, and `remove` takes them away.
 */
#include "base/json.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

struct pushing {
    struct http *http;
    struct work *work;
    struct body_text *body;
    json_t *module;
    json_t *answer;
    unsigned status; /* of the answer */
};

static void pushing_free(struct pushing *p)
{
    body_text_free(p->body);
    json_decref(p->module);
    json_decref(p->answer);
    free(p);
}

/* ---- GET /v1/modules ---- */

int modules_list(struct request *r, struct error *e)
{
    (void)e;
    const struct http_options *o = &r->http->options;
    json_t *list = o->modules ? o->modules(o->userdata) : json_array();
    reply_json(r, MHD_HTTP_OK,
               json_pack("{s:b, s:o}", "may_push", o->push != NULL, "modules", list));
    return 0;
}

/* ---- POST /v1/modules, DELETE /v1/modules/NAME ---- */

static int answer(struct request *r, void *pushing, int result, struct error *e)
{
    (void)e;
    struct pushing *p = pushing;
    if (result == 0)
        reply_json(r, p->status, json_incref(p->answer));
    pushing_free(p);
    return result;
}

static void pushed(void *pushing, int result, const json_t *answer, const struct error *e)
{
    struct pushing *p = pushing;
    p->answer = json_incref((json_t *)answer);
    work_end(p->work, p->http->options.push_problem(result), e);
}

static int parse(void *pushing, struct error *e)
{
    struct pushing *p = pushing;
    return body_text_parse(p->body, &p->module, e);
}

/* The module belongs to who takes it from then on. */
static int push(struct request *r, void *pushing, int result, struct error *e)
{
    static const struct work_kind taking = {.done = answer};
    struct pushing *p = pushing;
    const struct http_options *o = &r->http->options;
    p->body = body_text_free(p->body);
    if (result == 0)
        result = o->push_problem(o->push(o->userdata, p->module, pushed, p, e));
    if (result != 0) {
        pushing_free(p);
        return result;
    }
    json_decref(p->module);
    p->module = NULL;
    p->work = work_outside(r, &taking, p);
    return 0;
}

static int check_allowed(const struct request *r, struct error *e)
{
    if (r->http->options.push)
        return 0;
    return error_set(e, PROBLEM_FORBIDDEN, NULL,
                     "no modules are taken here: they are code, and simlabd runs without "
                     "--modules");
}

static struct pushing *pushing_new(struct request *r, unsigned status)
{
    struct pushing *p = mem_new(sizeof *p);
    p->http = r->http;
    p->status = status;
    return p;
}

int modules_push(struct request *r, struct error *e)
{
    static const struct work_kind reading = {.is_heavy = true, .work = parse, .done = push};
    if (check_allowed(r, e) != 0)
        return PROBLEM_FORBIDDEN;
    struct pushing *p = pushing_new(r, MHD_HTTP_CREATED);
    p->body = body_text_take(r);
    int result = work_aside(r, &reading, p, false, e);
    if (result != 0)
        pushing_free(p);
    return result;
}

/* "" : it is not there. */
static const char *hash_of(const json_t *modules, const char *name, const char *environment)
{
    size_t i;
    json_t *module;
    json_array_foreach((json_t *)modules, i, module)
    {
        if (!strcmp(json_member_string(module, "name"), name) &&
            !strcmp(json_member_string(module, "environment"), environment))
            return json_member_string(module, "sha256");
    }
    return "";
}

/* Copies stay while live jobs need them; but later an ended one could not be retried any more,
 * which nobody would see coming. */
static int check_unused(struct request *r, const char *name, const char *environment,
                        struct error *e)
{
    const struct http_options *o = &r->http->options;
    const char *force = request_query(r, "force");
    bool is_forced = force && strcmp(force, "0") != 0;
    json_t *modules = o->modules ? o->modules(o->userdata) : json_array();
    char *user = NULL;
    int result = problem_of_queue(queue_library_user(
        r->http->queue, hash_of(modules, name, environment), !is_forced, &user, e));
    json_decref(modules);
    if (result == 0 && user)
        result =
            error_set(e, PROBLEM_CONFLICT, NULL, "the module %.100s is in use: %.300s", name, user);
    free(user);
    return result;
}

int modules_remove(struct request *r, struct error *e)
{
    static const struct work_kind removing = {.done = answer};
    const struct http_options *o = &r->http->options;
    const char *name = r->parameters[0], *environment = request_query(r, "environment");
    environment = environment ? environment : "default";
    if (check_allowed(r, e) != 0)
        return PROBLEM_FORBIDDEN;
    int result = check_unused(r, name, environment, e);
    if (result != 0)
        return result;
    struct pushing *p = pushing_new(r, MHD_HTTP_OK);
    result = o->push_problem(o->remove(o->userdata, name, environment, pushed, p, e));
    if (result != 0)
        pushing_free(p);
    else
        p->work = work_outside(r, &removing, p);
    return result;
}

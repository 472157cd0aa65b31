/* SPDX-License-Identifier: Apache-2.0 */
/* Modules in Python that clients push: http_options.push takes them. */
#include "base/json.h"
#include "base/mem.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"

#include <stdlib.h>

struct pushing {
    struct http *http;
    struct work *work;
    struct body_text *body;
    json_t *module;
    json_t *answer;
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

/* ---- POST /v1/modules ---- */

static int answer(struct request *r, void *pushing, int result, struct error *e)
{
    (void)e;
    struct pushing *p = pushing;
    if (result == 0)
        reply_json(r, MHD_HTTP_CREATED, json_incref(p->answer));
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

int modules_push(struct request *r, struct error *e)
{
    static const struct work_kind reading = {.is_heavy = true, .work = parse, .done = push};
    if (!r->http->options.push)
        return error_set(e, PROBLEM_FORBIDDEN, NULL,
                         "no modules are taken here: they are code, and simlabd runs without "
                         "--modules");
    struct pushing *p = mem_new(sizeof *p);
    p->http = r->http;
    p->body = body_text_take(r);
    int result = work_aside(r, &reading, p, false, e);
    if (result != 0)
        pushing_free(p);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/drafting.h"

#include "http/models.h"
#include "http/problem.h"
#include "http/request.h"

static int fetch_and_build(struct request *r, struct draft *d, bool is_light, struct error *e);

static int finish(struct request *r, struct draft *d, int result, struct error *e)
{
    result = models_result(r->http, result, e);
    if (result == 0)
        result = d->then(r, d, e);
    draft_free(d);
    return result;
}

static int build_aside(void *draft, struct error *e)
{
    return draft_build(draft, false, e);
}

static int built(struct request *r, void *draft, int result, struct error *e)
{
    return finish(r, draft, result, e);
}

static int parse_aside(void *draft, struct error *e)
{
    return draft_parse(draft, e);
}

static int parsed(struct request *r, void *draft, int result, struct error *e)
{
    if (result == 0)
        return fetch_and_build(r, draft, false, e);
    draft_free(draft);
    return result;
}

static const struct work_kind parsing = {.is_heavy = true, .work = parse_aside, .done = parsed};
static const struct work_kind building = {.is_heavy = true, .work = build_aside, .done = built};

static int go_aside(struct request *r, const struct work_kind *kind, struct draft *d, bool goes_on,
                    struct error *e)
{
    int result = work_aside(r, kind, d, goes_on, e);
    if (result != 0)
        draft_free(d);
    return result;
}

static int fetch_and_build(struct request *r, struct draft *d, bool is_light, struct error *e)
{
    draft_fetch(d, r->http->queue);
    int result = is_light ? draft_build(d, true, e) : MODEL_LONG;
    if (result != MODEL_LONG)
        return finish(r, d, result, e);
    error_clear(e);
    return go_aside(r, &building, d, !is_light, e);
}

int drafting_begin(struct request *r, struct draft *d, drafting_fn then, struct error *e)
{
    d->then = then;
    if (d->body && d->body->size > DRAFT_LIGHT)
        return go_aside(r, &parsing, d, false, e);
    int result = draft_parse(d, e);
    if (result == 0)
        return fetch_and_build(r, d, true, e);
    draft_free(d);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/work.h"

#include "base/aside.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "http/request.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

struct work {
    struct request *request;
    const struct work_kind *kind;
    void *task;
    int result;
    struct error error;
    struct work *next;
};

/* ---- on a thread ---- */

static void run(void *work)
{
    struct work *w = work;
    w->result = w->kind->work(w->task, &w->error);
    if (w->kind->is_heavy)
        malloc_trim(0); /* the next may be far away */
}

/* ---- on the loop's ---- */

static void begin_next(struct http *h);

static void finish(struct work *w)
{
    struct request *r = w->request;
    r->is_aside = false;
    int result = w->kind->done(r, w->task, w->result, &w->error);
    exchange_go_on(r, result, &w->error);
    free(w);
}

static void on_done(void *work)
{
    struct work *w = work;
    struct http *h = w->request->http;
    h->work.n_aside--;
    if (w->kind->is_heavy)
        h->work.is_heavy = false;
    finish(w);
    begin_next(h);
}

static void begin(struct http *h, struct work *w)
{
    h->work.n_aside++;
    if (w->kind->is_heavy)
        h->work.is_heavy = true;
    aside_run(h->options.aside, run, on_done, w);
}

static void begin_next(struct http *h)
{
    struct work_line *l = &h->work;
    while (l->first && !l->is_heavy) {
        struct work *w = l->first;
        l->first = w->next;
        l->n--;
        if (w->kind->is_needless && w->kind->is_needless(w->request, w->task))
            finish(w);
        else
            begin(h, w);
    }
}

static void add(struct work_line *l, struct work *w)
{
    if (l->first)
        *l->end = w;
    else
        l->first = w;
    l->end = &w->next;
    l->n++;
}

int work_aside(struct request *r, const struct work_kind *kind, void *task, bool goes_on,
               struct error *e)
{
    struct http *h = r->http;
    if (kind->is_heavy && !goes_on && h->work.n >= WORK_WAITING)
        return error_set(e, PROBLEM_BUSY, NULL, "%u requests that take long wait already",
                         h->work.n);
    if (h->closing)
        return error_set(e, PROBLEM_BUSY, NULL, "the service is stopping");
    struct work *w = mem_new(sizeof *w);
    *w = (struct work){.request = r, .kind = kind, .task = task};
    r->is_aside = true;
    if (kind->is_heavy) {
        add(&h->work, w);
        begin_next(h);
    } else {
        begin(h, w);
    }
    return 0;
}

struct work *work_outside(struct request *r, const struct work_kind *kind, void *task)
{
    struct work_line *l = &r->http->work;
    struct work *w = mem_new(sizeof *w);
    *w = (struct work){.request = r, .kind = kind, .task = task, .next = l->outside};
    r->is_aside = true;
    l->outside = w;
    return w;
}

void work_end(struct work *w, int result, const struct error *e)
{
    struct work **at = &w->request->http->work.outside;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->result = result;
    if (e)
        w->error = *e;
    finish(w);
}

static void give_up_outside(struct http *h)
{
    const struct error stopping = {.message = "the service is stopping"};
    while (h->work.outside)
        work_end(h->work.outside, -ECANCELED, &stopping);
}

void work_stop(struct http *h)
{
    give_up_outside(h);
    while (h->work.first) {
        struct work *w = h->work.first;
        h->work.first = w->next;
        h->work.n--;
        w->result = error_set(&w->error, -ECANCELED, NULL, "the service is stopping");
        finish(w);
    }
    if (h->work.n_aside > 0)
        aside_finish(h->options.aside);
    mem_assert(h->work.n_aside == 0);
    give_up_outside(h); /* what has ended since may have been given to others */
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The REST interface over libmicrohttpd, in the daemon's loop.
 *
 * Invariants
 *  1. A request that changes something is answered only after queue_commit returned 0: its
 *     connection is suspended meanwhile, and resumed by http_flush.
 *  1a. No request holds the loop for long, or takes memory without a bound: what may is refused by
 *     arithmetic, or done aside (http/work.h); bodies, answers and connections have budgets.
 *  2. Every error is a problem document (RFC 9457), with `pointer` where the body is at fault.
 *  3. Whoever is not the socket's peer with the daemon's user (or root) shows the bearer token. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buffer.h"
#include "base/loop.h"
#include "model/job.h"
#include "queue/queue.h"

struct http_plan {
    const char *document;  /* of a job, as normalized */
    const char *libraries; /* JSON: job_pins */
    const char *from;      /* the store that it starts from, or NULL */
};
/* 0 and what simlab-worker plan has printed; or another result, with words. */
typedef void (*http_planned_fn)(void *task, int result, const struct buffer *text,
                                const struct error *e);
typedef void (*http_pushed_fn)(void *task, int result, const json_t *answer, const struct error *e);

struct http_options {
    const char *const
        *listen; /* "unix:PATH", "tcp:HOST:PORT" (0: any free port), NULL at the end */
    /* The same, left out with a warning where that is not to be had; NULL: none. */
    const char *const *listen_also;
    const char *listen_own; /* "unix:PATH", a socket that only our user can open; NULL: none */
    const char *token;
    const char *store_root;
    const char *uploads;
    const char *texts;        /* of the queue: directory of long texts */
    const char *checksums;    /* directory of JOB: of its store (store/checksums.h); NULL: none */
    size_t max_body;          /* bytes of a JSON body; uploads may be 16 times that */
    unsigned max_connections; /* descriptors that they may have; 0: it does not matter */
    struct aside *aside;      /* outlives it: for what takes long */
    /* Wired by main.c, so that http and dispatch never meet. Borrowed strings; new reference. */
    json_t *(*workers)(void *userdata);
    bool (*ready)(void *userdata, const char **ret_reason);
    void *userdata;
    /* Takes a module in Python that a client pushes, as long as it needs: 0, and `done` is called
     * once, on the loop's thread, with 0 and the answer (borrowed), or a result and its words;
     * never after http_free. Results are what push_problem makes those of handlers of. NULL:
     * clients may push none. */
    int (*push)(void *userdata, const json_t *module, http_pushed_fn done, void *task,
                struct error *e);
    int (*push_problem)(int result);
    /* Takes one away, likewise. */
    int (*remove)(void *userdata, const char *name, const char *environment, http_pushed_fn done,
                  void *task, struct error *e);
    /* Those that are there: a new list. */
    json_t *(*modules)(void *userdata);
    /* Makes a plan of a job, as long as it needs: 0, and `done` is called once, on the loop's
     * thread, also after http_free; else a result of handlers. stop_plan: it is not wanted any
     * more. NULL: none are made here. */
    int (*plan)(void *userdata, const struct http_plan *what, http_planned_fn done, void *task,
                void **ret_plan, struct error *e);
    void (*stop_plan)(void *plan);
    /* False while libraries are being described: what is not there may come. NULL: it is true. */
    bool (*libraries_known)(void *userdata);
};

struct http;
/* It has a reference to the registry. */
int http_new(struct loop *loop, struct queue *q, const struct registry *registry,
             const struct http_options *o, struct http **ret_http, struct error *e);
/* For requests from now on. */
void http_set_registry(struct http *h, const struct registry *registry);
/* Stops listening, answers 503 to what still waits, ends event streams. */
struct http *http_free(struct http *h);

/* Runs libmicrohttpd for what is due; returns when next due. Before the queue's commit. */
int64_t http_tick(struct http *h, int64_t now);
/* After the commit: answers this turn's requests (`failed`: NULL, or why the commit failed) and
 * feeds event streams. Requests that come in meanwhile may leave the queue dirty: they are answered
 * in the next turn, which is due at once. Returns when next due. */
int64_t http_flush(struct http *h, const struct error *failed);

/* "tcp:127.0.0.1:41234" as bound, for each listener; NULL at the end. Borrowed. */
const char *const *http_addresses(const struct http *h);

#endif

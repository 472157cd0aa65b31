/* SPDX-License-Identifier: Apache-2.0 */
/* Every interleaving of a small model of stage/rest.h's protocol: threads that put work where
 * others find it, search, sleep and wake each other, step by step as rest.c does. Tells where a
 * wake-up is lost: work is visible, somebody sleeps whom nobody is waking, and nobody is on the way
 * to look for work or to notify.
 *
 * That the model can tell is shown by leaving out steps of the protocol, one at a time: each must
 * lead to a lost wake-up.
 *
 * A state is small enough to be a number; states that were seen are kept in a table. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 3, WORK_MOST = 4 /* that is ever put */ };

/* Where a thread stands: what it does next. */
enum place {
    AT_WORK,          /* puts work, or has nothing to do any more */
    NOTIFY_SEARCHERS, /* rest_notify: looks whether somebody searches */
    NOTIFY_SLEEPERS,  /* whether somebody sleeps */
    NOTIFY_TAKE,      /* takes it out */
    WAKE_COUNT,       /* counts it among the searchers */
    WAKE_SET,         /* sets its word */
    SEARCH,           /* looks for work, or goes to sleep */
    FOUND,            /* rest_found: is no searcher any more */
    FOUND_MORE,       /* the last one: looks for more */
    SLEEP_ENTER,      /* rest_sleep: enters itself */
    SLEEP_LEAVE,      /* is no searcher any more */
    SLEEP_LOOK,       /* looks once more */
    SLEEP_TAKE,       /* takes itself out */
    SLEEP_COUNT,      /* is a searcher again */
    ASLEEP,           /* until its word is set */
    N_PLACES
};

struct state {
    uint8_t place[THREADS];
    uint8_t target[THREADS]; /* whom it takes out, wakes */
    uint8_t is_woken;        /* bit by thread, like the next */
    uint8_t sleepers;
    uint8_t n_searchers;
    uint8_t work; /* visible */
    uint8_t left; /* that may yet be put */
};

enum fault { NONE, NO_SECOND_LOOK, NO_FOUND_NOTIFY, LEAVES_BEFORE_ENTERING, N_FAULTS };

/* ---- states that were seen ---- */

struct seen {
    uint64_t *keys; /* plus 1; 0: free */
    size_t n, size;
};

static uint64_t key_of(const struct state *s)
{
    uint64_t k = 0;
    for (int i = 0; i < THREADS; i++)
        k = (k * N_PLACES + s->place[i]) * THREADS + s->target[i];
    k = k * 8 + s->is_woken;
    k = k * 8 + s->sleepers;
    k = k * 8 + s->n_searchers;
    k = k * (WORK_MOST + 1) + s->work;
    return k * (WORK_MOST + 1) + s->left + 1;
}

static bool put_key(struct seen *t, uint64_t key)
{
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (t->size - 1);
    while (t->keys[i] && t->keys[i] != key)
        i = (i + 1) & (t->size - 1);
    if (t->keys[i])
        return false;
    t->keys[i] = key;
    t->n++;
    return true;
}

/* ---- one step ---- */

struct exploring {
    enum fault fault;
    struct seen seen;
    struct state *pending;
    size_t n_pending, capacity;
    bool is_lost, is_stuck;
};

static void reach(struct exploring *x, const struct state *s)
{
    if (!put_key(&x->seen, key_of(s)))
        return;
    x->pending = mem_grow(x->pending, x->n_pending, &x->capacity, sizeof *x->pending);
    x->pending[x->n_pending++] = *s;
}

static void go(struct exploring *x, struct state s, int thread, enum place place)
{
    s.place[thread] = (uint8_t)place;
    reach(x, &s);
}

static void step_notify(struct exploring *x, struct state s, int i)
{
    uint8_t bit = (uint8_t)(1 << s.target[i]);
    switch (s.place[i]) {
    case NOTIFY_SEARCHERS:
        go(x, s, i, s.n_searchers ? AT_WORK : NOTIFY_SLEEPERS);
        break;
    case NOTIFY_SLEEPERS:
        if (!s.sleepers)
            go(x, s, i, AT_WORK);
        for (int t = 0; t < THREADS; t++)
            if (s.sleepers >> t & 1) {
                s.target[i] = (uint8_t)t;
                go(x, s, i, NOTIFY_TAKE);
            }
        break;
    case NOTIFY_TAKE: {
        bool taken = s.sleepers & bit;
        s.sleepers &= (uint8_t)~bit;
        go(x, s, i, taken ? WAKE_COUNT : NOTIFY_SEARCHERS);
        break;
    }
    case WAKE_COUNT:
        s.n_searchers++;
        go(x, s, i, WAKE_SET);
        break;
    default: /* WAKE_SET */
        s.is_woken |= bit;
        s.target[i] = 0;
        go(x, s, i, AT_WORK);
    }
}

static void step_search(struct exploring *x, struct state s, int i)
{
    switch (s.place[i]) {
    case SEARCH:
        go(x, s, i, x->fault == LEAVES_BEFORE_ENTERING ? SLEEP_LEAVE : SLEEP_ENTER);
        if (s.work) {
            s.work--;
            go(x, s, i, FOUND);
        }
        break;
    case FOUND:
        s.n_searchers--;
        go(x, s, i, s.n_searchers == 0 && x->fault != NO_FOUND_NOTIFY ? FOUND_MORE : AT_WORK);
        break;
    default: /* FOUND_MORE */
        go(x, s, i, s.work ? NOTIFY_SEARCHERS : AT_WORK);
    }
}

static void step_sleep(struct exploring *x, struct state s, int i)
{
    uint8_t bit = (uint8_t)(1 << i);
    enum place look = x->fault == NO_SECOND_LOOK ? ASLEEP : SLEEP_LOOK;
    switch (s.place[i]) {
    case SLEEP_ENTER:
        s.sleepers |= bit;
        go(x, s, i, x->fault == LEAVES_BEFORE_ENTERING ? ASLEEP : SLEEP_LEAVE);
        break;
    case SLEEP_LEAVE:
        s.n_searchers--;
        go(x, s, i, look);
        break;
    case SLEEP_LOOK:
        go(x, s, i,
           s.work                               ? SLEEP_TAKE
           : x->fault == LEAVES_BEFORE_ENTERING ? SLEEP_ENTER
                                                : ASLEEP);
        break;
    case SLEEP_TAKE: {
        bool taken = s.sleepers & bit || x->fault == LEAVES_BEFORE_ENTERING;
        s.sleepers &= (uint8_t)~bit;
        go(x, s, i, taken ? SLEEP_COUNT : ASLEEP);
        break;
    }
    case SLEEP_COUNT:
        s.n_searchers++;
        go(x, s, i, SEARCH);
        break;
    default: /* ASLEEP */
        if (s.is_woken & bit) {
            s.is_woken &= (uint8_t)~bit;
            go(x, s, i, SEARCH);
        }
    }
}

/* A thread at work may put work (as a task that makes two others ready), or be through with it. */
static void step_work(struct exploring *x, struct state s, int i)
{
    struct state idle = s;
    idle.n_searchers++;
    go(x, idle, i, SEARCH);
    if (s.left) {
        s.left--;
        s.work++;
        go(x, s, i, NOTIFY_SEARCHERS);
    }
}

static void step(struct exploring *x, const struct state *s, int i)
{
    if (s->place[i] == AT_WORK)
        step_work(x, *s, i);
    else if (s->place[i] <= WAKE_SET)
        step_notify(x, *s, i);
    else if (s->place[i] <= FOUND_MORE)
        step_search(x, *s, i);
    else
        step_sleep(x, *s, i);
}

/* Work is visible, somebody sleeps whom nobody is waking, and all others are at work. */
static bool is_lost(const struct state *s)
{
    bool sleeps = false;
    for (int i = 0; i < THREADS; i++) {
        if (s->place[i] == ASLEEP && s->sleepers >> i & 1)
            sleeps = true;
        else if (s->place[i] != AT_WORK)
            return false;
    }
    return sleeps && s->work > 0;
}

static void explore(struct exploring *x)
{
    struct state first = {.left = WORK_MOST, .n_searchers = THREADS - 1};
    for (int i = 1; i < THREADS; i++)
        first.place[i] = SEARCH;
    x->seen.size = (size_t)1 << 20;
    x->seen.keys = mem_array(x->seen.size, sizeof *x->seen.keys);
    reach(x, &first);
    while (x->n_pending) {
        struct state s = x->pending[--x->n_pending];
        x->is_lost = x->is_lost || is_lost(&s);
        for (int i = 0; i < THREADS; i++)
            step(x, &s, i);
        mem_assert(x->seen.n < x->seen.size / 2);
    }
    free(x->pending);
    free(x->seen.keys);
}

int main(void)
{
    static const char *const names[N_FAULTS] = {"the protocol", "without a second look",
                                                "found, and no notify",
                                                "leaves before it has entered"};
    int failed = 0;
    for (int fault = NONE; fault < N_FAULTS; fault++) {
        struct exploring x = {.fault = (enum fault)fault};
        explore(&x);
        printf("%s: %zu states, %s\n", names[fault], x.seen.n,
               x.is_lost ? "a wake-up is lost" : "no wake-up is lost");
        failed += x.is_lost != (fault != NONE);
    }
    printf("%d passed, %d failed\n", N_FAULTS - failed, failed);
    return failed != 0;
}

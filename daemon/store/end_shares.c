/* SPDX-License-Identifier: Apache-2.0 */
#include "store/end_shares.h"

#include "base/mem.h"
#include "base/processors.h"
#include "base/thread.h"
#include "store/chunk.h"
#include "store/chunk_selection.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    MOST_THREADS = 4, /* a disk, or the memory, keeps no more busy */
    WORTH_THREAD = 2  /* chunks; and each thread has room for one of them */
};

struct crew {
    const struct chunk_end *what;
    const int64_t *full;
    int n;
    _Atomic int64_t failed; /* the first chunk, in order, of which something is wrong */
    _Atomic int64_t looked; /* at so many chunks */
    int64_t told;
};

/* Each n-th chunk. */
struct share {
    struct crew *crew;
    struct chunk_end end;
    struct store store; /* with its own room for a chunk */
    struct chunk_sums sums;
    struct error e;
    int64_t at; /* the next chunk, in order */
    int64_t failed;
    int number, result;
    bool is_beside;
    pthread_t thread;
};

static int64_t count_chunks(const struct store_array *a, const int64_t *full)
{
    int64_t n = 1;
    for (int d = 0; d < a->meta.ndim; d++) {
        int64_t pieces = full[d] > 0 ? (full[d] - 1) / a->meta.chunks[d] + 1 : 0;
        n = pieces > 0 && n > INT64_MAX / pieces ? INT64_MAX : n * pieces;
    }
    return n;
}

static int tell(struct crew *c)
{
    const struct store_end *how = c->what->how;
    int r = 0;
    for (int64_t n = c->looked; how->look && c->told < n && r == 0; c->told++)
        r = how->look(how->userdata);
    return r;
}

/* Something is wrong of chunk `at`, or all is to end: at -1. */
static int stop(struct share *x, int64_t at, int result)
{
    int64_t first = x->crew->failed;
    x->result = result;
    x->failed = at;
    while (at < first && !atomic_compare_exchange_weak(&x->crew->failed, &first, at))
        ;
    return result;
}

static int end_chunk(void *userdata, const struct chunk_selection *p)
{
    struct share *x = userdata;
    struct crew *c = x->crew;
    int64_t at = x->at++;
    if (at > c->failed)
        return 1;
    if (at % c->n != x->number)
        return 0;
    int r = chunk_end(&x->end, p->key, p->index, true, true);
    if (r)
        return stop(x, at, r);
    c->looked++;
    r = x->number > 0 ? 0 : tell(c);
    return r ? stop(x, -1, r) : 0;
}

static void *run(void *userdata)
{
    struct share *x = userdata;
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    int r = chunk_need(x->end.s, x->end.a, x->end.e);
    if (r)
        stop(x, x->number, r);
    else
        chunk_selection_each(x->end.a, start, x->crew->full, end_chunk, x);
    return NULL;
}

static void begin(struct crew *c, struct share *x, int number)
{
    *x = (struct share){.crew = c, .end = *c->what, .number = number, .failed = INT64_MAX};
    x->end.e = &x->e;
    if (number == 0)
        return;
    x->store = *c->what->s;
    x->store.space = x->store.chunk = (struct codec_space){.area = {NULL}};
    x->store.chunk_path = NULL;
    x->store.chunk_path_size = 0;
    x->end.s = &x->store;
    x->end.sums = c->what->sums ? &x->sums : NULL;
    x->is_beside = thread_start(run, x, &x->thread) == 0;
}

static void finish(struct share *x)
{
    if (x->is_beside)
        pthread_join(x->thread, NULL);
    else if (x->number > 0)
        run(x);
    if (x->number > 0 && x->end.sums)
        chunk_sums_move(&x->sums, x->crew->what->sums);
    codec_space_clear(&x->store.space);
    codec_space_clear(&x->store.chunk);
    free(x->store.chunk_path);
}

static int result_of(const struct crew *c, const struct share *shares)
{
    const struct share *first = NULL;
    for (int i = 0; i < c->n; i++)
        if (shares[i].result && (!first || shares[i].failed < first->failed))
            first = &shares[i];
    if (first && c->what->e && *first->e.message)
        *c->what->e = first->e;
    return first ? first->result : 0;
}

static int n_threads(int64_t n_chunks)
{
    int64_t n = n_chunks / WORTH_THREAD;
    if (n < 2)
        return 1;
    n = n < MOST_THREADS ? n : MOST_THREADS;
    return n < processors_allowed() ? (int)n : processors_allowed();
}

int end_shares(const struct chunk_end *what, const int64_t *full)
{
    struct crew c = {.what = what,
                     .full = full,
                     .n = n_threads(count_chunks(what->a, full)),
                     .failed = INT64_MAX};
    struct share *shares = mem_array((size_t)c.n, sizeof *shares);
    for (int i = 0; i < c.n; i++)
        begin(&c, &shares[i], i);
    run(&shares[0]);
    for (int i = 0; i < c.n; i++)
        finish(&shares[i]);
    int r = result_of(&c, shares);
    free(shares);
    return r ? r : tell(&c);
}

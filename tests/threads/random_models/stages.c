/* SPDX-License-Identifier: Apache-2.0 */
/* What processes of random models do. */
#include "stages.h"

#include "draw.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}
static double number_of(uint64_t h)
{
    return (double)(h >> 12) / (double)(1ull << 40);
}

/* Other interleavings each time. */
static void dawdle(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    for (volatile long i = t.tv_nsec / 7 % 1500; i > 0; i--)
        ;
    if (t.tv_nsec / 11 % 13 == 0)
        sched_yield();
}

/* ---- what processes do ---- */

static const struct spec *spec_of(simlab_context *c)
{
    return simlab_userdata(c);
}

/* Calls into types that are not thread-safe: the thread that makes some, and how many, one in the
 * other, since one may read a variable that another computes. (No variable of the thread's: the
 * leak sanitizer stumbles over those of a library that was closed.) */
static _Atomic pid_t holder;
static int depth; /* the holder's */
static _Atomic int n_overlaps;

static void enter(const struct spec *s)
{
    pid_t nobody = 0, me = s->is_unsafe ? gettid() : 0;
    if (s->is_unsafe && atomic_load(&holder) == me)
        depth++;
    else if (s->is_unsafe && atomic_compare_exchange_strong(&holder, &nobody, me))
        depth = 1;
    else if (s->is_unsafe)
        atomic_fetch_add(&n_overlaps, 1);
    dawdle();
}

static void leave(const struct spec *s)
{
    if (s->is_unsafe && atomic_load(&holder) == gettid() && --depth == 0)
        atomic_store(&holder, 0);
}

/* A pointer that is of use in one process alone. */
struct pinned {
    pid_t process;
    int64_t n;
};

static uint64_t count_pinned(simlab_context *c, int more)
{
    struct pinned **p = c->instance;
    if (!*p) {
        *p = calloc(1, sizeof **p);
        (*p)->process = getpid();
    }
    if ((*p)->process != getpid())
        abort();
    (*p)->n += more;
    return (uint64_t)(*p)->n;
}

static bool sets_object(simlab_context *c)
{
    return spec_of(c) - drawn.specs == drawn.object_setter;
}

int stages_save(simlab_context *c)
{
    int64_t n = spec_of(c)->is_pinned ? (int64_t)count_pinned(c, 0) : 0;
    const int64_t *shared = sets_object(c) ? simlab_object(c, OBJECT) : NULL;
    int r = spec_of(c)->is_pinned ? simlab_put_bytes(c, &n, sizeof n) : 0;
    return r || !shared ? r : simlab_put_bytes(c, shared, sizeof *shared);
}

int stages_restore(simlab_context *c)
{
    int64_t n = 0, *shared = sets_object(c) ? calloc(1, sizeof *shared) : NULL;
    int r = spec_of(c)->is_pinned ? simlab_get_bytes(c, &n, sizeof n) : 0;
    if (r == 0 && spec_of(c)->is_pinned)
        count_pinned(c, (int)n);
    if (r == 0 && shared)
        r = simlab_get_bytes(c, shared, sizeof *shared);
    if (shared)
        simlab_set_object(c, OBJECT, shared, free);
    return r;
}

uint64_t stages_mix_view(uint64_t h, const struct simlab_view *v)
{
    h = mix(h, &v->ndim, sizeof v->ndim);
    h = mix(h, v->shape, (size_t)v->ndim * sizeof v->shape[0]);
    return mix(h, v->data, (size_t)v->size * (size_t)v->itemsize);
}

struct filling {
    double *values;
    double add;
};

static int add_inner(simlab_context *c, int64_t begin, int64_t end, void *userdata, void *ret)
{
    (void)userdata;
    for (int64_t i = begin; i < end; i++)
        *(double *)ret += simlab_random_f8_at(c, i) / 3;
    return 0;
}

static int fill(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    struct filling *f = userdata;
    dawdle();
    for (int64_t i = begin; i < end; i++)
        f->values[i] = f->add + simlab_normal(c, i, 1, 2) + (double)simlab_poisson(c, i, 20.0);
    if (begin == 0)
        f->values[0] += simlab_parallel_sum(c, 50, 7, add_inner, NULL);
    return 0;
}

static int sum_up(simlab_context *c, int64_t begin, int64_t end, void *userdata, void *ret)
{
    (void)c;
    const double *values = userdata;
    for (int64_t i = begin; i < end; i++)
        *(double *)ret += values[i] * 1.1;
    return 0;
}

static int fail_in_loop(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)userdata;
    dawdle();
    return begin >= 4 ? simlab_fail(c, "block from %lld to %lld", (long long)begin, (long long)end)
                      : 0;
}

static uint64_t read_all(simlab_context *c, const struct spec *s)
{
    const struct simlab_runtime *t = simlab_now(c);
    uint64_t h = mix(0xcbf29ce484222325u, &t->step, sizeof t->step);
    h = mix(h, &t->batch, sizeof t->batch);
    for (int i = 0; i < s->n_reads; i++) {
        const struct simlab_view *v = simlab_value(c, FIRST_READ + i);
        dawdle();
        h = stages_mix_view(h, v);
    }
    for (int64_t k = 0; s->is_reader && k < simlab_group_size(c, GROUP); k++)
        h = stages_mix_view(h, simlab_group_view(c, GROUP, k));
    if (s->has_io && (c->access[IO] & SIMLAB_CAN_READ))
        h = stages_mix_view(h, simlab_value(c, IO));
    if (s->draws) {
        double numbers[5];
        simlab_random_fill(c, numbers, 5);
        numbers[0] += simlab_exponential(c, SIMLAB_NEXT, 2);
        h = mix(h, numbers, sizeof numbers);
    }
    if (s->is_pinned)
        h ^= count_pinned(c, 1);
    if (s->uses_object) {
        int64_t *shared = simlab_object(c, OBJECT);
        if (shared) {
            int64_t seen = *shared;
            dawdle();
            *shared = seen + 1; /* whoever else is here makes this wrong */
            h = mix(h, &seen, sizeof seen);
        }
    }
    return h;
}

static void set_all(simlab_context *c, const struct spec *s, uint64_t h)
{
    int64_t n = s->resizes ? 1 + (int64_t)(h % 40) : 12;
    double *x = simlab_f8_1d(c, X, n);
    for (int64_t i = 0; i < n; i++)
        x[i] = number_of(h + (uint64_t)i * 77);
    if (s->loops) {
        struct filling f = {x, number_of(h)};
        simlab_parallel_for(c, n, 3, fill, &f);
        x[n - 1] += simlab_parallel_sum(c, n, 2, sum_up, x);
    }
    if (s->has_io && (c->access[IO] & SIMLAB_CAN_WRITE)) {
        double *io = simlab_f8_mut(c, IO, 3);
        for (int i = 0; i < 3; i++)
            io[i] = number_of(h ^ (uint64_t)(i + 1) * 12345);
    }
}

int stages_any(simlab_context *c)
{
    const struct spec *s = spec_of(c);
    const struct simlab_runtime *t = simlab_now(c);
    int64_t now = t->stage == SIMLAB_INITIALIZE ? 100 : t->step;
    enter(s);
    if (t->stage == SIMLAB_INITIALIZE && s->uses_object &&
        spec_of(c) - drawn.specs == drawn.object_setter)
        simlab_set_object(c, OBJECT, calloc(1, sizeof(int64_t)), free);
    uint64_t h = read_all(c, s);
    if (s->logs)
        simlab_log(c, "%d of %lld saw %016llx", t->stage, (long long)t->step,
                   (unsigned long long)h);
    set_all(c, s, h);
    int r = 0;
    if (s->fails_at == now && t->batch == drawn.failing_member)
        r = s->loops ? simlab_parallel_for(c, 20, 2, fail_in_loop, NULL)
                     : simlab_fail(c, "it saw %016llx", (unsigned long long)h);
    else if (s->breaks_at == now && t->stage == SIMLAB_RUN_STEP)
        r = SIMLAB_BREAK;
    else if (s->continues_at == now && t->stage == SIMLAB_RUN_STEP)
        r = SIMLAB_CONTINUE;
    leave(s);
    return r;
}

int stages_finalize(simlab_context *c)
{
    const struct spec *s = spec_of(c);
    enter(s);
    if (s->logs)
        simlab_log(c, "is finalized");
    if (s->is_pinned) {
        count_pinned(c, 0);
        free(*(void **)c->instance);
    }
    leave(s);
    return 0;
}

int stages_compute(simlab_context *c, int32_t var)
{
    const struct spec *s = spec_of(c);
    enter(s);
    uint64_t h = stages_mix_view(1469598103934665603u, simlab_value(c, X));
    if (s->has_io)
        h = stages_mix_view(h, simlab_value(c, IO));
    for (int i = 0; i < s->n_reads; i++)
        h = stages_mix_view(h, simlab_value(c, FIRST_READ + i));
    if (s->draws)
        h ^= simlab_random_u8(c);
    if (s->is_pinned)
        h ^= count_pinned(c, 0);
    if (s->logs)
        simlab_log(c, "computes %d: %016llx", var, (unsigned long long)h);
    double *values = simlab_f8_1d(c, var, 2 + (int64_t)(h % 5));
    values[0] = number_of(h);
    dawdle();
    values[1] = (double)var;
    leave(s);
    return var == LAZY && s->fails_at == 200 ? simlab_fail(c, "not today") : 0;
}

int stages_watch(simlab_hook_context *h)
{
    int64_t step = h->runtime->step;
    const struct simlab_view *v = simlab_hook_view(h, "p0__x");
    simlab_hook_log(h, "hook at %s in step %lld: %.17g", h->process ? h->process : "the model",
                    (long long)step, v ? *(const double *)v->data : 0);
    return step == 2 && !h->process ? SIMLAB_CONTINUE : 0;
}

int stages_overlaps(void)
{
    return atomic_exchange(&n_overlaps, 0);
}

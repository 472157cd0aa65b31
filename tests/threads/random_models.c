/* SPDX-License-Identifier: Apache-2.0 */
/* Random models under serial, threads 1, 2, 4, 8, processes 1 to 4 and auto, and from a state that
 * was saved after any step: the same outputs to the last bit, the same lines, the same errors. What
 * a process sets is a hash of all that it reads, so that whatever is read too early, too late or
 * torn changes what comes after it.
 *
 * usage: random_models [COUNT [FIRST]]: models FIRST, FIRST + 1, … */
#include "stage/helper.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/mem.h"
#include "stage/simulation.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PROCESSES = 40, MOST_READS = 6, STEPS = 4, MEMBERS = 2, LABELS = STEPS + 1 };

/* The rows that every type has. */
enum { ID, X, IO, ONCE, LAZY, OBJECT, GROUP, FIRST_READ, ROWS = FIRST_READ + MOST_READS };

struct spec {
    int n_reads;
    int reads[MOST_READS], reads_row[MOST_READS]; /* which process's X, IO, ONCE or LAZY */
    bool has_io, has_once, has_lazy, is_member, is_reader, is_unsafe;
    bool uses_object; /* the first that does sets it */
    bool is_pinned;   /* its instance is a pointer: struct pinned */
    bool loops, draws, logs, has_step, has_finalize_step, resizes;
    int fails_at, breaks_at; /* step; -1: never. 100: in initialize */
    uint32_t io_reads, io_writes;
    int after; /* another process; -1 */
};

static struct spec specs[MOST_PROCESSES];
static int n_processes;
static bool has_hooks, validates;
static int object_setter;
static _Atomic int n_unsafe; /* calls into types that are not thread-safe */
static _Atomic int n_overlaps;
static uint64_t n_helped; /* tasks that helpers ran */
static int n_resumed;     /* runs that went on from a saved state */

/* ---- numbers ---- */

static uint64_t chance_state;
static uint64_t chance(void)
{
    chance_state += 0x9e3779b97f4a7c15u;
    uint64_t z = chance_state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static int below(int n)
{
    return (int)(chance() % (uint64_t)n);
}
static bool one_in(int n)
{
    return below(n) == 0;
}

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
    return &specs[simlab_i8_get(c, ID)];
}

static _Thread_local int depth; /* such a call may read a variable that another computes */

static void enter(const struct spec *s)
{
    if (s->is_unsafe && depth++ == 0 && atomic_fetch_add(&n_unsafe, 1) != 0)
        atomic_fetch_add(&n_overlaps, 1);
    dawdle();
}
static void leave(const struct spec *s)
{
    if (s->is_unsafe && --depth == 0)
        atomic_fetch_sub(&n_unsafe, 1);
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
        *p = mem_new(sizeof **p);
        (*p)->process = getpid();
    }
    if ((*p)->process != getpid())
        abort();
    (*p)->n += more;
    return (uint64_t)(*p)->n;
}

/* Only where a run is saved (goes_on): else such an instance stays where it was made. */
static int save_pinned(simlab_context *c)
{
    int64_t n = spec_of(c)->is_pinned ? (int64_t)count_pinned(c, 0) : 0;
    return spec_of(c)->is_pinned ? simlab_put_bytes(c, &n, sizeof n) : 0;
}
static int restore_pinned(simlab_context *c)
{
    int64_t n = 0;
    if (!spec_of(c)->is_pinned)
        return 0;
    int r = simlab_get_bytes(c, &n, sizeof n);
    count_pinned(c, (int)n);
    return r;
}

static uint64_t mix_view(uint64_t h, const struct simlab_view *v)
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
        h = mix_view(h, v);
    }
    for (int64_t k = 0; s->is_reader && k < simlab_group_size(c, GROUP); k++)
        h = mix_view(h, simlab_group_view(c, GROUP, k));
    if (s->has_io && (c->access[IO] & SIMLAB_CAN_READ))
        h = mix_view(h, simlab_value(c, IO));
    if (s->draws) {
        double drawn[5];
        simlab_random_fill(c, drawn, 5);
        drawn[0] += simlab_exponential(c, SIMLAB_NEXT, 2);
        h = mix(h, drawn, sizeof drawn);
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

static int stage(simlab_context *c)
{
    const struct spec *s = spec_of(c);
    const struct simlab_runtime *t = simlab_now(c);
    int64_t now = t->stage == SIMLAB_INITIALIZE ? 100 : t->step;
    enter(s);
    if (t->stage == SIMLAB_INITIALIZE && s->uses_object && simlab_i8_get(c, ID) == object_setter)
        simlab_set_object(c, OBJECT, mem_new(sizeof(int64_t)), free);
    uint64_t h = read_all(c, s);
    if (s->logs)
        simlab_log(c, "%d of %lld saw %016llx", t->stage, (long long)t->step,
                   (unsigned long long)h);
    set_all(c, s, h);
    int r = 0;
    if (s->fails_at == now && t->batch == 1)
        r = s->loops ? simlab_parallel_for(c, 20, 2, fail_in_loop, NULL)
                     : simlab_fail(c, "it saw %016llx", (unsigned long long)h);
    else if (s->breaks_at == now && t->stage == SIMLAB_RUN_STEP)
        r = SIMLAB_BREAK;
    leave(s);
    return r;
}

static int finish(simlab_context *c)
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

static int compute(simlab_context *c, int32_t var)
{
    const struct spec *s = spec_of(c);
    enter(s);
    uint64_t h = mix_view(1469598103934665603u, simlab_value(c, X));
    if (s->has_io)
        h = mix_view(h, simlab_value(c, IO));
    for (int i = 0; i < s->n_reads; i++)
        h = mix_view(h, simlab_value(c, FIRST_READ + i));
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

static int watch(simlab_hook_context *h)
{
    int64_t step = h->runtime->step;
    const struct simlab_view *v = simlab_hook_view(h, "p0__x");
    simlab_hook_log(h, "hook at %s in step %lld: %.17g", h->process ? h->process : "the model",
                    (long long)step, v ? *(const double *)v->data : 0);
    return step == 2 && !h->process ? SIMLAB_CONTINUE : 0;
}

/* ---- a model ---- */

static struct simlab_variable rows[MOST_PROCESSES][ROWS];
static struct simlab_process types[MOST_PROCESSES];
static struct stage_code codes[MOST_PROCESSES];
static char texts[MOST_PROCESSES][3 + MOST_READS][24];

static const char *const row_names[] = {"id", "x", "io", "once", "lazy", "object", "group"};

static bool is_there(const struct spec *s, int row)
{
    return row == IO ? s->has_io : row == ONCE ? s->has_once : row == LAZY ? s->has_lazy : true;
}

static void choose_reads(int p)
{
    struct spec *s = &specs[p];
    int wanted = below(MOST_READS + 1);
    for (int i = 0; i < wanted; i++) {
        static const int kinds[] = {X, X, X, IO, IO, ONCE, LAZY};
        int row = kinds[below(7)];
        /* inout gives no order: those of later processes may be read, too. */
        int other = row == IO ? below(n_processes) : p > 0 ? below(p) : -1;
        if (other < 0 || other == p || !is_there(&specs[other], row))
            continue;
        s->reads[s->n_reads] = other;
        s->reads_row[s->n_reads++] = row;
    }
}

static void choose(int number)
{
    chance_state = (uint64_t)number * 7919 + 1;
    n_processes = 3 + below(MOST_PROCESSES - 2);
    bool layered = one_in(3), fails = one_in(3), quiet = one_in(4);
    has_hooks = one_in(5);
    validates = one_in(5);
    object_setter = one_in(3) ? below(n_processes) : -1;
    memset(specs, 0, sizeof specs);
    for (int p = 0; p < n_processes; p++) {
        struct spec *s = &specs[p];
        s->has_io = one_in(3);
        s->has_once = one_in(3);
        s->has_lazy = one_in(3);
        s->is_unsafe = one_in(6);
        s->is_pinned = one_in(12);
        s->loops = one_in(5);
        s->draws = one_in(2);
        s->logs = !quiet && one_in(2);
        s->has_step = !one_in(6);
        s->has_finalize_step = one_in(2);
        s->resizes = one_in(2);
        s->is_member = p < n_processes / 2 && one_in(2);
        s->is_reader = p >= n_processes / 2 && one_in(3);
        s->uses_object =
            object_setter >= 0 && (p == object_setter || (p > object_setter && one_in(4)));
        s->fails_at = fails && one_in(8) ? (one_in(5) ? 100 : one_in(5) ? 200 : below(STEPS)) : -1;
        s->breaks_at = one_in(10) ? below(STEPS) : -1;
        s->after = p > 0 && one_in(6) ? below(p) : -1;
        s->io_reads = one_in(2) ? SIMLAB_AT_RUN_STEP : 0;
        s->io_writes = one_in(2) ? SIMLAB_AT_FINALIZE_STEP : 0;
    }
    for (int p = 0; p < n_processes; p++) {
        choose_reads(p);
        if (layered && p >= 8)
            specs[p].after = p - 8 + below(4);
    }
}

static void make_type(int p)
{
    const struct spec *s = &specs[p];
    char(*text)[24] = texts[p];
    struct simlab_variable *v = rows[p];
    memset(v, 0, sizeof rows[p]);
    snprintf(text[0], sizeof text[0], "T%d", p);
    snprintf(text[1], sizeof text[1], "%d", p);
    v[ID] = (struct simlab_variable){.name = "id", .dtype = SIMLAB_I8, .default_value = text[1]};
    v[X] = (struct simlab_variable){.name = "x", .intent = SIMLAB_OUT, .dims = "n"};
    v[X].groups = s->is_member ? "g" : NULL;
    v[IO] = (struct simlab_variable){.name = "io",
                                     .intent = SIMLAB_INOUT,
                                     .dims = "m",
                                     .default_value = "[1, 2, 3]",
                                     .reads = s->io_reads,
                                     .writes = s->io_writes};
    v[ONCE] = (struct simlab_variable){.name = "once",
                                       .kind = SIMLAB_ON_DEMAND,
                                       .dims = "k",
                                       .flags = SIMLAB_CACHED,
                                       .compute = compute};
    v[LAZY] = (struct simlab_variable){
        .name = "lazy", .kind = SIMLAB_ON_DEMAND, .dims = "k", .compute = compute};
    if (p == object_setter || object_setter < 0)
        v[OBJECT] =
            (struct simlab_variable){.name = "object", .kind = SIMLAB_OBJECT, .intent = SIMLAB_OUT};
    else if (s->uses_object) {
        snprintf(text[2], sizeof text[2], "t.T%d", object_setter);
        v[OBJECT] =
            (struct simlab_variable){.name = "object", .kind = SIMLAB_FOREIGN, .type = text[2]};
    } else
        v[OBJECT] = (struct simlab_variable){.name = "object", .default_value = "0"};
    v[GROUP] = (struct simlab_variable){
        .name = "group", .kind = SIMLAB_GROUP, .group = s->is_reader ? "g" : "nobody"};
    for (int i = 0; i < MOST_READS; i++) {
        snprintf(text[3 + i], sizeof text[0], i < s->n_reads ? "t.T%d" : "r%d",
                 i < s->n_reads ? s->reads[i] : i);
        static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
        v[FIRST_READ + i] = (struct simlab_variable){.name = names[i], .default_value = "0"};
        if (i < s->n_reads)
            v[FIRST_READ + i] = (struct simlab_variable){.name = names[i],
                                                         .kind = SIMLAB_FOREIGN,
                                                         .type = text[3 + i],
                                                         .var = row_names[s->reads_row[i]]};
    }
    types[p] = (struct simlab_process){.name = text[0],
                                       .variables = v,
                                       .n_variables = ROWS,
                                       .flags = (s->is_unsafe ? SIMLAB_NOT_THREAD_SAFE : 0) |
                                                (s->is_pinned ? SIMLAB_PINNED : 0),
                                       .instance_size = s->is_pinned ? sizeof(struct pinned *) : 0,
                                       .initialize = stage,
                                       .finalize = finish,
                                       .run_step = s->has_step ? stage : NULL,
                                       .finalize_step = s->has_finalize_step ? stage : NULL};
    codes[p] = (struct stage_code){.process = &types[p]};
}

static json_t *describe_row(const struct simlab_variable *v)
{
    static const char *const kinds[] = {"variable", "index",      "foreign",   "global",
                                        "group",    "group_dict", "on_demand", "object"};
    static const char *const intents[] = {"in", "out", "inout"};
    static const char *const stages[] = {"initialize", "run_step", "finalize_step", "finalize"};
    json_t *o = json_pack("{s:s, s:s}", "name", v->name, "kind", kinds[v->kind]);
    if (v->kind != SIMLAB_ON_DEMAND && v->kind != SIMLAB_GROUP)
        json_object_set_new(o, "intent", json_string(intents[v->intent]));
    if (v->dtype)
        json_object_set_new(o, "dtype", json_string("i8"));
    const struct {
        const char *key, *value;
    } words[] = {{"dims", v->dims},   {"type", v->type},     {"var", v->var},
                 {"group", v->group}, {"groups", v->groups}, {"default", v->default_value}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].value)
            json_object_set_new(o, words[i].key, json_string(words[i].value));
    const struct {
        const char *key;
        uint32_t mask;
    } masks[] = {{"reads", v->reads}, {"writes", v->writes}};
    for (size_t i = 0; i < 2; i++) {
        json_t *list = json_array();
        for (int k = 0; k < SIMLAB_N_STAGES; k++)
            if (masks[i].mask >> k & 1)
                json_array_append_new(list, json_string(stages[k]));
        if (masks[i].mask)
            json_object_set(o, masks[i].key, list);
        json_decref(list);
    }
    if (v->flags & SIMLAB_CACHED)
        json_object_set_new(o, "cached", json_true());
    if (v->compute)
        json_object_set_new(o, "has_compute", json_true());
    return o;
}

static json_t *describe(void)
{
    json_t *list = json_array();
    for (int p = 0; p < n_processes; p++) {
        json_t *variables = json_array(), *stages = json_pack("[s, s]", "initialize", "finalize");
        for (int row = 0; row < ROWS; row++)
            json_array_append_new(variables, describe_row(&rows[p][row]));
        if (types[p].run_step)
            json_array_append_new(stages, json_string("run_step"));
        if (types[p].finalize_step)
            json_array_append_new(stages, json_string("finalize_step"));
        json_t *type = json_pack("{s:s, s:o, s:o}", "name", types[p].name, "stages", stages,
                                 "variables", variables);
        if (types[p].flags & SIMLAB_NOT_THREAD_SAFE)
            json_object_set_new(type, "not_thread_safe", json_true());
        if (types[p].flags & SIMLAB_PINNED)
            json_object_set_new(type, "pinned", json_true());
        json_array_append_new(list, type);
    }
    json_t *hooks = json_array();
    for (int level = 0; level < 2; level++)
        json_array_append_new(hooks, json_pack("{s:s, s:s, s:s, s:s}", "name",
                                               level ? "each" : "all", "stage", "run_step", "level",
                                               level ? "process" : "model", "when", "after"));
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o}", "abi", 1, "library", "t", "path", "t.so",
                     "hash", "0", "types", list, "hooks", hooks);
}

/* Declared in another order than they depend on each other. */
static json_t *make_job(void)
{
    json_t *processes = json_object(), *after = json_object(), *outputs = json_object();
    int order[MOST_PROCESSES];
    for (int p = 0; p < n_processes; p++)
        order[p] = p;
    for (int p = n_processes - 1; p > 0; p--) {
        int other = below(p + 1), kept = order[p];
        order[p] = order[other];
        order[other] = kept;
    }
    for (int i = 0; i < n_processes; i++) {
        int p = order[i];
        char name[24], text[24];
        snprintf(name, sizeof name, "p%d", p);
        snprintf(text, sizeof text, "t.T%d", p);
        json_object_set_new(processes, name, json_string(text));
        snprintf(text, sizeof text, "p%d", specs[p].after);
        if (specs[p].after >= 0)
            json_object_set_new(after, name, json_pack("[s]", text));
        for (int row = X; row <= LAZY; row++) {
            snprintf(text, sizeof text, "p%d__%s", p, row_names[row]);
            if (is_there(&specs[p], row) && !one_in(3))
                json_object_set_new(outputs, text, one_in(3) ? json_null() : json_string("t"));
        }
    }
    json_t *labels = json_array();
    for (int i = 0; i < LABELS; i++)
        json_array_append_new(labels, json_integer(i));
    json_t *job = json_pack("{s:{s:o, s:o}, s:{s:{s:o}}, s:s, s:o, s:i, s:s}", "model", "processes",
                            processes, "after", after, "clocks", "t", "data", labels, "main_clock",
                            "t", "outputs", outputs, "seed", below(1000), "batch_dim", "b");
    json_t *batch = json_array();
    for (int i = 0; i < MEMBERS; i++)
        json_array_append_new(batch, json_integer(0));
    json_object_set_new(job, "inputs",
                        json_pack("{s:{s:[s], s:o}}", "p0__f", "dims", "b", "data", batch));
    if (has_hooks)
        json_object_set_new(job, "hooks", json_pack("[s, s]", "t.all", "t.each"));
    if (validates)
        json_object_set_new(job, "validate", json_string("all"));
    return job;
}

/* ---- a run ---- */

struct seen {
    const struct job *job;
    struct buffer bytes;
};

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct seen *s = userdata;
    uint64_t h = mix_view(99, view);
    buffer_printf(&s->bytes, "%lld %s[%lld] %016llx\n", (long long)member,
                  s->job->outputs[output].name, (long long)at, (unsigned long long)h);
    return 0;
}
static void on_log(void *userdata, int64_t member, const char *line)
{
    struct seen *s = userdata;
    buffer_printf(&s->bytes, "%lld log: %s\n", (long long)member, line);
}
static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct seen *s = userdata;
    buffer_printf(&s->bytes, "%lld step %lld\n", (long long)member, (long long)step);
    return 0;
}

/* Another process, which has inherited the state at the very address where it is to map it. */
static _Noreturn void help(const struct job *job, const struct stage_code *const *code_list,
                           const struct simlab_hook *const *hook_list,
                           const struct stage_share *share, int lane)
{
    struct helper *h;
    struct error e = {.message = ""};
    const struct helper_options options = {.share = *share, .lane = lane};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    munmap(share->address, share->size);
    if (helper_new(job, code_list, hook_list, &options, &h, &e)) {
        fprintf(stderr, "helper: %s\n", e.message);
        _exit(1);
    }
    helper_run(h);
    helper_free(h);
    _exit(0);
}

static void begin_helpers(const struct simulation *s, const struct job *job,
                          const struct stage_code *const *code_list,
                          const struct simlab_hook *const *hook_list)
{
    struct stage_share share;
    if (!simulation_share(s, &share))
        return;
    for (int lane = 1; lane < share.n_lanes; lane++)
        if (fork() == 0)
            help(job, code_list, hook_list, &share, lane);
    while (simulation_helpers(s) < share.n_lanes - 1)
        sched_yield();
}

/* What a helper that has died was at is never done: nobody is to wait for it. */
static void judge_helper(int status)
{
    static const char words[] = "a helper has died\n";
    if (status == 0)
        return;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        _exit(2);
    _exit(1);
}

static void on_end_of_helper(int signal_number)
{
    int status, kept = errno;
    (void)signal_number;
    while (waitpid(-1, &status, WNOHANG) > 0)
        judge_helper(status);
    errno = kept;
}

static void watch_helpers(void)
{
    const struct sigaction action = {.sa_handler = on_end_of_helper, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
}

static void await_helpers(void)
{
    int status;
    while (wait(&status) > 0)
        judge_helper(status);
}

/* One at a time: it borrows the lists. */
static struct simulation *new_simulation(const struct job *job, const struct stage_options *options)
{
    static const struct simlab_hook hooks[] = {
        {.name = "all", .stage = SIMLAB_RUN_STEP, .when = SIMLAB_AFTER, .call = watch},
        {.name = "each",
         .stage = SIMLAB_RUN_STEP,
         .level = SIMLAB_PROCESS_LEVEL,
         .when = SIMLAB_AFTER,
         .call = watch}};
    static const struct simlab_hook *const hook_list[] = {&hooks[0], &hooks[1]};
    static const struct stage_code *code_list[MOST_PROCESSES];
    for (int p = 0; p < n_processes; p++)
        code_list[p] = &codes[atoi(job->model->processes[p].name + 1)];
    struct simulation *s;
    struct error e = {.message = ""};
    if (simulation_new(job, code_list, hook_list, options, &s, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(1);
    }
    begin_helpers(s, job, code_list, hook_list);
    return s;
}

static char *run(const struct job *job, const struct stage_options *options)
{
    struct seen seen = {.job = job};
    struct error e = {.message = ""};
    struct simulation *s = new_simulation(job, options);
    const struct stage_events events = {
        .output = on_output, .log = on_log, .step = on_step, .userdata = &seen};
    for (int round = 0; round < 2; round++)
        for (int64_t member = 0; member < MEMBERS; member++) {
            error_clear(&e);
            int r = simulation_run(s, member, &events, &e);
            buffer_printf(&seen.bytes, "%lld ended %d %s\n", (long long)member, r, e.message);
        }
    struct scheduler_statistics statistics;
    s->scheduler->statistics(s->scheduler_state, &statistics);
    n_helped += strcmp(options->scheduler, "processes") ? 0 : statistics.stolen;
    simulation_free(s);
    await_helpers();
    return buffer_take(&seen.bytes);
}

static void show_difference(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    while (a[-1] != '\n')
        a--, b--;
    fprintf(stderr, "  serial:  %.200s\n  threads: %.200s\n", a, b);
}

static bool is_same(int number, const struct job *job)
{
    static const struct stage_options others[] = {
        {.scheduler = "threads", .threads = 1},   {.scheduler = "threads", .threads = 2},
        {.scheduler = "threads", .threads = 4},   {.scheduler = "threads", .threads = 8},
        {.scheduler = "processes", .threads = 1}, {.scheduler = "processes", .threads = 2},
        {.scheduler = "processes", .threads = 3}, {.scheduler = "processes", .threads = 4},
        {.scheduler = "auto", .threads = 2},      {.scheduler = "auto", .threads = 8}};
    const struct stage_options serial = {.scheduler = "serial", .threads = 1};
    char *right = run(job, &serial);
    bool same = true;
    for (size_t i = 0; i < sizeof others / sizeof *others && same; i++) {
        char *now = run(job, &others[i]);
        same = strcmp(now, right) == 0;
        if (!same) {
            fprintf(stderr, "model %d, %s, %d threads:\n", number, others[i].scheduler,
                    others[i].threads);
            show_difference(right, now);
        }
        free(now);
    }
    if (getenv("SHOW"))
        fputs(right, stdout);
    free(right);
    return same;
}

/* ---- saved and gone on with ---- */

/* A run that is stopped after a step, where it is saved. */
struct stop {
    struct seen seen; /* first: on_output and on_log see this */
    struct simulation *s;
    int64_t after;
    void *saved; /* NULL: not yet */
    size_t n;
};

static int on_step_to_stop(void *userdata, int64_t member, int64_t step)
{
    struct stop *stop = userdata;
    struct error e = {.message = ""};
    on_step(&stop->seen, member, step);
    if (step != stop->after)
        return 0;
    if (simulation_save_instances(stop->s, &e)) {
        fprintf(stderr, "it cannot be saved: %s\n", e.message);
        exit(1);
    }
    stop->n = simulation_saved_bytes(stop->s);
    stop->saved = mem_new(stop->n);
    simulation_save(stop->s, stop->saved);
    buffer_printf(&stop->seen.bytes, "%c", '\0'); /* what comes now is nobody's */
    return -ECANCELED;
}

/* What is seen of a member that another simulation goes on with after this step; -1: nobody does.
 */
static char *run_in_two(const struct job *job, const struct stage_options *options, int64_t member,
                        int64_t after)
{
    struct stop stop = {.seen = {.job = job}, .after = after, .s = new_simulation(job, options)};
    struct stage_events events = {
        .output = on_output, .log = on_log, .step = on_step_to_stop, .userdata = &stop};
    struct error e = {.message = ""};
    int r = simulation_run(stop.s, member, &events, &e);
    simulation_free(stop.s);
    await_helpers();
    struct seen seen = {.job = job};
    char *before = NULL;
    if (stop.saved) {
        before = buffer_take(&stop.seen.bytes);
        buffer_printf(&seen.bytes, "%s", before);
        const struct stage_start start = {.saved = stop.saved, .n = stop.n};
        stop.s = new_simulation(job, options);
        events.step = on_step;
        events.userdata = &seen;
        error_clear(&e);
        r = simulation_resume(stop.s, member, &start, &events, &e);
        simulation_free(stop.s);
        await_helpers();
        n_resumed++;
    } else {
        seen.bytes = stop.seen.bytes;
    }
    buffer_printf(&seen.bytes, "%lld ended %d %s\n", (long long)member, r, e.message);
    free(stop.saved);
    free(before);
    return buffer_take(&seen.bytes);
}

/* Objects have no words of their own here: models with some are not saved. */
static bool goes_on(int number, const struct job *job)
{
    static const struct stage_options options[] = {{.scheduler = "serial", .threads = 1},
                                                   {.scheduler = "threads", .threads = 2},
                                                   {.scheduler = "processes", .threads = 2}};
    bool same = true;
    for (int p = 0; p < n_processes; p++) {
        types[p].save = save_pinned;
        types[p].restore = restore_pinned;
    }
    for (int64_t member = 0; member < MEMBERS && object_setter < 0 && same; member++) {
        char *right = run_in_two(job, &options[0], member, -1);
        for (size_t i = 0; i < sizeof options / sizeof *options && same; i++) {
            int64_t after = below(STEPS);
            char *now = run_in_two(job, &options[i], member, after);
            same = strcmp(now, right) == 0;
            if (!same) {
                fprintf(stderr, "model %d, %s, saved after step %lld:\n", number,
                        options[i].scheduler, (long long)after);
                show_difference(right, now);
            }
            free(now);
        }
        free(right);
    }
    return same;
}

/* ---- plans ---- */

/* Whether one call is before another by the edges between tasks, or within one. */
static void find_paths(const struct plan *p, bool (*ret_before)[MOST_PROCESSES])
{
    const struct task_graph *g = &p->graph;
    memset(ret_before, 0, sizeof(bool[MOST_PROCESSES][MOST_PROCESSES]));
    for (int t = g->n_tasks - 1; t >= 0; t--) {
        for (int i = g->first_after[t]; i < g->first_after[t + 1]; i++) {
            ret_before[t][g->after[i]] = true;
            for (int k = 0; k < g->n_tasks; k++)
                ret_before[t][k] |= ret_before[g->after[i]][k];
        }
    }
}

static bool is_planned(const struct plan *p, bool (*before)[MOST_PROCESSES], int a, int b)
{
    int task_a = -1, task_b = -1, at_a = -1, at_b = -1;
    for (int t = 0; t < p->graph.n_tasks; t++)
        for (int i = p->first_call[t]; i < p->first_call[t + 1]; i++) {
            const struct plan_call *c = &p->calls[p->task_calls[i]];
            if (c->process == a && !c->is_empty)
                task_a = t, at_a = i;
            if (c->process == b && !c->is_empty)
                task_b = t, at_b = i;
        }
    if (task_a < 0 || task_b < 0)
        return true; /* not both are called */
    return task_a == task_b ? at_a < at_b : before[task_a][task_b];
}

/* Every order that the model has, by whatever path, is in the plans; so is one between those whose
 * order is open, but matters. */
static bool are_planned(int number, const struct job *job)
{
    static bool ancestors[MOST_PROCESSES][MOST_PROCESSES], before[MOST_PROCESSES][MOST_PROCESSES];
    const struct model *m = job->model;
    const struct stage_code *code_list[MOST_PROCESSES];
    struct program *program;
    int n_missing = 0, place[MOST_PROCESSES];
    memset(ancestors, 0, sizeof ancestors);
    for (int i = 0; i < n_processes; i++) {
        int p = m->order[i];
        place[p] = i;
        code_list[p] = &codes[atoi(m->processes[p].name + 1)];
        for (int k = 0; k < m->processes[p].n_before; k++) {
            int earlier = m->processes[p].before[k];
            ancestors[p][earlier] = true;
            for (int q = 0; q < n_processes; q++)
                ancestors[p][q] |= ancestors[earlier][q];
        }
    }
    if (has_hooks || program_new(job, code_list, NULL, &program, NULL))
        return true;
    for (int stage_number = 0; stage_number < SIMLAB_N_STAGES; stage_number++) {
        const struct plan *plan = &program->plans[stage_number];
        if (plan->is_ordered)
            continue;
        find_paths(plan, before);
        for (int a = 0; a < n_processes; a++)
            for (int b = 0; b < n_processes; b++)
                n_missing += ancestors[b][a] && !is_planned(plan, before, a, b);
        for (int i = 0; i < m->n_unordered; i++) {
            int a = m->unordered[i].process_a, b = m->unordered[i].process_b;
            bool first = place[a] < place[b];
            n_missing += m->unordered[i].stage == stage_number &&
                         !is_planned(plan, before, first ? a : b, first ? b : a);
        }
    }
    program_free(program);
    if (n_missing)
        fprintf(stderr, "model %d: %d orders are not in its plans\n", number, n_missing);
    return n_missing == 0;
}

static bool try(int number, bool *ret_built)
{
    struct error e = {.message = ""};
    struct job *job = NULL;
    struct registry *registry = registry_new();
    choose(number);
    for (int p = 0; p < n_processes; p++)
        make_type(p);
    json_t *document = describe();
    if (registry_add(registry, document, &e)) {
        fprintf(stderr, "model %d: %s: %s\n", number, e.pointer, e.message);
        exit(1);
    }
    json_decref(document);
    registry_finish(registry);
    document = make_job();
    int r = job_new(registry, document, NULL, &job, &e);
    *ret_built = r == 0;
    if (r && getenv("SHOW"))
        fprintf(stderr, "model %d: %s: %s\n", number, e.pointer, e.message);
    bool same = r || (are_planned(number, job) && is_same(number, job) && goes_on(number, job));
    if (n_overlaps) {
        fprintf(stderr, "model %d: calls into a library that is not thread-safe overlapped\n",
                number);
        n_overlaps = 0;
        same = false;
    }
    json_decref(document);
    job_free(job);
    registry_unref(registry);
    return same;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 30, first = argc > 2 ? atoi(argv[2]) : 1, failed = 0;
    int n_built = 0;
    watch_helpers();
    for (int i = 0; i < count; i++) {
        bool built;
        failed += !try(first + i, &built);
        n_built += built;
    }
    failed += n_built < count * 9 / 10;
    failed += n_helped == 0;
    failed += count >= 30 && n_resumed == 0;
    printf("%d of %d models could be built\n", n_built, count);
    printf("helpers were handed tasks %llu times\n", (unsigned long long)n_helped);
    printf("%d runs went on from a saved state\n", n_resumed);
    printf("%d passed, %d failed\n", count - failed, failed);
    return failed != 0;
}

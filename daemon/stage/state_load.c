/* SPDX-License-Identifier: Apache-2.0 */
/* Saved states put back. They come from files: nothing in them is believed before it was looked at.
 */
#include "stage/state.h"

#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A saved state, or one that it was copied into: where it lies now, and where it was saved. */
struct body {
    char *base;
    size_t n;
    struct state head; /* as it was saved */
    const struct program *program;
};

/* Each pointer of a state; `bytes` of it are used. False ends the walk. */
typedef bool (*pointer_fn)(const struct body *b, void **pointer, size_t bytes, void *userdata);

/* Where a block lies now that was at `saved`. */
static void *now(const struct body *b, const void *saved)
{
    return b->base + ((uintptr_t)saved - (uintptr_t)b->head.address);
}

/* ---- all pointers ---- */

static bool each_value(const struct body *b, pointer_fn fn, void *userdata)
{
    struct value *values = now(b, b->head.values);
    for (int i = 0; i < b->program->model->n_slots; i++) {
        struct value *v = &values[i];
        bool has_data = v->view.data != NULL;
        if (!fn(b, &v->buffer, v->buffer ? v->capacity : 0, userdata))
            return false;
        if (has_data && !fn(b, &v->view.data, 0, userdata))
            return false;
    }
    return true;
}

static bool each_process(const struct body *b, pointer_fn fn, void *userdata)
{
    struct process_state *processes = now(b, b->head.processes);
    for (int i = 0; i < b->program->model->n_processes; i++)
        if (!fn(b, &processes[i].instance, b->program->processes[i].instance_size, userdata))
            return false;
    struct computed *computed = now(b, b->head.computed);
    for (int i = 0; i < b->program->n_cached; i++)
        if (!fn(b, (void **)&computed[i].why, computed[i].why ? STATE_WHY_SIZE : 0, userdata))
            return false;
    return true;
}

/* Lists of free blocks, whose first bytes lead to the next. */
static bool each_free(const struct body *b, pointer_fn fn, void *userdata)
{
    struct state *s = (struct state *)(void *)b->base;
    size_t most = b->n / sizeof(void *); /* a circle has no end */
    for (int class = 0; class < ARENA_CLASSES; class ++) {
        void **link = &s->arena.free[class];
        while (*link) {
            void *block = *link;
            if (most-- == 0 || !fn(b, link, sizeof(void *), userdata))
                return false;
            link = now(b, block);
        }
    }
    return true;
}

/* Those of the header come first: the others are found by them. */
static bool each_pointer(const struct body *b, pointer_fn fn, void *userdata)
{
    struct state *s = (struct state *)(void *)b->base;
    const struct model *m = b->program->model;
    const struct {
        void **pointer;
        size_t bytes;
    } head[] = {
        {(void **)&s->values, (size_t)m->n_slots * sizeof *s->values},
        {(void **)&s->processes, (size_t)m->n_processes * sizeof *s->processes},
        {(void **)&s->computed, (size_t)b->program->n_cached * sizeof *s->computed},
        {(void **)&s->saved, (size_t)b->head.n_clocks * sizeof *s->saved},
        {(void **)&s->main_clock, (size_t)b->head.runtime.main_clock_size * sizeof *s->main_clock},
        {(void **)&s->runtime.main_clock, 0},
    };
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        if (!fn(b, head[i].pointer, head[i].bytes, userdata))
            return false;
    return each_value(b, fn, userdata) && each_process(b, fn, userdata) &&
           each_free(b, fn, userdata);
}

static bool is_within(const struct body *b, void **pointer, size_t bytes, void *userdata)
{
    (void)userdata;
    uintptr_t at = (uintptr_t)*pointer - (uintptr_t)b->head.address;
    if (!*pointer)
        return bytes == 0;
    return at >= sizeof b->head && at <= b->n && bytes <= b->n - at && at % _Alignof(void *) == 0;
}

static bool move(const struct body *b, void **pointer, size_t bytes, void *userdata)
{
    (void)bytes, (void)userdata;
    if (*pointer)
        *pointer = now(b, *pointer);
    return true;
}

/* ---- is it one? ---- */

static bool has_room_for(const struct value *v)
{
    size_t bytes;
    return v->view.size >= 0 && v->view.itemsize >= (v->view.data != NULL) &&
           !__builtin_mul_overflow((size_t)v->view.size, (size_t)v->view.itemsize, &bytes) &&
           (!v->view.data || (v->view.data == v->buffer && bytes <= v->capacity));
}

static bool is_sound(const struct body *b)
{
    const struct state *s = &b->head;
    if (s->n_clocks < 1 || s->runtime.main_clock_size < 1 || s->next < 0 ||
        s->runtime.main_clock_size > (int64_t)(b->n / sizeof *s->main_clock) ||
        s->next > s->runtime.nsteps || s->runtime.nsteps != s->runtime.main_clock_size - 1 ||
        !each_pointer(b, is_within, NULL))
        return false;
    const struct value *values = now(b, s->values);
    for (int i = 0; i < b->program->model->n_slots; i++)
        if (!has_room_for(&values[i]))
            return false;
    return true;
}

int state_check(const struct state *s, const struct program *p, const struct saved_state *from,
                struct error *e)
{
    struct body b = {.base = (char *)(uintptr_t)from->bytes, .n = from->n, .program = p};
    if (s->n_kept > 0)
        return error_set(e, STAGE_FAILED, NULL,
                         "arrays over values of a former member are still kept");
    if (from->n < sizeof b.head)
        return error_set(e, STAGE_FAILED, NULL, "this is no saved state: it has %zu bytes only",
                         from->n);
    memcpy(&b.head, from->bytes, sizeof b.head);
    if (b.head.magic != STATE_MAGIC || b.head.arena.used != from->n || from->n > s->arena.size)
        return error_set(e, STAGE_FAILED, NULL, "this is no saved state, or of another version");
    if (memcmp(b.head.program, s->program, sizeof b.head.program) != 0)
        return error_set(e, STAGE_FAILED, NULL,
                         "the state was saved by another model, or with other libraries");
    bool same_place =
        (char *)b.head.values - (char *)b.head.address == (const char *)s->values - (const char *)s;
    if (!same_place || !is_sound(&b))
        return error_set(e, STAGE_FAILED, NULL, "the saved state is damaged");
    return 0;
}

/* ---- putting it back ---- */

/* It was checked. */
static int copy(struct state *s, const struct program *p, const struct saved_state *from,
                struct error *e)
{
    int r = arena_open(&s->arena, from->n);
    if (r < 0)
        return error_errno(e, r, "put a saved state back");
    int fd = s->descriptor;
    size_t size = s->arena.size, open = s->arena.open, beside = s->beside;
    struct body b = {.base = (char *)s, .n = from->n, .program = p};
    memcpy(&b.head, from->bytes, sizeof b.head);
    memcpy(s, from->bytes, from->n);
    s->descriptor = fd;
    s->arena.size = size;
    s->arena.open = open;
    s->beside = beside;
    s->arena.lock = s->keeping = (struct lock){0};
    s->n_kept = 0;
    each_pointer(&b, move, NULL);
    for (int i = 0; i < p->model->n_slots; i++)
        s->values[i].kept = NULL;
    s->address = s;
    return 0;
}

static const struct state *head_of(const struct saved_state *from)
{
    return from->bytes;
}

int state_load(struct state *s, const struct program *p, const struct saved_state *from,
               struct error *e)
{
    int r = state_check(s, p, from, e);
    if (r == 0 && (head_of(from)->n_clocks != p->job->n_clocks ||
                   head_of(from)->runtime.nsteps != s->runtime.nsteps))
        r = error_set(e, STAGE_FAILED, NULL, "the state was saved by a job of other clocks");
    return r ? r : copy(s, p, from, e);
}

/* ---- for another job ---- */

static int check_labels(const struct program *p, const struct saved_state *from, struct error *e)
{
    const struct state *head = head_of(from);
    const struct clock *own = &p->job->clocks[p->job->main_clock];
    struct body b = {.base = (char *)(uintptr_t)from->bytes, .head.address = head->address};
    const double *theirs = now(&b, head->main_clock);
    if (head->next >= own->n)
        return error_set(e, STAGE_FAILED, NULL,
                         "the state was saved after step %" PRId64 ", and this job has %" PRId64
                         " steps only",
                         head->next, own->n - 1);
    char now_text[NUMBER_TEXT_SIZE], then_text[NUMBER_TEXT_SIZE];
    for (int64_t i = 0; i <= head->next; i++)
        if (theirs[i] != own->values[i])
            return error_set(e, STAGE_FAILED, NULL,
                             "label %" PRId64 " of the main clock is %s, and it was %s when "
                             "the state was saved: up to there both are to have the same labels",
                             i, number_text(own->values[i], now_text),
                             number_text(theirs[i], then_text));
    return 0;
}

/* Labels that lie before the next step. */
static int64_t passed(const struct clock *c, int64_t next)
{
    int64_t n = 0;
    while (n < c->n && c->at[n] < next)
        n++;
    return n;
}

static void set_clocks(struct state *s, const struct job *job, int64_t *saved, double *labels)
{
    const struct clock *main_clock = &job->clocks[job->main_clock];
    s->n_clocks = job->n_clocks;
    s->saved = saved;
    for (int c = 0; c < job->n_clocks; c++)
        saved[c] = passed(&job->clocks[c], s->next);
    s->main_clock = labels;
    memcpy(labels, main_clock->values, (size_t)main_clock->n * sizeof *labels);
    s->runtime.main_clock = labels;
    s->runtime.main_clock_size = main_clock->n;
    s->runtime.nsteps = main_clock->n - 1;
    s->runtime.sim_start = labels[0];
    s->runtime.sim_end = labels[main_clock->n - 1];
}

static void set_member(struct state *s, const struct program *p, int64_t member)
{
    s->member = member;
    s->runtime.batch = member;
    s->runtime.batch_size = p->job->expected;
    for (int i = 0; i < p->model->n_processes; i++)
        random_key(p->job->seed, member, p->model->processes[i].name, s->processes[i].random_key);
}

int state_branch(struct state *s, const struct program *p, int64_t member,
                 const struct saved_state *from, struct error *e)
{
    int r = state_check(s, p, from, e);
    if (r == 0)
        r = check_labels(p, from, e);
    if (r == 0)
        r = copy(s, p, from, e);
    if (r)
        return r;
    size_t capacity;
    int64_t *saved = arena_take(&s->arena, (size_t)p->job->n_clocks * sizeof *saved, &capacity);
    double *labels = arena_take(
        &s->arena, (size_t)p->job->clocks[p->job->main_clock].n * sizeof *labels, &capacity);
    if (!saved || !labels)
        return error_set(e, -ENOMEM, NULL, "no memory for the state");
    set_clocks(s, p->job, saved, labels);
    set_member(s, p, member);
    return 0;
}

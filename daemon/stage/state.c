/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/state.h"

#include "base/memory_limit.h"
#include "stage/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Address space, not memory. Blocks are of powers of two, and those that a growing value has left
 * are half as large together: four times what there can be is enough for any member. */
enum { RANGE_FACTOR = 4, BESIDE_PART = 4 };
#define RANGE_MOST  ((size_t)1 << 42)
#define RANGE_LEAST ((size_t)1 << 24)
#define RANGE_OPEN  ((size_t)1 << 18)

/* ---- the range ---- */

static int map_at(uintptr_t address, size_t size, int fd, struct state **ret)
{
    int flags = (fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) | MAP_NORESERVE;
    int protection = fd >= 0 ? PROT_READ | PROT_WRITE : PROT_NONE; /* till the arena opens it */
    void *base =
        mmap((void *)address, size, protection, flags | (address ? MAP_FIXED_NOREPLACE : 0), fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    if (address && (uintptr_t)base != address) { /* a kernel that does not know the flag */
        munmap(base, size);
        return -EEXIST;
    }
    *ret = base;
    return 0;
}

static int map(size_t size, int fd, struct state **ret)
{
    for (size_t place = 0; place + size <= STATE_WINDOW; place += size)
        if (map_at(STATE_ADDRESS + place, size, fd, ret) == 0)
            return 0;
    return map_at(0, size, fd, ret);
}

/* Before there is an arena. */
static int open_first(struct state *s, int fd)
{
    return fd >= 0 || mprotect(s, RANGE_OPEN, PROT_READ | PROT_WRITE) == 0 ? 0 : -errno;
}

/* Where addresses are limited (RLIMIT_AS), half of what can be had is left to all else: buffers of
 * outputs, threads' stacks, what libraries allocate. */
static int map_most(int fd, size_t *ret_size, struct state **ret)
{
    size_t limit = memory_limit(), size = RANGE_LEAST;
    while (size < RANGE_MOST && size / RANGE_FACTOR < limit)
        size *= 2;
    size_t wanted = size;
    int r = map(size, fd, ret);
    for (; r < 0 && size > RANGE_LEAST; r = map(size, fd, ret))
        size /= 2;
    if (r == 0 && size < wanted) {
        munmap(*ret, size);
        size /= 2;
        r = map(size, fd, ret);
    }
    *ret_size = size;
    return r;
}

/* Sparse: it takes memory as it is written. */
static int open_file(int *ret_fd)
{
    int fd = memfd_create("simlab-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)RANGE_MOST) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int new_range(enum state_kind kind, struct state **ret, struct error *e)
{
    int fd = -1, r = kind == STATE_SHARED ? open_file(&fd) : 0;
    if (r < 0)
        return error_errno(e, r, "make the file of the state");
    size_t size = 0;
    r = map_most(fd, &size, ret);
    if (r == 0 && (r = open_first(*ret, fd)) < 0)
        munmap(*ret, size);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return error_errno(e, r, "reserve addresses for the state");
    }
    size_t beside = kind == STATE_SHARED ? size / BESIDE_PART : 0;
    arena_init(&(*ret)->arena, size - beside, sizeof **ret);
    if (fd < 0)
        (*ret)->arena.open = RANGE_OPEN;
    (*ret)->descriptor = fd;
    (*ret)->beside = beside;
    return 0;
}

/* ---- what is in it ---- */

static void *take(struct state *s, size_t n, size_t size, bool *ok)
{
    size_t capacity;
    void *block = *ok ? arena_take(&s->arena, n * size, &capacity) : NULL;
    *ok = block != NULL;
    if (block)
        memset(block, 0, n * size);
    return block;
}

static bool make_parts(struct state *s, const struct program *p)
{
    const struct clock *main_clock = &p->job->clocks[p->job->main_clock];
    size_t n_processes = (size_t)p->model->n_processes;
    bool ok = true;
    s->values = take(s, (size_t)p->model->n_slots, sizeof *s->values, &ok);
    s->processes = take(s, n_processes, sizeof *s->processes, &ok);
    s->computed = take(s, (size_t)p->n_cached, sizeof *s->computed, &ok);
    s->saved = take(s, (size_t)p->job->n_clocks, sizeof *s->saved, &ok);
    s->main_clock = take(s, (size_t)main_clock->n, sizeof *s->main_clock, &ok);
    for (size_t i = 0; i < n_processes && ok; i++)
        if (p->processes[i].instance_size)
            s->processes[i].instance = take(s, 1, p->processes[i].instance_size, &ok);
    if (ok)
        memcpy(s->main_clock, main_clock->values, (size_t)main_clock->n * sizeof *s->main_clock);
    return ok;
}

int state_new(const struct program *p, enum state_kind kind, struct state **ret_state,
              struct error *e)
{
    struct state *s = NULL;
    int r = new_range(kind, &s, e);
    if (r < 0)
        return r;
    s->magic = STATE_MAGIC;
    s->address = s;
    s->n_clocks = p->job->n_clocks;
    memcpy(s->program, p->hash, sizeof s->program);
    if (!make_parts(s, p)) {
        state_free(s);
        return error_set(e, -ENOMEM, NULL, "no memory for the state");
    }
    for (int i = 0; i < p->model->n_slots; i++)
        value_reset(&s->values[i], p->model->slots[i].declared);
    *ret_state = s;
    return 0;
}

struct state *state_free(struct state *s)
{
    if (!s)
        return NULL;
    int fd = s->descriptor;
    if (s->is_debug)
        arena_show(&s->arena);
    kept_unmap(s, s->arena.size + s->beside);
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* ---- others' ---- */

void *state_beside(const struct state *s)
{
    return (char *)(uintptr_t)s + s->arena.size;
}

void state_share(const struct state *s, struct state_share *ret)
{
    *ret = (struct state_share){
        .descriptor = s->descriptor, .address = s->address, .size = s->arena.size + s->beside};
}

static bool is_state_of(const struct state *s, const struct program *p, size_t size)
{
    return s->magic == STATE_MAGIC && s->address == s && s->arena.size < size &&
           s->beside == size - s->arena.size && memcmp(s->program, p->hash, sizeof s->program) == 0;
}

int state_attach(const struct program *p, const struct state_share *share, struct state **ret_state,
                 struct error *e)
{
    struct state *s;
    if (!share->address || share->size < RANGE_LEAST)
        return error_set(e, STAGE_FAILED, NULL, "this is no state that could be shared");
    int r = map_at((uintptr_t)share->address, share->size, share->descriptor, &s);
    if (r < 0)
        return error_errno(e, r, "map the state where it lies");
    if (!is_state_of(s, p, share->size)) {
        munmap(s, share->size);
        return error_set(e, STAGE_FAILED, NULL,
                         "the state is that of another model, or of other libraries");
    }
    *ret_state = s;
    return 0;
}

struct state *state_detach(struct state *s)
{
    if (s)
        kept_unmap(s, s->arena.size + s->beside);
    return NULL;
}

static void reset_runtime(struct state *s, const struct job *job, int64_t member)
{
    const struct clock *clock = &job->clocks[job->main_clock];
    s->runtime = (struct simlab_runtime){.step = -1,
                                         .nsteps = clock->n - 1,
                                         .step_start = NAN,
                                         .step_end = NAN,
                                         .step_delta = NAN,
                                         .sim_start = clock->values[0],
                                         .sim_end = clock->values[clock->n - 1],
                                         .batch = member,
                                         .batch_size = job->expected,
                                         .main_clock = s->main_clock,
                                         .main_clock_size = clock->n};
}

void state_reset(struct state *s, const struct program *p, int64_t member)
{
    s->member = member;
    s->next = 0;
    s->bytes = 0;
    s->stamp++;
    for (int i = 0; i < p->model->n_slots; i++) {
        kept_leave(s, &s->values[i]);
        value_reset(&s->values[i], p->model->slots[i].declared);
    }
    for (int i = 0; i < p->n_cached; i++)
        atomic_store_explicit(&s->computed[i].done, 0, memory_order_relaxed);
    for (int c = 0; c < s->n_clocks; c++)
        s->saved[c] = 0;
    reset_runtime(s, p->job, member);
    for (int i = 0; i < p->model->n_processes; i++) {
        struct process_state *ps = &s->processes[i];
        ps->called = ps->is_hushed = ps->has_new_inputs = false;
        random_key(p->job->seed, member, p->model->processes[i].name, ps->random_key);
        if (ps->instance)
            memset(ps->instance, 0, p->processes[i].instance_size);
    }
}

size_t state_bytes(const struct state *s)
{
    return s->arena.used;
}

/* Somebody may let go what he kept meanwhile, in a thread of his own. */
void state_save(struct state *s, void *ret)
{
    lock_hold(&s->keeping, 1);
    lock_hold(&s->arena.lock, 1);
    memcpy(ret, s, s->arena.used);
    lock_release(&s->arena.lock);
    lock_release(&s->keeping);
}

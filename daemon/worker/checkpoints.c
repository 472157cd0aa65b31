/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/checkpoints.h"

#include "worker/checkpoint_kept.h"

#include "base/file.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/thread.h"
#include "worker/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct checkpoints {
    const struct job *job;
    char *path;      /* of the store */
    char *directory; /* of the files */
    char *kept;      /* of those that are kept */
    int store;       /* a descriptor of the store's directory: struct checkpoint_writing */
    char fits[HASH_TEXT_SIZE], kept_fits[HASH_TEXT_SIZE];
    int64_t last_at; /* loop_now() of the last that was saved, or of the member's begin */
    bool is_owed;    /* one was due while another was written */
    bool is_ready;   /* checkpoints_prepare, for this member */

    /* What is written: the thread's while is_given. */
    struct checkpoint_content content;
    unsigned what;
    char *state;
    size_t capacity;
    struct buffer outputs, lines;
    atomic_bool is_void, is_hurried;

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_given, is_ending;
    bool is_empty;        /* what is given: only memory, whose pages are to be made */
    int failure;          /* of the last */
    int64_t saved_member; /* of whom there is one; -1: of nobody */
};

static char *path_of(const struct checkpoints *c, int64_t member)
{
    return mem_printf("%s/%" PRId64, c->directory, member);
}

/* ---- the thread aside ---- */

static int write_at(struct checkpoints *c, const char *directory, const char *path,
                    const char *fits, const atomic_bool *is_void)
{
    const struct checkpoint_writing how = {.directory = c->store, .is_void = is_void};
    int r = mkdir(directory, 0777) < 0 && errno != EEXIST ? -errno : 0;
    memcpy(c->content.fits, fits, sizeof c->content.fits);
    return r ? r : checkpoint_file_write(path, &c->content, &how);
}

/* What is kept outlives the member, so that its end does not make it void. */
static int write_kept(struct checkpoints *c)
{
    static const atomic_bool never = false;
    char *path = job_kept_path(c->path, c->content.member, c->content.steps);
    int r = write_at(c, c->kept, path, c->kept_fits, &never);
    free(path);
    return r;
}

static int write_one(struct checkpoints *c)
{
    int r = c->what & CHECKPOINT_KEPT ? write_kept(c) : 0;
    if (r || !(c->what & CHECKPOINT_NEXT))
        return r;
    char *path = path_of(c, c->content.member);
    r = write_at(c, c->directory, path, c->fits, &c->is_void);
    free(path);
    return r;
}

/* Until one is to be saved: pages that are left are made by its copy. */
static void make_pages(struct checkpoints *c)
{
    enum { PIECE = 1 << 21 };
    for (size_t done = 0; done < c->capacity && !atomic_load(&c->is_hurried); done += PIECE)
        memset(c->state + done, 0, c->capacity - done < PIECE ? c->capacity - done : PIECE);
}

static void *run(void *userdata)
{
    struct checkpoints *c = userdata;
    pthread_mutex_lock(&c->mutex);
    while (!c->is_ending) {
        if (!c->is_given) {
            pthread_cond_wait(&c->changed, &c->mutex);
            continue;
        }
        pthread_mutex_unlock(&c->mutex);
        int r = 0;
        if (c->is_empty)
            make_pages(c);
        else
            r = write_one(c);
        pthread_mutex_lock(&c->mutex);
        c->is_given = false;
        if (r == 0 && !c->is_empty && c->what & CHECKPOINT_NEXT)
            c->saved_member = c->content.member;
        else if (r < 0 && r != -ECANCELED)
            c->failure = r;
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static int start_thread(struct checkpoints *c)
{
    int r = thread_start(run, c, &c->thread);
    c->has_thread = r == 0;
    return r;
}

static bool is_writing(struct checkpoints *c)
{
    pthread_mutex_lock(&c->mutex);
    bool writing = c->is_given && !c->is_empty;
    pthread_mutex_unlock(&c->mutex);
    return writing;
}

/* ---- life ---- */

static void hash_what_fits(struct checkpoints *c)
{
    char *document = json_canonical(c->job->document), *prints = fingerprint();
    char *all = mem_printf("%s\n%s\n%s", SIMLAB_VERSION, prints, document);
    hash_bytes(all, strlen(all), c->fits);
    free(all);
    free(prints);
    free(document);
}

int checkpoints_new(const struct job *job, const char *store, bool is_durable,
                    struct checkpoints **ret, struct error *e)
{
    struct checkpoints *c = mem_new(sizeof *c);
    c->job = job;
    c->store = -1;
    c->saved_member = -1;
    c->path = mem_strdup(store);
    c->directory = mem_printf("%s.sync/.checkpoints", store);
    c->kept = mem_printf("%s" JOB_KEPT_SUFFIX, store);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->changed, NULL);
    hash_what_fits(c);
    if (job->checkpoint.n_keep > 0)
        checkpoint_kept_hash(job, c->kept_fits);
    int r = 0;
    if (is_durable && (c->store = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        r = -errno;
    if (r == 0)
        r = start_thread(c);
    if (r < 0) {
        checkpoints_free(c);
        return error_errno(e, r, "prepare checkpoints");
    }
    *ret = c;
    return 0;
}

struct checkpoints *checkpoints_free(struct checkpoints *c)
{
    if (!c)
        return NULL;
    pthread_mutex_lock(&c->mutex);
    c->is_ending = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    pthread_mutex_destroy(&c->mutex);
    pthread_cond_destroy(&c->changed);
    if (c->store >= 0)
        close(c->store);
    if (c->state)
        munmap(c->state, c->capacity);
    buffer_free(&c->outputs);
    buffer_free(&c->lines);
    free(c->directory);
    free(c->kept);
    free(c->path);
    free(c);
    return NULL;
}

/* ---- saving ---- */

void checkpoints_begin(struct checkpoints *c)
{
    c->last_at = loop_now();
    c->is_owed = false;
    c->is_ready = false;
    atomic_store(&c->is_void, false);
}

static bool is_kept(const struct job_checkpoint *j, int64_t steps)
{
    for (int i = 0; i < j->n_keep; i++)
        if (j->keep[i] == steps)
            return true;
    return false;
}

unsigned checkpoints_due(struct checkpoints *c, int64_t steps)
{
    const struct job_checkpoint *j = &c->job->checkpoint;
    bool due = c->is_owed || (j->steps > 0 && steps % j->steps == 0);
    if (!due && j->seconds > 0)
        due = (double)(loop_now() - c->last_at) >= j->seconds * 1000;
    c->is_owed = due && is_writing(c);
    return (due && !c->is_owed ? CHECKPOINT_NEXT : 0u) | (is_kept(j, steps) ? CHECKPOINT_KEPT : 0u);
}

/* Memory of its own, which is kept: pages are made once. */
static int make_room(struct checkpoints *c, size_t n)
{
    if (n <= c->capacity)
        return 0;
    if (c->state)
        munmap(c->state, c->capacity);
    c->capacity = 0;
    c->state = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->state == MAP_FAILED) {
        c->state = NULL;
        return -ENOMEM;
    }
    madvise(c->state, n, MADV_HUGEPAGE);
    c->capacity = n;
    return 0;
}

static void give(struct checkpoints *c, bool is_empty)
{
    pthread_mutex_lock(&c->mutex);
    c->is_empty = is_empty;
    c->is_given = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

bool checkpoints_are_ready(const struct checkpoints *c)
{
    return c->is_ready;
}

/* A quarter more than now, since states grow. Where there is no memory, the next that is saved
 * tells of it. */
void checkpoints_prepare(struct checkpoints *c, const struct simulation *s)
{
    if (is_writing(c))
        return;
    c->is_ready = true;
    atomic_store(&c->is_hurried, false);
    size_t n = simulation_saved_bytes(s);
    if (n > c->capacity && make_room(c, n + n / 4) == 0)
        give(c, true);
}

int checkpoints_save(struct checkpoints *c, struct simulation *s, const struct output_writer *g,
                     int64_t member, int64_t steps, unsigned what,
                     const struct checkpoint_lines *lines, struct error *e)
{
    atomic_store(&c->is_hurried, true);
    checkpoints_finish(c, member, false); /* it is idle, unless this one cannot wait */
    int r = simulation_save_instances(s, e);
    size_t n = r ? 0 : simulation_saved_bytes(s);
    c->last_at = loop_now();
    if (r == 0 && make_room(c, n) < 0)
        r = error_set(e, -ENOMEM, NULL, "there is no memory to copy a state of %zu bytes", n);
    if (r)
        return r;
    simulation_save(s, c->state);
    buffer_clear(&c->outputs);
    output_writer_save(g, member, &c->outputs);
    buffer_clear(&c->lines);
    buffer_append(&c->lines, lines->text->data, lines->text->size);
    c->content = (struct checkpoint_content){.member = member,
                                             .steps = steps,
                                             .state = c->state,
                                             .n_state = n,
                                             .outputs = c->outputs.data,
                                             .n_outputs = c->outputs.size,
                                             .n_lines = lines->n,
                                             .lines = c->lines.data,
                                             .n_lines_bytes = c->lines.size};
    c->what = what;
    give(c, false);
    return 0;
}

int checkpoints_failure(struct checkpoints *c, struct error *e)
{
    pthread_mutex_lock(&c->mutex);
    int r = c->failure;
    c->failure = 0;
    pthread_mutex_unlock(&c->mutex);
    return error_errno(e, r, "write it");
}

bool checkpoints_finish(struct checkpoints *c, int64_t member, bool is_void)
{
    if (is_void) {
        atomic_store(&c->is_void, true);
        atomic_store(&c->is_hurried, true);
    }
    pthread_mutex_lock(&c->mutex);
    while (c->is_given)
        pthread_cond_wait(&c->changed, &c->mutex);
    bool has_one = c->saved_member == member;
    pthread_mutex_unlock(&c->mutex);
    return has_one;
}

/* ---- what is there ---- */

int checkpoints_read(const struct checkpoints *c, int64_t member, struct checkpoint_content *ret,
                     void **ret_memory, struct error *e)
{
    char *path = path_of(c, member);
    void *memory = NULL;
    int r = checkpoint_file_read(path, ret, &memory, e);
    free(path);
    if (r == 0 && (ret->member != member || strcmp(ret->fits, c->fits) != 0))
        r = error_set(e, WORKER_REFUSED, NULL,
                      "its checkpoint is of another job, another release, or another machine");
    if (r)
        free(memory);
    else
        *ret_memory = memory;
    return r;
}

void checkpoints_remove(struct checkpoints *c, int64_t member)
{
    char *path = path_of(c, member);
    unlink(path);
    free(path);
    pthread_mutex_lock(&c->mutex);
    if (c->saved_member == member)
        c->saved_member = -1;
    pthread_mutex_unlock(&c->mutex);
}

void checkpoints_remove_all(const struct checkpoints *c)
{
    file_remove_tree(c->directory);
    file_remove_tree(c->kept);
}

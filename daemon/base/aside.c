/* SPDX-License-Identifier: Apache-2.0 */
#include "base/aside.h"

#include "base/loop.h"
#include "base/mem.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct entry {
    aside_fn work, done;
    void *task;
    struct entry *next;
};

/* First in, first out. */
struct line {
    struct entry *first, **end;
};

struct aside {
    struct loop *loop;
    int finished_fd; /* an eventfd: something is in `finished` */
    size_t n_waiting;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    struct line given, finished; /* under the mutex, like what follows */
    bool ends;
    int n_threads;
    pthread_t threads[];
};

static void line_add(struct line *l, struct entry *e)
{
    e->next = NULL;
    if (l->first)
        *l->end = e;
    else
        l->first = e;
    l->end = &e->next;
}

static struct entry *line_take(struct line *l)
{
    struct entry *e = l->first;
    if (e)
        l->first = e->next;
    return e;
}

/* ---- the threads ---- */

static struct entry *next_given(struct aside *a)
{
    pthread_mutex_lock(&a->mutex);
    while (!a->given.first && !a->ends)
        pthread_cond_wait(&a->news, &a->mutex);
    struct entry *e = line_take(&a->given);
    pthread_mutex_unlock(&a->mutex);
    return e;
}

static void *run(void *aside)
{
    struct aside *a = aside;
    struct entry *e;
    while ((e = next_given(a))) {
        e->work(e->task);
        pthread_mutex_lock(&a->mutex);
        line_add(&a->finished, e);
        pthread_mutex_unlock(&a->mutex);
        mem_assert(eventfd_write(a->finished_fd, 1) == 0);
    }
    return NULL;
}

static int start_thread(struct aside *a)
{
    int r = thread_start(run, a, &a->threads[a->n_threads]);
    a->n_threads += r == 0;
    return r;
}

/* ---- the loop's side ---- */

static void tell_finished(struct aside *a)
{
    struct line finished;
    pthread_mutex_lock(&a->mutex);
    finished = a->finished;
    a->finished.first = NULL;
    pthread_mutex_unlock(&a->mutex);
    struct entry *e = finished.first;
    while (e) {
        struct entry *next = e->next;
        a->n_waiting--;
        e->done(e->task);
        free(e);
        e = next;
    }
}

static void on_finished(void *aside, uint32_t events)
{
    (void)events;
    struct aside *a = aside;
    eventfd_t n;
    if (eventfd_read(a->finished_fd, &n) == 0)
        tell_finished(a);
}

int aside_new(struct loop *loop, int n_threads, struct aside **ret_aside)
{
    mem_assert(n_threads > 0);
    struct aside *a = mem_new(sizeof *a + (size_t)n_threads * sizeof *a->threads);
    a->loop = loop;
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->news, NULL);
    a->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = a->finished_fd < 0 ? -errno : 0;
    if (r == 0)
        r = loop_add_fd(loop, a->finished_fd, EPOLLIN, on_finished, a);
    for (int i = 0; i < n_threads && r == 0; i++)
        r = start_thread(a);
    if (r < 0) {
        aside_free(a);
        return r;
    }
    *ret_aside = a;
    return 0;
}

static void end_threads(struct aside *a)
{
    pthread_mutex_lock(&a->mutex);
    a->ends = true;
    pthread_cond_broadcast(&a->news);
    pthread_mutex_unlock(&a->mutex);
    for (int i = 0; i < a->n_threads; i++)
        pthread_join(a->threads[i], NULL);
}

struct aside *aside_free(struct aside *a)
{
    if (!a)
        return NULL;
    end_threads(a);
    tell_finished(a);
    if (a->finished_fd >= 0) {
        loop_remove_fd(a->loop, a->finished_fd);
        close(a->finished_fd);
    }
    pthread_cond_destroy(&a->news);
    pthread_mutex_destroy(&a->mutex);
    free(a);
    return NULL;
}

void aside_run(struct aside *a, aside_fn work, aside_fn done, void *task)
{
    struct entry *e = mem_new(sizeof *e);
    *e = (struct entry){.work = work, .done = done, .task = task};
    a->n_waiting++;
    pthread_mutex_lock(&a->mutex);
    line_add(&a->given, e);
    pthread_cond_signal(&a->news);
    pthread_mutex_unlock(&a->mutex);
}

size_t aside_waiting(const struct aside *a)
{
    return a->n_waiting;
}

void aside_finish(struct aside *a)
{
    while (a->n_waiting > 0) {
        struct pollfd p = {.fd = a->finished_fd, .events = POLLIN};
        poll(&p, 1, -1);
        on_finished(a, 0);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct loop_source {
    int fd; /* -1: removed, freed after the turn */
    loop_fd_fn fn;
    void *userdata;
    struct loop_source *next;
};

struct loop_tick {
    loop_tick_fn fn;
    void *userdata;
};

struct loop {
    int epoll;
    bool stopped;
    bool has_removed;
    int64_t due;
    struct loop_source *sources;
    struct loop_tick *ticks;
    size_t n_ticks;
    int64_t longest_us; /* of processor time that a turn took */
};

int64_t loop_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int loop_new(struct loop **ret_loop)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return -errno;
    struct loop *loop = mem_new(sizeof *loop);
    loop->epoll = epoll;
    *ret_loop = loop;
    return 0;
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    while (loop->sources) {
        struct loop_source *s = loop->sources;
        loop->sources = s->next;
        free(s);
    }
    free(loop->ticks);
    close(loop->epoll);
    free(loop);
    return NULL;
}

int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn, void *userdata)
{
    struct loop_source *s = mem_new(sizeof *s);
    *s = (struct loop_source){.fd = fd, .fn = fn, .userdata = userdata, .next = loop->sources};
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(s);
        return -errno;
    }
    loop->sources = s;
    return 0;
}

void loop_remove_fd(struct loop *loop, int fd)
{
    for (struct loop_source *s = loop->sources; s; s = s->next) {
        if (s->fd == fd) {
            epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
            s->fd = -1;
            loop->has_removed = true;
            return;
        }
    }
}

void loop_add_tick(struct loop *loop, loop_tick_fn fn, void *userdata)
{
    loop->ticks = mem_resize(loop->ticks, loop->n_ticks + 1, sizeof *loop->ticks);
    loop->ticks[loop->n_ticks++] = (struct loop_tick){fn, userdata};
    loop->due = 0;
}

void loop_due(struct loop *loop, int64_t at)
{
    if (at < loop->due)
        loop->due = at;
}

static void free_removed(struct loop *loop)
{
    struct loop_source **link = &loop->sources;
    while (*link) {
        struct loop_source *s = *link;
        if (s->fd >= 0) {
            link = &s->next;
        } else {
            *link = s->next;
            free(s);
        }
    }
    loop->has_removed = false;
}

static int wait_ms(const struct loop *loop, int timeout_ms)
{
    int64_t left = loop->due - loop_now();
    int due = left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
    return timeout_ms >= 0 && timeout_ms < due ? timeout_ms : due;
}

static int64_t processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_turn(struct loop *loop, struct epoll_event *events, int n)
{
    for (int i = 0; i < n; i++) {
        struct loop_source *s = events[i].data.ptr;
        if (s->fd >= 0)
            s->fn(s->userdata, events[i].events);
    }
    if (loop->has_removed)
        free_removed(loop);
    int64_t now = loop_now();
    loop->due = INT64_MAX;
    for (size_t i = 0; i < loop->n_ticks; i++) {
        int64_t due = loop->ticks[i].fn(loop->ticks[i].userdata, now);
        if (due < loop->due)
            loop->due = due;
    }
    if (loop->has_removed)
        free_removed(loop);
}

int loop_turn(struct loop *loop, int timeout_ms)
{
    struct epoll_event events[64];
    int n = epoll_wait(loop->epoll, events, 64, wait_ms(loop, timeout_ms));
    if (n < 0 && errno != EINTR)
        return -errno;
    int64_t began = processor_us();
    run_turn(loop, events, n);
    int64_t took = processor_us() - began;
    if (took > loop->longest_us)
        loop->longest_us = took;
    return 0;
}

int64_t loop_longest_turn(const struct loop *loop)
{
    return loop->longest_us;
}

int loop_run(struct loop *loop)
{
    int r = 0;
    while (r == 0 && !loop->stopped)
        r = loop_turn(loop, -1);
    return r;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "library/watch.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SETTLES (IN_CLOSE_WRITE | IN_MOVED_TO)
#define CHANGES (SETTLES | IN_CREATE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM)
#define ENDS    (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW)

struct watch {
    struct loop *loop;
    int fd;
    const char *const *directories;
    int *numbers; /* of each directory, as the kernel calls it; -1: it is not watched */
    int n;
    watch_fn fn;
    void *userdata;
};

static void on_event(struct watch *w, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        w->fn(w->userdata, -1, NULL, false);
    for (int i = 0; i < w->n; i++) {
        if (w->numbers[i] != event->wd)
            continue;
        if (event->mask & ENDS)
            w->numbers[i] = -1;
        w->fn(w->userdata, i, event->len > 0 ? event->name : NULL, event->mask & SETTLES);
    }
}

static void on_readable(void *watch, uint32_t events)
{
    struct watch *w = watch;
    char bytes[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;
    (void)events;
    while ((n = read(w->fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
            on_event(w, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

int watch_open(struct loop *loop, const char *const *directories, watch_fn fn, void *userdata,
               struct watch **ret_watch)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    int r = 0, n = 0;
    while (directories[n])
        n++;
    struct watch *w = mem_new(sizeof *w);
    *w = (struct watch){.loop = loop,
                        .fd = fd,
                        .directories = directories,
                        .numbers = mem_array((size_t)n, sizeof *w->numbers),
                        .n = n,
                        .fn = fn,
                        .userdata = userdata};
    for (int i = 0; i < n; i++)
        w->numbers[i] = -1;
    r = loop_add_fd(loop, fd, EPOLLIN, on_readable, w);
    if (r < 0) {
        w->loop = NULL;
        watch_close(w);
        return r;
    }
    *ret_watch = w;
    return 0;
}

struct watch *watch_close(struct watch *w)
{
    if (!w)
        return NULL;
    if (w->loop)
        loop_remove_fd(w->loop, w->fd);
    close(w->fd);
    free(w->numbers);
    free(w);
    return NULL;
}

void watch_renew(struct watch *w)
{
    for (int i = 0; i < w->n; i++)
        if (w->numbers[i] < 0)
            w->numbers[i] = inotify_add_watch(w->fd, w->directories[i], CHANGES | IN_ONLYDIR);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/lead.h"

#include "base/mem.h"
#include "base/thread.h"
#include "stage/stage.h"
#include "worker/clean_room.h"
#include "worker/offer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LANES_MOST = 64 };

struct lead {
    struct lead_events events;
    pthread_t thread;
    bool has_thread;
    int ends; /* an eventfd: the thread is to end */
    struct stage_share share;
    int n;                             /* lanes that are offered */
    struct pollfd fds[LANES_MOST + 2]; /* of these, `ends`, where helpers connect */
    bool has_joined[LANES_MOST];
    bool listens;
    int places[LANES_MOST]; /* then: descriptors that their sockets take the places of */
};

static void on_message(struct lead *l, int lane, const struct offer_message *m)
{
    if (m->word == OFFER_JOINED)
        l->has_joined[lane] = true;
    else if (m->word == OFFER_LEFT)
        l->has_joined[lane] = false;
    else if (m->word == OFFER_ABANDONED)
        l->events.abandon(l->events.userdata, m->member, &m->why);
}

/* Who has not joined has declined, or has left, or there never was anybody. */
static void on_close(struct lead *l, int lane)
{
    if (l->listens)
        dup3(l->ends, l->places[lane], O_CLOEXEC);
    else
        close(l->fds[lane].fd);
    l->fds[lane].fd = -1; /* poll leaves it out, and another may have the lane */
    if (l->has_joined[lane])
        l->events.lost(l->events.userdata, "a helper of it has ended");
}

static void hear(struct lead *l, int lane)
{
    struct offer_message m;
    ssize_t n = recv(l->fds[lane].fd, &m, sizeof m, MSG_DONTWAIT);
    if (n == (ssize_t)sizeof m) {
        m.why.message[sizeof m.why.message - 1] = '\0';
        m.why.pointer[sizeof m.why.pointer - 1] = '\0';
        on_message(l, lane, &m);
    } else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        on_close(l, lane);
    }
}

static int free_lane(const struct lead *l)
{
    for (int i = 0; i < l->n; i++)
        if (l->fds[i].fd < 0)
            return i;
    return -1;
}

/* Where there is no lane, it learns so by the end of the connection. */
static void on_connect(struct lead *l)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int lane = free_lane(l), fd = -1;
    int connection = accept4(l->fds[l->n + 1].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0)
        return;
    if (lane >= 0 && getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        peer.uid == geteuid() && offer_send(connection, &l->share, lane + 1, &fd) == 0) {
        l->fds[lane].fd = dup3(fd, l->places[lane], O_CLOEXEC);
        l->has_joined[lane] = false;
        close(fd);
    }
    close(connection);
}

static void *watch(void *userdata)
{
    struct lead *l = userdata;
    for (;;) {
        if (poll(l->fds, (nfds_t)l->n + 2, -1) <= 0)
            continue;
        if (l->fds[l->n].revents)
            return NULL; /* it is over, whatever they do */
        for (int i = 0; i < l->n; i++)
            if (l->fds[i].revents)
                hear(l, i);
        if (l->fds[l->n + 1].revents)
            on_connect(l);
    }
}

static int start_thread(struct lead *l)
{
    int r = thread_start(watch, l, &l->thread);
    l->has_thread = r == 0;
    return r;
}

static int listen_at(struct lead *l, int socket)
{
    l->listens = true;
    l->fds[l->n + 1].fd = socket;
    int r = 0;
    for (int i = 0; i < l->n; i++) {
        l->places[i] = fcntl(l->ends, F_DUPFD_CLOEXEC, 0);
        r = l->places[i] < 0 ? -errno : r;
    }
    return r;
}

static int offer_all(struct lead *l, int socket)
{
    int r = 0;
    for (int i = 0; i < l->n && r == 0; i++)
        r = offer_send(socket, &l->share, i + 1, &l->fds[i].fd);
    return r;
}

int lead_new(const struct simulation *s, int socket, bool listens, const struct lead_events *events,
             struct lead **ret_lead, struct error *e)
{
    struct stage_share share;
    *ret_lead = NULL;
    if (!simulation_share(s, &share))
        return 0;
    struct lead *l = mem_new(sizeof *l);
    l->events = *events;
    l->ends = eventfd(0, EFD_CLOEXEC);
    int r = l->ends < 0 ? -errno : 0;
    l->share = share;
    l->n = share.n_lanes - 1 < LANES_MOST ? share.n_lanes - 1 : LANES_MOST;
    for (int i = 0; i < l->n + 2; i++)
        l->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    l->fds[l->n].fd = l->ends;
    if (listens)
        r = r ? r : listen_at(l, socket);
    else if (r == 0)
        r = offer_all(l, socket);
    if (r == 0)
        r = start_thread(l);
    if (r < 0) {
        lead_free(l);
        return error_errno(e, r, "offer lanes to helpers");
    }
    *ret_lead = l;
    return 0;
}

void lead_settle(const struct lead *l, struct clean_room *room)
{
    clean_room_settle(room);
    for (int i = 0; l && l->listens && i < l->n; i++)
        clean_room_let_be(room, l->places[i]);
}

struct lead *lead_free(struct lead *l)
{
    if (!l)
        return NULL;
    if (l->has_thread) {
        eventfd_write(l->ends, 1);
        pthread_join(l->thread, NULL);
    }
    for (int i = 0; i < l->n; i++) {
        int fd = l->listens ? l->places[i] : l->fds[i].fd;
        if (fd >= 0)
            close(fd);
    }
    if (l->ends >= 0)
        close(l->ends);
    free(l);
    return NULL;
}

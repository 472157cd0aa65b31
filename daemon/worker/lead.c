/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/lead.h"

#include "base/mem.h"
#include "base/thread.h"
#include "stage/stage.h"
#include "worker/offer.h"

#include <errno.h>
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
    int ends;                          /* an eventfd: the thread is to end */
    int n;                             /* lanes that were offered */
    struct pollfd fds[LANES_MOST + 1]; /* of these, and then `ends` */
    bool has_joined[LANES_MOST];
};

static void on_message(struct lead *l, int lane, const struct offer_message *m)
{
    if (m->word == OFFER_JOINED)
        l->has_joined[lane] = true;
    else if (m->word == OFFER_ABANDONED)
        l->events.abandon(l->events.userdata, m->member, &m->why);
}

/* Who has not joined has declined, or there never was anybody. */
static void on_close(struct lead *l, int lane)
{
    l->fds[lane].fd = -1 - l->fds[lane].fd; /* poll leaves negative ones out */
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

static void *watch(void *userdata)
{
    struct lead *l = userdata;
    for (;;) {
        if (poll(l->fds, (nfds_t)l->n + 1, -1) <= 0)
            continue;
        if (l->fds[l->n].revents)
            return NULL; /* it is over, whatever they do */
        for (int i = 0; i < l->n; i++)
            if (l->fds[i].revents)
                hear(l, i);
    }
}

static int start_thread(struct lead *l)
{
    int r = thread_start(watch, l, &l->thread);
    l->has_thread = r == 0;
    return r;
}

int lead_new(const struct simulation *s, int socket, const struct lead_events *events,
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
    for (int lane = 1; lane < share.n_lanes && lane <= LANES_MOST && r == 0; lane++) {
        l->fds[l->n].events = POLLIN;
        r = offer_send(socket, &share, lane, &l->fds[l->n].fd);
        l->n += r == 0;
    }
    l->fds[l->n] = (struct pollfd){.fd = l->ends, .events = POLLIN};
    if (r == 0)
        r = start_thread(l);
    if (r < 0) {
        lead_free(l);
        return error_errno(e, r, "offer lanes to helpers");
    }
    *ret_lead = l;
    return 0;
}

struct lead *lead_free(struct lead *l)
{
    if (!l)
        return NULL;
    if (l->has_thread) {
        eventfd_write(l->ends, 1);
        pthread_join(l->thread, NULL);
    }
    for (int i = 0; i < l->n; i++)
        close(l->fds[i].fd < 0 ? -1 - l->fds[i].fd : l->fds[i].fd);
    if (l->ends >= 0)
        close(l->ends);
    free(l);
    return NULL;
}

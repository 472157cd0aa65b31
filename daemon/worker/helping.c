/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/helping.h"

#include "base/thread.h"
#include "stage/helper.h"
#include "worker/fault.h"
#include "worker/job_code.h"
#include "worker/offer.h"
#include "worker/result.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RETRY_MS = 20 };

struct helping {
    struct stage_share share;
    int lane;
    int lead; /* a socket */
    int stop; /* can be read: it is to come back; -1 */
    struct job_code code;
    struct helper *helper;
    pthread_t thread;
};

static void say(const struct helping *h, const struct offer_message *m)
{
    if (send(h->lead, m, sizeof *m, MSG_NOSIGNAL) < 0)
        return; /* it is gone, and we are told so */
}

/* Its code would go on to write more than there can be: it does not go on. */
static void on_abandon(void *userdata, int64_t member, const struct error *why)
{
    const struct offer_message m = {.word = OFFER_ABANDONED, .member = member, .why = *why};
    say(userdata, &m);
    fflush(stdout); /* what it has printed */
    for (;;)
        pause(); /* the lead ends, and we with it */
}

/* False once it is gone, or we have shut it. */
static bool lead_is_there(const struct helping *h)
{
    char byte;
    ssize_t n = recv(h->lead, &byte, sizeof byte, MSG_DONTWAIT);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Until the lead is gone, or we are. What is at home here goes at its time, which nobody tells. */
static void *watch(void *userdata)
{
    struct helping *h = userdata;
    bool is_asked = false, has_left = false;
    for (;;) {
        struct pollfd fds[] = {{.fd = h->lead, .events = POLLIN},
                               {.fd = is_asked ? -1 : h->stop, .events = POLLIN}};
        int n = poll(fds, 2, is_asked && !has_left ? RETRY_MS : -1);
        if (n > 0 && fds[0].revents && !lead_is_there(h))
            break;
        is_asked = is_asked || (n > 0 && fds[1].revents);
        if (is_asked && !has_left)
            has_left = helper_try_leave(h->helper);
    }
    helper_leave(h->helper);
    return NULL;
}

static int help(struct helping *h, struct clean_room *room, struct error *e)
{
    struct error why = {.message = ""};
    int r = thread_start(watch, h, &h->thread);
    if (r < 0)
        return error_errno(e, r, "begin a thread");
    clean_room_settle(room);
    clean_room_enter(room, &h->code.imports);
    say(h, &(struct offer_message){.word = OFFER_JOINED});
    helper_run(h->helper);
    say(h, &(struct offer_message){.word = OFFER_LEFT});
    shutdown(h->lead, SHUT_RD);
    pthread_join(h->thread, NULL);
    if (!clean_room_leave(room, &h->code.imports, &why))
        return 0;
    *e = why;
    return WORKER_RENEW;
}

static int join(struct helping *h, const struct job *job, const struct libraries *l,
                struct position_board *board, struct error *e)
{
    int r = job_code_find(job, l, &h->code, e);
    const struct helper_options options = {
        .share = h->share, .lane = h->lane, .board = board, .abandon = on_abandon, .userdata = h};
    if (r == 0 && board)
        fault_watch(board);
    if (r == 0)
        r = worker_result_of_user(
            helper_new(job, h->code.codes, h->code.hooks, &options, &h->helper, e));
    return r;
}

/* -EPIPE where it is to come back before there was an offer. */
static int await_offer(struct helping *h, int socket)
{
    struct pollfd fds[] = {{.fd = socket, .events = POLLIN}, {.fd = h->stop, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    return fds[1].revents ? -EPIPE : offer_receive(socket, &h->share, &h->lane, &h->lead);
}

int helping_run(const struct job *job, const struct libraries *l, struct clean_room *room,
                int socket, int stop, struct position_board *board, struct error *e)
{
    struct helping h = {.lead = -1, .stop = stop};
    int r = await_offer(&h, socket);
    if (r == -EPIPE)
        return 0;
    if (r < 0)
        return error_errno(e, r, "receive an offer");
    r = join(&h, job, l, board, e);
    close(h.share.descriptor);
    if (r == 0)
        r = help(&h, room, e);
    helper_free(h.helper);
    job_code_clear(&h.code);
    close(h.lead);
    return r;
}

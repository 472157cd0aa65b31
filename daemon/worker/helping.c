/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/helping.h"

#include "base/thread.h"
#include "stage/helper.h"
#include "worker/fault.h"
#include "worker/job_code.h"
#include "worker/offer.h"
#include "worker/result.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct helping {
    struct stage_share share;
    int lane;
    int lead; /* a socket */
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

/* Until the lead is gone, or we are. */
static void *watch(void *userdata)
{
    struct helping *h = userdata;
    char byte;
    while (recv(h->lead, &byte, sizeof byte, 0) > 0 || errno == EINTR)
        errno = 0;
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
    shutdown(h->lead, SHUT_RD);
    pthread_join(h->thread, NULL);
    return clean_room_leave(room, &h->code.imports, &why) ? WORKER_RENEW : 0;
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

int helping_run(const struct job *job, const struct libraries *l, struct clean_room *room,
                int socket, struct position_board *board, struct error *e)
{
    struct helping h = {.lead = -1};
    int r = offer_receive(socket, &h.share, &h.lane, &h.lead);
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

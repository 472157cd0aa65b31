/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/offer.h"

#include "model/job.h"
#include "stage/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct body {
    uint64_t address, size;
    int32_t n_lanes, lane;
};

enum { DESCRIPTORS = 2 }; /* memory, socket */

union control {
    char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
};

int offer_send(int socket, const struct stage_share *share, int lane, int *ret_fd)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    const int descriptors[DESCRIPTORS] = {share->descriptor, ends[1]};
    struct body body = {(uintptr_t)share->address, share->size, share->n_lanes, lane};
    union control control = {.bytes = {0}};
    struct iovec part = {&body, sizeof body};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof descriptors),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), descriptors, sizeof descriptors);
    int r = sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
    close(ends[1]);
    if (r < 0)
        close(ends[0]);
    else
        *ret_fd = ends[0];
    return r;
}

static int take_descriptors(struct msghdr *m, int ret[DESCRIPTORS])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return -EPROTO;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    int all[DESCRIPTORS];
    memcpy(all, CMSG_DATA(c), (n < DESCRIPTORS ? n : DESCRIPTORS) * sizeof(int));
    if (n == DESCRIPTORS) {
        memcpy(ret, all, sizeof all);
        return 0;
    }
    for (size_t i = 0; i < n && i < DESCRIPTORS; i++)
        close(all[i]);
    return -EPROTO;
}

/* Of who is in the same job, but may be another program's by mistake. */
static bool is_sound(const struct body *b, int memory)
{
    struct stat st;
    return b->n_lanes <= JOB_MOST_LANES && b->lane >= 1 && b->lane < b->n_lanes && b->size > 0 &&
           fstat(memory, &st) == 0 && st.st_size >= 0 && (uint64_t)st.st_size >= b->size;
}

int offer_receive(int socket, struct stage_share *ret_share, int *ret_lane, int *ret_fd)
{
    struct body body;
    union control control;
    struct iovec part = {&body, sizeof body};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    int descriptors[DESCRIPTORS];
    ssize_t n;
    do
        n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -EPIPE;
    int r = take_descriptors(&m, descriptors);
    if (r < 0)
        return r;
    bool is_cut = m.msg_flags & (MSG_TRUNC | MSG_CTRUNC); /* there was more than an offer has */
    if (n != (ssize_t)sizeof body || is_cut || !is_sound(&body, descriptors[0])) {
        close(descriptors[0]);
        close(descriptors[1]);
        return -EPROTO;
    }
    *ret_share = (struct stage_share){.descriptor = descriptors[0],
                                      .address = (void *)(uintptr_t)body.address,
                                      .size = body.size,
                                      .n_lanes = body.n_lanes};
    *ret_lane = body.lane;
    *ret_fd = descriptors[1];
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes that are offered come as they were sent; what is no offer leaves nothing behind. */
#include "worker/offer.h"

#include "stage/stage.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 1 << 16 };

struct body { /* as offer.c sends it */
    uint64_t address, size;
    int32_t n_lanes, lane;
};

static int ends[2], memory;

static void open_ends(void)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    memory = memfd_create("state", 0);
    cr_assert_eq(ftruncate(memory, SIZE), 0);
}

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void send_raw(const void *bytes, size_t n, int n_descriptors)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control = {.bytes = {0}};
    struct iovec part = {(void *)(uintptr_t)bytes, n};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    const int descriptors[] = {memory, memory, memory, memory};
    if (n_descriptors > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE((size_t)n_descriptors * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)n_descriptors * sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), descriptors, (size_t)n_descriptors * sizeof(int));
    }
    cr_assert_eq(sendmsg(ends[0], &m, 0), (ssize_t)n);
}

static void check_refused(const void *bytes, size_t n, int n_descriptors)
{
    struct stage_share share;
    int lane, fd, before = count_descriptors();
    send_raw(bytes, n, n_descriptors);
    cr_assert_eq(offer_receive(ends[1], &share, &lane, &fd), -EPROTO);
    cr_assert_eq(count_descriptors(), before, "a descriptor was left");
}

Test(offer, comes_as_it_was_sent)
{
    int lane = 0, lead, helper;
    open_ends();
    const struct stage_share share = {
        .descriptor = memory, .address = (void *)0x550000000000, .size = SIZE, .n_lanes = 4};
    struct stage_share got;
    cr_assert_eq(offer_send(ends[0], &share, 3, &lead), 0);
    cr_assert_eq(offer_receive(ends[1], &got, &lane, &helper), 0);
    cr_assert_eq(lane, 3);
    cr_assert_eq(got.n_lanes, 4);
    cr_assert_eq(got.size, SIZE);
    cr_assert_eq(got.address, share.address);
    cr_assert_eq(write(helper, "x", 1), 1);
    char byte;
    cr_assert_eq(read(lead, &byte, 1), 1);
    close(ends[0]);
    cr_assert_eq(offer_receive(ends[1], &got, &lane, &helper), -EPIPE);
}

Test(offer, what_is_none_is_refused)
{
    open_ends();
    const struct body good = {0x550000000000, SIZE, 4, 3};
    const struct body wrong[] = {
        {0x550000000000, SIZE, 4, 0},      {0x550000000000, SIZE, 4, 4},
        {0x550000000000, SIZE, 4, -1},     {0x550000000000, SIZE, 65, 3},
        {0x550000000000, 0, 4, 3},         {0x550000000000, SIZE + 1, 4, 3},
        {0x550000000000, UINT64_MAX, 4, 3}};
    const struct body longer[2] = {good};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_refused(&wrong[i], sizeof wrong[i], 2);
    check_refused(&good, sizeof good, 0);
    check_refused(&good, sizeof good, 1);
    check_refused(&good, sizeof good, 3);
    check_refused(&good, sizeof good, 4);
    check_refused(&good, sizeof good - 1, 2);
    check_refused(longer, sizeof good + 1, 2);
    check_refused("x", 1, 2);
}

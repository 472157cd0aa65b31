/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_channel.h"

#include "base/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 65536 };

int run_channel_send(int fd, const struct wire_message *m)
{
    uint32_t size = (uint32_t)wire_size(m);
    if (size == 0)
        return -EMSGSIZE;
    char *bytes = mem_array(1, sizeof size + size);
    memcpy(bytes, &size, sizeof size);
    wire_encode(m, bytes + sizeof size);
    size_t left = sizeof size + size;
    int r = 0;
    for (const char *p = bytes; left > 0 && r == 0;) {
        ssize_t n = write(fd, p, left);
        if (n < 0 && errno != EINTR)
            r = -errno;
        p += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    free(bytes);
    return r;
}

void run_channel_clear(struct run_channel *c)
{
    buffer_free(&c->bytes);
    if (c->fd >= 0)
        close(c->fd);
    *c = (struct run_channel){.fd = -1};
}

/* False too where what stands there is no message. */
static bool is_whole(const struct run_channel *c, uint32_t *ret_size)
{
    size_t there = c->bytes.size - c->taken;
    if (there < sizeof *ret_size)
        return false;
    memcpy(ret_size, c->bytes.data + c->taken, sizeof *ret_size);
    return *ret_size <= WIRE_MAX_TO_DAEMON && there >= sizeof *ret_size + *ret_size;
}

static void drop_taken(struct run_channel *c)
{
    if (c->taken > 0)
        memmove(c->bytes.data, c->bytes.data + c->taken, c->bytes.size - c->taken);
    c->bytes.size -= c->taken;
    c->taken = 0;
}

/* Until there is one message, or nothing more. */
static bool fill(struct run_channel *c, uint32_t *ret_size)
{
    char block[BLOCK];
    ssize_t n = 0;
    drop_taken(c);
    while (!is_whole(c, ret_size) && c->bytes.size <= WIRE_MAX_TO_DAEMON + sizeof *ret_size) {
        n = read(c->fd, block, sizeof block);
        if (n > 0)
            buffer_append(&c->bytes, block, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return false;
    }
    return is_whole(c, ret_size);
}

bool run_channel_next(struct run_channel *c, struct wire_message *ret)
{
    uint32_t size;
    if (!is_whole(c, &size) && !fill(c, &size))
        return false;
    const char *frame = c->bytes.data + c->taken + sizeof size;
    c->taken += sizeof size + size;
    return wire_decode(WIRE_TO_DAEMON, frame, size, ret) == 0;
}

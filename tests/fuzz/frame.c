/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between daemon and workers: what is decoded is encoded to the same bytes. */
#include "fuzz.h"

#include "proto/wire.h"

static void check(const uint8_t *data, size_t size, enum wire_direction direction)
{
    struct wire_message m;
    if (wire_decode(direction, data, size, &m) < 0)
        return;
    size_t again = wire_size(&m);
    mem_assert(again == size);
    void *frame = mem_array(again, 1);
    wire_encode(&m, frame);
    mem_assert(memcmp(frame, data, size) == 0);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, WIRE_TO_DAEMON);
    check(data, size, WIRE_TO_WORKER);
    return 0;
}

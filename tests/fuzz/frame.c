/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between daemon and workers: what is decoded and encoded again stays as it is. (The first
 * encoding may differ from what came: the encoder replaces what is not printable in a LINE.) */
#include "fuzz.h"

#include "proto/wire.h"

/* NULL where the frame is refused. */
static void *again(enum wire_direction direction, const void *data, size_t size, size_t *ret_size)
{
    struct wire_message m;
    if (wire_decode(direction, data, size, &m) < 0)
        return NULL;
    *ret_size = wire_size(&m);
    mem_assert(*ret_size > 0);
    void *frame = mem_array(*ret_size, 1);
    wire_encode(&m, frame);
    return frame;
}

static void check(const uint8_t *data, size_t size, enum wire_direction direction)
{
    size_t first_size, second_size;
    void *first = again(direction, data, size, &first_size);
    if (!first)
        return;
    void *second = again(direction, first, first_size, &second_size);
    mem_assert(second && second_size == first_size && memcmp(first, second, first_size) == 0);
    free(second);
    free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, WIRE_TO_DAEMON);
    check(data, size, WIRE_TO_WORKER);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/checksum.h"

#include "base/mem.h"

#include <stdlib.h>
#include <xxhash.h>

struct checksum {
    XXH64_state_t *state;
};

struct checksum *checksum_new(void)
{
    struct checksum *c = mem_new(sizeof *c);
    c->state = XXH64_createState();
    mem_assert(c->state);
    XXH64_reset(c->state, 0);
    return c;
}

struct checksum *checksum_free(struct checksum *c)
{
    if (c)
        XXH64_freeState(c->state);
    free(c);
    return NULL;
}

void checksum_add(struct checksum *c, const void *data, size_t size)
{
    XXH64_update(c->state, data, size);
}

uint64_t checksum_value(const struct checksum *c)
{
    return XXH64_digest(c->state);
}

uint64_t checksum_of(const void *data, size_t size)
{
    return XXH64(data, size, 0);
}

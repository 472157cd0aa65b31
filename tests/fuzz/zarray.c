/* SPDX-License-Identifier: Apache-2.0 */
/* .zarray texts, and after a NUL the bytes of a chunk that they describe. */
#include "fuzz.h"

#include "store/codec.h"
#include "store/meta.h"

static void decode(const struct store_meta *m, const uint8_t *bytes, size_t size)
{
    struct codec codec;
    struct error e = {.message = ""};
    struct codec_space space = {0};
    if (meta_check(m, &codec, &e) || codec.n > 65536 || codec.itemsize > 64)
        return;
    void *elements = mem_array(codec.n, codec.itemsize);
    codec_decode(&codec, bytes, size, &space, elements);
    free(elements);
    codec_space_clear(&space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {.message = ""};
    struct store_meta m, again;
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    if (meta_read((const char *)data, n, &m, &e))
        return 0;
    if (end)
        decode(&m, end + 1, size - n - 1);
    char *text = meta_write(&m);
    mem_assert(meta_read(text, strlen(text), &again, &e) == 0);
    mem_assert(!meta_difference(&m, &again));
    store_meta_clear(&again);
    store_meta_clear(&m);
    free(text);
    return 0;
}

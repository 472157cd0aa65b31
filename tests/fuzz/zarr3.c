/* SPDX-License-Identifier: Apache-2.0 */
/* zarr.json texts of arrays, and after a NUL the bytes of a chunk that they describe. */
#include "fuzz.h"

#include "store/codec.h"
#include "store/meta.h"
#include "store/zarr3_meta.h"

static void decode(const struct store_meta *m, const uint8_t *bytes, size_t size)
{
    struct codec codec;
    struct error e = {.message = ""};
    struct codec_space space = {0};
    if (meta_check(m, &codec, &e) || codec.n > 65536)
        return;
    void *elements = mem_array(codec.n, codec.itemsize);
    codec_decode(&codec, bytes, size, &space, elements);
    free(elements);
    codec_space_clear(&space);
}

/* What was read is written so that it reads the same, with the mask among the attributes. */
static void again(const struct store_meta *m)
{
    struct error e = {.message = ""};
    struct store_meta second;
    mem_assert(zarr3_meta_check(m, &e) == 0);
    json_t *object = zarr3_meta_write(m), *mask = zarr3_meta_mask(m), *attrs = json_object();
    if (mask)
        json_object_set_new(attrs, ZARR3_MASK, mask);
    json_object_set_new(object, "attributes", attrs);
    mem_assert(zarr3_meta_read(object, &second, &e) == 0);
    mem_assert(!meta_difference(m, &second));
    store_meta_clear(&second);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {.message = ""};
    struct store_meta m;
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    json_t *object = meta_json((const char *)data, n, &e);
    if (object && zarr3_meta_read(object, &m, &e) == 0) {
        if (end)
            decode(&m, end + 1, size - n - 1);
        again(&m);
        store_meta_clear(&m);
    }
    json_decref(object);
    return 0;
}

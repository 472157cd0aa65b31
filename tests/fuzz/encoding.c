/* SPDX-License-Identifier: Apache-2.0 */
/* A job's encoding of one array: the first byte gives the dtype, the rest is JSON. */
#include "base/json.h"
#include "base/mem.h"
#include "store/meta.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t shape[3] = {10, 0, 7};
    struct store_meta m;
    struct error e = {0};
    if (size == 0)
        return 0;
    int dtype = data[0] % SIMLAB_N_DTYPES;
    json_t *encoding = json_read((const char *)data + 1, size - 1, &e);
    if (!encoding)
        return 0;
    store_meta_default(&m, dtype, dtype == SIMLAB_STR ? 9 : 0, 3, shape);
    if (store_meta_encode(&m, encoding, &e) == 0) {
        struct store_meta again;
        char *text = meta_write(&m);
        mem_assert(meta_read(text, strlen(text), &again, &e) == 0);
        mem_assert(!meta_difference(&m, &again));
        store_meta_clear(&again);
        free(text);
    } else {
        mem_assert(*e.message);
    }
    store_meta_clear(&m);
    json_decref(encoding);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* .npy files, as they are uploaded. */
#include "fuzz.h"

#include "base/ndarray.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {.message = ""};
    struct ndarray a;
    if (ndarray_from_npy(data, size, 1 << 20, &a, &e) == 0) {
        json_decref(ndarray_to_json(&a));
        ndarray_clear(&a);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers share. They run from the top of the repository. */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/registry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The registry of the reference library, read once. */
static inline const struct registry *fuzz_registry(void)
{
    static struct registry *registry;
    if (registry)
        return registry;
    struct buffer text = {0};
    struct error e = {.message = ""};
    registry = registry_new();
    mem_assert(file_read("tests/unit/model/reference.json", 1 << 24, &text) == 0);
    json_t *document = json_read(text.data, text.size, &e);
    mem_assert(document && registry_add(registry, document, &e) == 0);
    registry_finish(registry);
    json_decref(document);
    buffer_free(&text);
    return registry;
}

/* Sizes up to the limits are allowed and take their time: they find nothing. */
static inline int fuzz_has_long_number(const uint8_t *data, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        digits = isdigit(data[i]) ? digits + 1 : 0;
        if (digits > 5)
            return 1;
    }
    return 0;
}

#endif

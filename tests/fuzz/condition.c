/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on members' inputs, as ?where= has them. */
#include "fuzz.h"

#include "base/mem.h"
#include "model/condition.h"
#include "model/job.h"

#include <stdlib.h>
#include <string.h>

static const char job[] = "{\"batch_dim\": \"m\", \"inputs\": {\"a__x\": {\"dims\": [\"m\"], "
                          "\"data\": [1, 2, 3, 4, 5, 6]}, "
                          "\"one\": 1}, \"sweep\": {\"product\": {\"b__y\": [1, 2], \"c__z\": "
                          "{\"linspace\": [0, 1, 3]}}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static json_t *document;
    const struct job_sources sources = {.is_check = true};
    struct error e = {.message = ""};
    struct condition *c = NULL;
    bool holds[6];
    if (!document)
        document = json_loads(job, 0, NULL);
    char *text = mem_array(size + 1, 1);
    memcpy(text, data, size);
    if (condition_new(text, document, &sources, &c, &e) == 0)
        mem_assert(condition_look(c, 0, 6, holds, &e) == 0);
    else
        mem_assert(*e.message);
    condition_free(c);
    free(text);
    return 0;
}

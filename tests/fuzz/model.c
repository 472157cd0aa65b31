/* SPDX-License-Identifier: Apache-2.0 */
/* Models: any text → model_new; the order of what it accepts keeps every edge. */
#include "fuzz.h"

#include "model/model.h"

static void check_order(const struct model *m)
{
    int *at = mem_array((size_t)m->n_processes, sizeof *at);
    for (int i = 0; i < m->n_processes; i++)
        at[m->order[i]] = i;
    for (int p = 0; p < m->n_processes; p++)
        for (int i = 0; i < m->processes[p].n_before; i++)
            mem_assert(at[m->processes[p].before[i]] < at[p]);
    free(at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {.message = ""};
    struct model *m;
    json_t *document = json_read((const char *)data, size, &e);
    if (document && model_new(fuzz_registry(), document, &m, &e) == 0) {
        check_order(m);
        free(model_show(m, NULL));
        model_free(m);
    }
    json_decref(document);
    return 0;
}

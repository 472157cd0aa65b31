/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: what a library may print; a model is made of each type that is accepted. */
#include "fuzz.h"

#include "model/model.h"

static void use_type(const struct registry *r, const struct type *type)
{
    struct error e = {.message = ""};
    struct model *m;
    json_decref(type_to_json(type));
    json_t *definition = json_pack("{s:{s:s}}", "processes", "p", type->name);
    if (definition && model_new(r, definition, &m, &e) == 0) {
        free(model_show(m, NULL));
        model_free(m);
    }
    json_decref(definition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {.message = ""};
    json_t *document = json_read((const char *)data, size, &e);
    struct registry *r = registry_new();
    if (document && registry_add(r, document, &e) == 0) {
        registry_finish(r);
        for (size_t i = 0; i < registry_size(r) && i < 8; i++)
            use_type(r, registry_at(r, i));
    }
    registry_unref(r);
    json_decref(document);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/template.h"

#include "client/document.h"
#include "client/text.h"

#include <simlab/process.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK "time"

static size_t depth_of(const json_t *value)
{
    size_t depth = 0;
    for (; json_is_array(value); value = json_array_get(value, 0))
        depth++;
    return depth;
}

/* The first accepted dims, or where there is a default the first that it has the shape of. */
static const json_t *pick_dims(const json_t *v)
{
    const json_t *alternatives = json_object_get(v, "dims"),
                 *otherwise = json_object_get(v, "default");
    json_t *dims;
    size_t i;
    json_array_foreach(alternatives, i, dims)
    {
        if (!otherwise || json_array_size(dims) == depth_of(otherwise))
            return dims;
    }
    return json_array_get(alternatives, 0);
}

/* With the main clock under the name that it has here. */
static json_t *dims_of(const json_t *v)
{
    json_t *dims = json_array(), *name;
    size_t i;
    json_array_foreach(pick_dims(v), i, name)
    {
        bool is_clock = !strcmp(json_string_value(name), SIMLAB_MAIN_CLOCK);
        json_array_append_new(dims, is_clock ? json_string(CLOCK) : json_copy(name));
    }
    return dims;
}

static json_t *input_of(const json_t *v)
{
    json_t *otherwise = json_object_get(v, "default");
    json_t *attrs = json_object_get(v, "attrs");
    return json_pack("{s:o, s:o, s:o}", "dims", dims_of(v), "data",
                     otherwise ? json_incref(otherwise) : json_null(), "attrs",
                     attrs ? json_incref(attrs) : json_object());
}

static json_t *inputs_of(const json_t *model)
{
    json_t *inputs = json_object(), *v;
    const char *name;
    json_object_foreach(json_object_get(model, "inputs"), name, v)
    {
        json_object_set_new(inputs, name, input_of(v));
    }
    return inputs;
}

static void add_outputs(json_t *outputs, const char *process, const json_t *type)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(type, "variables"), i, v)
    {
        if (strcmp(document_string(v, "kind", ""), "variable") != 0 ||
            !strcmp(document_string(v, "intent", "in"), "in"))
            continue;
        char *name = text_printf("%s__%s", process, document_string(v, "name", ""));
        json_object_set_new(outputs, name, json_null());
        free(name);
    }
}

json_t *template_new(const char *name, const json_t *model, const json_t *types)
{
    json_t *outputs = json_object(), *process;
    const char *process_name;
    json_object_foreach(json_object_get(model, "processes"), process_name, process)
    {
        add_outputs(outputs, process_name,
                    json_object_get(types, document_string(process, "type", "")));
    }
    return json_pack("{s:s, s:{s:{s:n}}, s:s, s:o, s:o}", "model", name, "clocks", CLOCK, "data",
                     "main_clock", CLOCK, "inputs", inputs_of(model), "outputs", outputs);
}

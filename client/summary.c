/* SPDX-License-Identifier: Apache-2.0 */
#include "client/summary.h"

#include "client/document.h"
#include "client/text.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 7, GAP = 4 };

/* "(y, x)" */
static char *dims_words(const json_t *dims)
{
    char *words = text_copy("(");
    size_t i;
    json_t *name;
    json_array_foreach(dims, i, name)
    {
        char *longer = text_printf("%s%s%s", words, i ? ", " : "", json_string_value(name));
        free(words);
        words = longer;
    }
    char *closed = text_printf("%s)", words);
    free(words);
    return closed;
}

static void put_dims(const json_t *alternatives)
{
    size_t i;
    json_t *dims;
    if (json_array_size(alternatives) == 1 && !json_array_size(json_array_get(alternatives, 0)))
        return;
    json_array_foreach(alternatives, i, dims)
    {
        char *words = dims_words(dims);
        text_put(stdout, i ? " or " : " ");
        text_put(stdout, words);
        free(words);
    }
}

static void put_note(bool *any, const char *label, const char *value)
{
    text_put(stdout, *any ? "; " : " (");
    text_put(stdout, label);
    text_put(stdout, value);
    *any = true;
}

/* " (m/s; default 0.1; …)" */
static void put_notes(const json_t *v)
{
    const char *kind = document_string(v, "kind", ""), *dtype = document_string(v, "dtype", NULL);
    const char *units = document_string(json_object_get(v, "attrs"), "units", NULL);
    const char *bounds = document_string(v, "bounds", NULL);
    const json_t *otherwise = json_object_get(v, "default");
    const json_t *choices = json_object_get(v, "choices");
    bool any = false;
    if (units)
        put_note(&any, "", units);
    if (otherwise) {
        char *words = document_value_words(otherwise);
        put_note(&any, "default ", words);
        free(words);
    }
    if (bounds)
        put_note(&any, "in ", bounds);
    if (choices) {
        char *words = document_text(choices);
        put_note(&any, "one of ", words);
        free(words);
    }
    if (dtype && strcmp(dtype, "f8") != 0)
        put_note(&any, "", dtype);
    if (json_is_true(json_object_get(v, "static")))
        put_note(&any, "", "static");
    if (!strcmp(kind, "index") || !strcmp(kind, "object"))
        put_note(&any, "", kind);
    if (!strcmp(kind, "on_demand"))
        put_note(&any, "", "on demand");
    if (any)
        putchar(')');
}

/* What a foreign, global or group variable leads to: by its declaration, or (`target`, "q__w") as
 * it was found in a model. NULL for all others. New string. */
static char *link_words(const json_t *v, const char *target)
{
    const char *kind = document_string(v, "kind", "");
    if (!strcmp(kind, "group") || !strcmp(kind, "group_dict"))
        return text_printf("group '%s'", document_string(v, "group", "?"));
    if (strcmp(kind, "foreign") != 0 && strcmp(kind, "global") != 0)
        return NULL;
    const char *split = target ? strstr(target, "__") : NULL;
    if (split)
        return text_printf("%.*s.%s", (int)(split - target), target, split + 2);
    if (!strcmp(kind, "global"))
        return text_printf("global '%s'", document_string(v, "global_name", "?"));
    return text_printf("%s.%s", document_string(v, "type", "?"), document_string(v, "var", "?"));
}

static void print_variable(const json_t *v, int width, const char *target)
{
    const char *intent = document_string(v, "intent", "in");
    char *link = link_words(v, target);
    fputs("    ", stdout);
    text_put_padded(stdout, document_string(v, "name", "?"), width);
    text_put_padded(stdout, "", 5 - text_width(intent));
    putchar('[');
    text_put(stdout, intent);
    putchar(']');
    if (link) {
        text_put(stdout, !strcmp(intent, "out") ? " ---> " : " <--- ");
        text_put(stdout, link);
    } else {
        const char *description = document_string(v, "description", "");
        put_dims(json_object_get(v, "dims"));
        if (*description)
            putchar(' ');
        text_put(stdout, description);
        put_notes(v);
    }
    putchar('\n');
    free(link);
}

static int name_width(const json_t *variables)
{
    size_t i;
    json_t *v;
    int width = NAME_WIDTH;
    json_array_foreach(variables, i, v)
    {
        int w = text_width(document_string(v, "name", ""));
        width = w > width ? w : width;
    }
    return width + GAP;
}

void summary_print_type(const json_t *type)
{
    size_t i;
    json_t *v, *stage, *variables = json_object_get(type, "variables");
    const char *parent = document_string(type, "extends", NULL);
    const char *description = document_string(type, "description", "");
    int width = name_width(variables);
    text_line(stdout, "<%s (process)>", document_string(type, "name", "?"));
    if (*description)
        text_line(stdout, "%s", description);
    if (parent)
        text_line(stdout, "Extends: %s", parent);
    puts("Variables:");
    json_array_foreach(variables, i, v)
    {
        print_variable(v, width, NULL);
    }
    if (!json_array_size(variables))
        puts("    *empty*");
    puts("Simulation stages:");
    json_array_foreach(json_object_get(type, "stages"), i, stage)
    {
        text_line(stdout, "    %s", json_string_value(stage));
    }
    if (!json_array_size(json_object_get(type, "stages")))
        puts("    *no stage implemented*");
}

/* ---- models ---- */

struct model_view {
    const json_t *processes, *inputs, *types;
};

/* Inputs, and what links the process to others. */
static bool is_shown(const struct model_view *m, const char *process, const json_t *v)
{
    char *name = text_printf("%s__%s", process, document_string(v, "name", ""));
    bool is_input = json_object_get(m->inputs, name);
    free(name);
    char *link = link_words(v, NULL);
    bool is_link = link;
    free(link);
    return is_input || is_link;
}

static int widest(const struct model_view *m)
{
    const char *name;
    json_t *type;
    int width = 0;
    json_object_foreach((json_t *)m->types, name, type)
    {
        int w = name_width(json_object_get(type, "variables"));
        width = w > width ? w : width;
    }
    return width;
}

static void print_process(const struct model_view *m, const char *name, int width)
{
    size_t i;
    json_t *v, *stage;
    const json_t *process = json_object_get(m->processes, name);
    const char *type_name = document_string(process, "type", "?");
    const json_t *type = json_object_get(m->types, type_name);
    text_put(stdout, name);
    putchar(' ');
    text_put(stdout, type_name);
    json_array_foreach(json_object_get(type, "stages"), i, stage)
    {
        text_put(stdout, i ? ", " : " [");
        text_put(stdout, json_string_value(stage));
    }
    text_line(stdout, "%s", i ? "]" : "");
    json_array_foreach(json_object_get(type, "variables"), i, v)
    {
        const json_t *targets = json_object_get(process, "variables");
        if (is_shown(m, name, v))
            print_variable(v, width,
                           document_string(targets, document_string(v, "name", ""), NULL));
    }
}

void summary_print_model(const json_t *model, const json_t *types)
{
    struct model_view m = {.processes = json_object_get(model, "processes"),
                           .inputs = json_object_get(model, "inputs"),
                           .types = types};
    const char *name = document_string(model, "name", document_string(model, "hash", "?"));
    size_t i;
    json_t *process;
    int width = widest(&m);
    text_line(stdout, "<Model '%s' (%zu processes, %zu inputs)>", name,
              json_object_size(m.processes), json_object_size(m.inputs));
    json_array_foreach(json_object_get(model, "order"), i, process)
    {
        print_process(&m, json_string_value(process), width);
    }
}

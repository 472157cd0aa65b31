/* SPDX-License-Identifier: Apache-2.0 */
#include "client/models.h"

#include "client/document.h"
#include "client/graph.h"
#include "client/options.h"
#include "client/pages.h"
#include "client/request.h"
#include "client/summary.h"
#include "client/template.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

static void print_row(const json_t *model)
{
    const char *hash = document_string(model, "hash", "?");
    text_put_padded(stdout, document_string(model, "name", hash), 30);
    text_put_padded(stdout, document_string(model, "created", "-"), 26);
    text_line(stdout, "%s", hash);
}

int models_list(struct server *s, const struct options *o)
{
    struct pages p = {
        .path = API_MODELS,
        .filter = "",
        .cursor = "after",
        .key = "models",
        .shape = &answer_models,
        .title = "NAME                          CREATED                   HASH",
        .row = print_row,
    };
    return pages_print(s, o, &p);
}

/* ---- making ---- */

/* Pairs of processes that touch one value in one stage without an order between them. */
static void complain_about_unordered(const json_t *model)
{
    size_t i;
    json_t *u;
    json_array_foreach(json_object_get(model, "unordered"), i, u)
    {
        const json_t *pair = json_object_get(u, "processes");
        const char *a = json_string_value(json_array_get(pair, 0));
        const char *b = json_string_value(json_array_get(pair, 1));
        text_complain("note: %s and %s both touch %s in %s, and nothing says which runs first; an "
                      "`after` edge would",
                      a ? a : "?", b ? b : "?", document_string(u, "variable", "?"),
                      document_string(u, "stage", "?"));
    }
}

/* POST, with --name; prints the new model's hash. `body` is stolen. */
static int post_model(struct server *s, const struct options *o, json_t *body)
{
    int code = o->name ? document_set_text(body, "name", o->name, "--name") : 0;
    if (code) {
        json_decref(body);
        return code;
    }
    char *text = document_text(body);
    struct request request = {.method = "POST",
                              .path = API_MODELS,
                              .body = text,
                              .size = strlen(text),
                              .content_type = API_JSON,
                              .shape = &answer_model};
    struct reply r;
    code = request_or_complain(s, &request, &r);
    if (o->json)
        reply_print(&r);
    else if (!code)
        text_line(stdout, "%s", document_string(r.json, "hash", "?"));
    if (!code)
        complain_about_unordered(r.json);
    reply_clear(&r);
    free(text);
    json_decref(body);
    return code;
}

int models_create(struct server *s, const struct options *o)
{
    json_t *document;
    int code = document_read(o->operands[0], &document);
    if (code)
        return code;
    /* A job's model, where it stands in it. */
    json_t *inside = json_object_get(document, "model");
    json_t *body = json_incref(json_is_object(inside) ? inside : document);
    json_decref(document);
    return post_model(s, o, body);
}

/* "P=VALUE": a new string of P, and VALUE within the argument. */
static int split_pair(const char *option, const char *pair, char **ret_left, const char **ret_right)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair || !equals[1]) {
        text_complain("%s %s: it should be P=%s", option, pair,
                      !strcmp(option, "--set") ? "TYPE" : "Q");
        return API_EXIT_USAGE;
    }
    *ret_left = text_printf("%.*s", (int)(equals - pair), pair);
    *ret_right = equals + 1;
    return 0;
}

static int add_sets(const struct option_list *sets, json_t *changes)
{
    for (int i = 0; i < sets->n; i++) {
        char *process;
        const char *type;
        int code = split_pair("--set", sets->values[i], &process, &type);
        if (code)
            return code;
        code = document_set_text(changes, process, type, "--set");
        free(process);
        if (code)
            return code;
    }
    return 0;
}

static int add_drop(json_t *changes, const char *process)
{
    if (!json_object_set_new(changes, process, json_null()))
        return 0;
    text_complain("there is no process %s: it is no UTF-8", process);
    return API_EXIT_USAGE;
}

static int add_afters(const struct option_list *afters, json_t *edges)
{
    for (int i = 0; i < afters->n; i++) {
        char *process;
        const char *before;
        int code = split_pair("--after", afters->values[i], &process, &before);
        if (code)
            return code;
        json_t *list = json_object_get(edges, process), *name = json_string(before);
        if (!list && name && !json_object_set_new(edges, process, json_array()))
            list = json_object_get(edges, process);
        free(process);
        bool bad = !list || json_array_append(list, name);
        json_decref(name);
        if (bad) {
            text_complain("--after %s: it is no UTF-8", afters->values[i]);
            return API_EXIT_USAGE;
        }
    }
    return 0;
}

/* Stores a model that is operand 0 with `changes` (process → type, or null to drop it; stolen) and
 * the edges of --after. The daemon lays them over the model. */
static int derive(struct server *s, const struct options *o, json_t *changes)
{
    json_t *body = json_pack("{s:o}", "processes", changes), *after = json_object();
    int code = document_set_text(body, "base", o->operands[0], "NAME");
    code = code ? code : add_afters(&o->after, after);
    if (json_object_size(after))
        json_object_set(body, "after", after);
    json_decref(after);
    if (!code)
        return post_model(s, o, body);
    json_decref(body);
    return code;
}

int models_update(struct server *s, const struct options *o)
{
    if (!o->set.n && !o->drop.n && !o->after.n) {
        text_complain("nothing to change: give --set P=TYPE, --drop P or --after P=Q");
        return API_EXIT_USAGE;
    }
    json_t *changes = json_object();
    int code = add_sets(&o->set, changes);
    for (int i = 0; i < o->drop.n && !code; i++)
        code = add_drop(changes, o->drop.values[i]);
    if (!code)
        return derive(s, o, changes);
    json_decref(changes);
    return code;
}

int models_drop(struct server *s, const struct options *o)
{
    json_t *changes = json_object();
    int code = 0;
    for (int i = 1; i < o->n_operands && !code; i++)
        code = add_drop(changes, o->operands[i]);
    if (!code)
        return derive(s, o, changes);
    json_decref(changes);
    return code;
}

/* ---- looking ---- */

/* The types of a model's processes: name → GET /v1/processes/TYPE. */
static int get_types(struct server *s, const json_t *model, json_t **ret_types)
{
    json_t *types = json_object(), *process;
    const char *name;
    int code = 0;
    json_object_foreach(json_object_get(model, "processes"), name, process)
    {
        const char *type = document_string(process, "type", "");
        json_t *shown;
        if (json_object_get(types, type))
            continue;
        code = request_get_part(s, API_PROCESSES, type, &answer_type, &shown);
        if (code)
            break;
        json_object_set_new(types, type, shown);
    }
    if (code)
        json_decref(types);
    else
        *ret_types = types;
    return code;
}

/* A model that can be run; one whose libraries are gone is refused, with the reason. */
static int get_model(struct server *s, const char *name, json_t **ret_model, json_t **ret_types)
{
    json_t *model;
    int code = request_get_part(s, API_MODELS, name, &answer_model, &model);
    if (code)
        return code;
    const char *invalid = document_string(model, "invalid", NULL);
    char *fault = invalid ? NULL : answer_fault(&answer_whole_model, model);
    if (invalid) {
        text_complain("model %s is no longer valid: %s", name, invalid);
        code = API_EXIT_USAGE;
    } else if (fault) {
        text_complain("%s answered oddly: %s", s->address, fault);
        code = API_EXIT_UNREACHABLE;
    } else {
        code = get_types(s, model, ret_types);
    }
    free(fault);
    if (code)
        json_decref(model);
    else
        *ret_model = model;
    return code;
}

static int print_as_is(struct server *s, const char *name)
{
    char *part = text_url(name), *path = text_printf("%s/%s", API_MODELS, part);
    int code =
        request_print(s, &(struct request){.method = "GET", .path = path, .shape = &answer_model});
    free(path);
    free(part);
    return code;
}

int models_show(struct server *s, const struct options *o)
{
    json_t *model, *types;
    if (o->json)
        return print_as_is(s, o->operands[0]);
    int code = get_model(s, o->operands[0], &model, &types);
    if (code)
        return code;
    summary_print_model(model, types);
    complain_about_unordered(model);
    json_decref(model);
    json_decref(types);
    return 0;
}

int models_graph(struct server *s, const struct options *o)
{
    json_t *model, *types;
    struct graph_options g = {.inputs = o->inputs, .variables = o->variables, .route = o->route};
    if (o->json)
        return print_as_is(s, o->operands[0]);
    int code = get_model(s, o->operands[0], &model, &types);
    if (code)
        return code;
    code = graph_write(o->output, model, types, &g);
    json_decref(model);
    json_decref(types);
    return code;
}

int models_template(struct server *s, const struct options *o)
{
    json_t *model, *types;
    int code = get_model(s, o->operands[0], &model, &types);
    if (code)
        return code;
    json_t *job = template_new(o->operands[0], model, types);
    code = document_write(o->output, job);
    json_decref(job);
    json_decref(model);
    json_decref(types);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/graph.h"

#include "client/document.h"
#include "client/escape.h"
#include "client/text.h"
#include "proto/api.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct graph {
    FILE *out;
    const json_t *processes, *inputs, *types;
    const struct graph_options *options;
    json_t *route; /* an object whose keys are what the route's variable leads to, or NULL */
};

/* A quoted DOT identifier, in which quotes and backslashes are escaped. */
static void put_quoted(FILE *out, const char *s)
{
    char *shown = escape_text(s, ESCAPE_SHOWN);
    char *quoted = text_need(malloc(2 * strlen(shown) + 3)), *q = quoted;
    *q++ = '"';
    for (const char *p = shown; *p; p++) {
        if (*p == '"' || *p == '\\')
            *q++ = '\\';
        *q++ = *p;
    }
    strcpy(q, "\"");
    text_put(out, quoted);
    free(quoted);
    free(shown);
}

static void put_edge(FILE *out, const char *from, const char *to, const char *attributes)
{
    fputs("  ", out);
    put_quoted(out, from);
    fputs(" -> ", out);
    put_quoted(out, to);
    text_line(out, " [%s];", attributes);
}

static void put_process(const struct graph *g, const char *name, const json_t *process)
{
    size_t i;
    json_t *before;
    fputs("  ", g->out);
    put_quoted(g->out, name);
    fputs(" [shape=oval, style=filled, fillcolor=\"#dce6f5\", tooltip=", g->out);
    put_quoted(g->out, document_string(process, "type", ""));
    fputs("];\n", g->out);
    json_array_foreach(json_object_get(process, "before"), i, before)
    {
        put_edge(g->out, json_string_value(before), name, "style=bold");
    }
}

/* Names "p__v" that a variable of a process leads to: its own, those of a group's members, or one
 * elsewhere. A new object. */
static json_t *targets_of(const struct graph *g, const char *process, const char *variable)
{
    json_t *set = json_object(), *member;
    const json_t *found = json_object_get(
        json_object_get(json_object_get(g->processes, process), "variables"), variable);
    size_t i;
    if (json_is_string(found))
        json_object_set_new(set, json_string_value(found), json_true());
    json_array_foreach(found, i, member)
    {
        json_object_set_new(set, json_string_value(member), json_true());
    }
    if (!found) {
        char *own = text_printf("%s__%s", process, variable);
        json_object_set_new(set, own, json_true());
        free(own);
    }
    return set;
}

static bool meet(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *one;
    json_object_foreach((json_t *)a, name, one)
    {
        if (json_object_get(b, name))
            return true;
    }
    return false;
}

static bool is_shown(const struct graph *g, const char *process, const char *variable,
                     const char *node)
{
    if (g->route) {
        json_t *targets = targets_of(g, process, variable);
        bool shown = meet(targets, g->route);
        json_decref(targets);
        return shown;
    }
    return g->options->variables || (g->options->inputs && json_object_get(g->inputs, node));
}

static const char *style_of(const struct graph *g, const json_t *v, const char *node)
{
    const char *kind = document_string(v, "kind", "");
    if (json_object_get(g->inputs, node))
        return "shape=box, style=filled, fillcolor=\"#f6ebc4\"";
    if (!strcmp(kind, "foreign") || !strcmp(kind, "global"))
        return "shape=box, style=dashed";
    if (!strcmp(kind, "group") || !strcmp(kind, "group_dict"))
        return "shape=box3d";
    if (!strcmp(kind, "on_demand"))
        return "shape=box, style=diagonals";
    return "shape=box";
}

static void put_variable(const struct graph *g, const char *process, const json_t *v)
{
    const char *name = document_string(v, "name", "?"), *intent = document_string(v, "intent", "");
    char *node = text_printf("%s__%s", process, name);
    if (is_shown(g, process, name, node)) {
        fputs("  ", g->out);
        put_quoted(g->out, node);
        fputs(" [label=", g->out);
        put_quoted(g->out, name);
        fputs(", tooltip=", g->out);
        put_quoted(g->out, document_string(v, "description", ""));
        text_line(g->out, ", %s];", style_of(g, v, node));
        if (!strcmp(intent, "out"))
            put_edge(g->out, process, node, "arrowhead=empty, weight=200");
        else
            put_edge(g->out, node, process,
                     !strcmp(intent, "inout") ? "dir=both, arrowhead=none, arrowtail=empty, "
                                                "weight=200"
                                              : "arrowhead=none, weight=200");
    }
    free(node);
}

static const json_t *type_of(const struct graph *g, const json_t *process)
{
    return json_object_get(g->types, document_string(process, "type", ""));
}

static bool has_variable(const json_t *type, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(type, "variables"), i, v)
    {
        if (!strcmp(document_string(v, "name", ""), name))
            return true;
    }
    return false;
}

/* What the variable that --variable names leads to. */
static int find_route(struct graph *g, const char *route)
{
    const char *split = strstr(route, "__");
    char *process = text_printf("%.*s", split ? (int)(split - route) : 0, route);
    const json_t *found = json_object_get(g->processes, process);
    bool known = split && found && has_variable(type_of(g, found), split + 2);
    if (known)
        g->route = targets_of(g, process, split + 2);
    else if (!split || !found)
        text_complain("--variable %s: it should be PROCESS__VARIABLE, a process of the model and "
                      "a variable of it",
                      route);
    else
        text_complain("--variable %s: %s has no variable %s", route, process, split + 2);
    free(process);
    return known ? 0 : API_EXIT_USAGE;
}

int graph_print(FILE *out, const json_t *model, const json_t *types, const struct graph_options *o)
{
    struct graph g = {.out = out,
                      .processes = json_object_get(model, "processes"),
                      .inputs = json_object_get(model, "inputs"),
                      .types = types,
                      .options = o};
    const char *name;
    json_t *process, *v;
    size_t i;
    int code = o->route ? find_route(&g, o->route) : 0;
    if (code)
        return code;
    fputs("digraph model {\n  rankdir=LR;\n", out);
    json_object_foreach((json_t *)g.processes, name, process)
    {
        put_process(&g, name, process);
        json_array_foreach(json_object_get(type_of(&g, process), "variables"), i, v)
        {
            put_variable(&g, name, v);
        }
    }
    fputs("}\n", out);
    json_decref(g.route);
    return 0;
}

/* ---- drawing ---- */

static const char *ending_of(const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL;
    return dot && !strchr(dot, '/') ? dot + 1 : "";
}

static bool is_text(const char *path)
{
    const char *ending = ending_of(path);
    return !path || !*ending || !strcmp(ending, "dot") || !strcmp(ending, "gv");
}

/* Starts `dot`; its standard input is *ret_pipe. Returns its pid, or -1. */
static pid_t start_dot(const char *path, FILE **ret_pipe)
{
    int ends[2];
    if (pipe(ends))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        char *format = text_printf("-T%s", ending_of(path));
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("dot", "dot", format, "-o", path, (char *)NULL);
        text_complain("cannot run dot: %s; Graphviz draws graphs (apt-get install graphviz); "
                      "without it -o FILE.dot writes one",
                      strerror(errno));
        _exit(127);
    }
    close(ends[0]);
    *ret_pipe = child > 0 ? fdopen(ends[1], "w") : NULL;
    if (child < 0)
        close(ends[1]);
    return child;
}

static int draw(const char *path, const json_t *model, const json_t *types,
                const struct graph_options *o)
{
    FILE *pipe_end;
    int status;
    fflush(stdout);
    pid_t child = start_dot(path, &pipe_end);
    if (child < 0 || !pipe_end) {
        text_complain("cannot run dot: %s", strerror(errno));
        return API_EXIT_USAGE;
    }
    /* A dot that ended early says why itself; here it is no reason to die. */
    void (*former)(int) = signal(SIGPIPE, SIG_IGN);
    int code = graph_print(pipe_end, model, types, o);
    fclose(pipe_end);
    signal(SIGPIPE, former);
    waitpid(child, &status, 0);
    if (!code && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        code = API_EXIT_USAGE;
    return code;
}

int graph_write(const char *path, const json_t *model, const json_t *types,
                const struct graph_options *o)
{
    bool standard = !path || !strcmp(path, "-");
    if (standard)
        return graph_print(stdout, model, types, o);
    if (!is_text(path))
        return draw(path, model, types, o);
    FILE *f = fopen(path, "we");
    if (!f) {
        text_complain("cannot write %s: %s", path, strerror(errno));
        return API_EXIT_USAGE;
    }
    int code = graph_print(f, model, types, o);
    bool bad = ferror(f);
    if (fclose(f) || bad) {
        text_complain("cannot write %s: %s", path, strerror(errno));
        code = API_EXIT_USAGE;
    }
    return code;
}

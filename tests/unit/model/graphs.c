/* SPDX-License-Identifier: Apache-2.0 */
/* Random models against an oracle that knows nothing of slots and heaps: each process type P<i> has
 * a variable v<i>; others name it by foreign variables, in or out, with masks of stages. */
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 9, MANY = 1000 };

enum touch { NOT, IN, OUT };

struct graph {
    int n;
    int intent[MOST];               /* of v<i> in its own process */
    enum touch touches[MOST][MOST]; /* how process i names v<j> */
    unsigned own_reads[MOST], own_writes[MOST], reads[MOST][MOST], stages[MOST];
    bool after[MOST][MOST]; /* i after j, as declared */
};

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)(support_random(state) % n);
}

static unsigned random_mask(uint64_t *state)
{
    return below(state, 2) ? 0 : below(state, 15) + 1;
}

static struct graph random_graph(uint64_t *state)
{
    struct graph g = {.n = 2 + (int)below(state, MOST - 1)};
    unsigned sparse = 2 + below(state, 6);
    for (int i = 0; i < g.n; i++) {
        g.intent[i] = (int)below(state, 3);
        g.own_reads[i] = random_mask(state);
        g.own_writes[i] = random_mask(state);
        g.stages[i] = below(state, 15) + 1;
        for (int j = 0; j < g.n; j++) {
            if (i == j)
                continue;
            if (below(state, sparse) == 0)
                g.touches[i][j] = below(state, 4) ? IN : OUT;
            g.reads[i][j] = random_mask(state);
            g.after[i][j] = below(state, 4 * sparse) == 0;
        }
    }
    return g;
}

/* ---- the same as documents ---- */

static json_t *mask_names(unsigned mask)
{
    static const char *const names[] = {"initialize", "run_step", "finalize_step", "finalize"};
    json_t *list = json_array();
    for (int s = 0; s < 4; s++)
        if (mask >> s & 1)
            json_array_append_new(list, json_string(names[s]));
    return list;
}

static json_t *named(const char *format, int i)
{
    char text[32];
    snprintf(text, sizeof text, format, i);
    return json_string(text);
}

static json_t *type_of(const struct graph *g, int i)
{
    static const char *const intents[] = {"in", "out", "inout"};
    json_t *variables = json_array();
    json_array_append_new(variables,
                          json_pack("{s:o, s:s, s:o, s:o}", "name", named("v%d", i), "intent",
                                    intents[g->intent[i]], "reads", mask_names(g->own_reads[i]),
                                    "writes", mask_names(g->own_writes[i])));
    for (int j = 0; j < g->n; j++)
        if (g->touches[i][j])
            json_array_append_new(variables,
                                  json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "name",
                                            named("f%d", j), "kind", "foreign", "intent",
                                            g->touches[i][j] == OUT ? "out" : "in", "type",
                                            named("P%d", j), "var", named("v%d", j), "reads",
                                            mask_names(g->reads[i][j])));
    return json_pack("{s:o, s:o, s:o}", "name", named("P%d", i), "stages", mask_names(g->stages[i]),
                     "variables", variables);
}

static struct registry *registry_of(const struct graph *g)
{
    struct error e = {0};
    json_t *types = json_array();
    for (int i = 0; i < g->n; i++)
        json_array_append_new(types, type_of(g, i));
    json_t *document = json_pack("{s:i, s:s, s:o}", "abi", 1, "library", "t", "types", types);
    struct registry *r = registry_new();
    cr_assert_eq(registry_add(r, document, &e), 0, "%s", e.message);
    registry_finish(r);
    cr_assert_eq(json_array_size(registry_left_out(r)), 0);
    json_decref(document);
    return r;
}

static json_t *definition_of(const struct graph *g)
{
    json_t *processes = json_object(), *after = json_object();
    char name[32];
    for (int i = 0; i < g->n; i++) {
        snprintf(name, sizeof name, "p%d", i);
        json_object_set_new(processes, name, named("t.P%d", i));
        json_t *list = json_array();
        for (int j = 0; j < g->n; j++)
            if (g->after[i][j])
                json_array_append_new(list, named("p%d", j));
        json_object_set_new(after, name, list);
    }
    return json_pack("{s:o, s:o}", "processes", processes, "after", after);
}

/* ---- the oracle ---- */

/* The one who sets v<j>: -1 nobody, -2 several. */
static int setter_of(const struct graph *g, int j)
{
    int setter = g->intent[j] == SIMLAB_OUT ? j : -1;
    for (int i = 0; i < g->n; i++)
        if (g->touches[i][j] == OUT)
            setter = setter == -1 ? i : -2;
    return setter;
}

static bool touches(const struct graph *g, int i, int j)
{
    return i == j || g->touches[i][j];
}

struct relation {
    bool before[MOST][MOST]; /* before[i][j]: j directly before i */
    bool reach[MOST][MOST];  /* j somewhere before i */
};

static struct relation relation_of(const struct graph *g)
{
    struct relation r = {0};
    for (int i = 0; i < g->n; i++)
        for (int j = 0; j < g->n; j++) {
            r.before[i][j] = g->after[i][j];
            for (int k = 0; k < g->n; k++)
                if (i != j && touches(g, i, k) && setter_of(g, k) == j)
                    r.before[i][j] = true;
        }
    memcpy(r.reach, r.before, sizeof r.reach);
    for (int k = 0; k < g->n; k++)
        for (int i = 0; i < g->n; i++)
            for (int j = 0; j < g->n; j++)
                r.reach[i][j] = r.reach[i][j] || (r.reach[i][k] && r.reach[k][j]);
    return r;
}

static unsigned stages_of(const struct graph *g, int i, unsigned mask)
{
    return mask ? mask & g->stages[i] : g->stages[i];
}

/* In which stages process i touches, or writes, v<j>. */
static unsigned stages_touched(const struct graph *g, int i, int j, bool writes)
{
    unsigned mask = 0;
    if (i == j) {
        mask = writes ? 0 : stages_of(g, i, g->own_reads[i]);
        if (g->intent[i] != SIMLAB_IN)
            mask |= stages_of(g, i, g->own_writes[i]);
    } else if (g->touches[i][j]) {
        mask = writes ? 0 : stages_of(g, i, g->reads[i][j]);
        if (g->touches[i][j] == OUT)
            mask |= g->stages[i];
    }
    return mask;
}

static bool is_unordered(const struct graph *g, const struct relation *r, int a, int b, int slot,
                         int stage)
{
    unsigned touch_a = stages_touched(g, a, slot, false),
             touch_b = stages_touched(g, b, slot, false);
    unsigned write_a = stages_touched(g, a, slot, true), write_b = stages_touched(g, b, slot, true);
    unsigned both = (write_a & touch_b) | (write_b & touch_a);
    return (both >> stage & 1) && !r->reach[a][b] && !r->reach[b][a];
}

/* ---- the checks ---- */

static void check_order(const struct graph *g, const struct relation *r, const struct model *m)
{
    bool done[MOST] = {false};
    for (int k = 0; k < g->n; k++) {
        /* Of those that are ready, the one declared first. */
        int next = -1;
        for (int i = 0; i < g->n && next < 0; i++) {
            bool ready = !done[i];
            for (int j = 0; j < g->n; j++)
                ready = ready && (!r->before[i][j] || done[j]);
            if (ready)
                next = i;
        }
        cr_assert_eq(m->order[k], next);
        done[next] = true;
    }
    for (int i = 0; i < g->n; i++) {
        int n = 0;
        for (int j = 0; j < g->n; j++)
            if (r->before[i][j])
                cr_assert_eq(m->processes[i].before[n++], j);
        cr_assert_eq(m->processes[i].n_before, n);
    }
}

static void check_unordered(const struct graph *g, const struct relation *r, const struct model *m)
{
    int n = 0;
    for (int slot = 0; slot < g->n; slot++)
        for (int a = 0; a < g->n; a++)
            for (int b = a + 1; b < g->n; b++)
                for (int stage = 0; stage < 4; stage++)
                    if (is_unordered(g, r, a, b, slot, stage)) {
                        bool found = false;
                        for (int i = 0; i < m->n_unordered; i++) {
                            const struct unordered *u = &m->unordered[i];
                            found =
                                found || (u->process_a == a && u->process_b == b &&
                                          m->slots[u->slot].process == slot && u->stage == stage);
                        }
                        cr_assert(found, "p%d, p%d, v%d, stage %d", a, b, slot, stage);
                        n++;
                    }
    cr_assert_eq(m->n_unordered, n);
}

/* The message's "p3 → p7 → p3:" is a cycle of the oracle's. */
static void check_cycle(const struct relation *r, const char *message)
{
    const char *text = strstr(message, "cycle: ");
    cr_assert(text, "%s", message);
    int first, last = -1, next, steps = 0;
    text += strlen("cycle: ");
    cr_assert_eq(sscanf(text, "p%d", &first), 1, "%s", message);
    for (last = first; (text = strstr(text, " → ")); last = next, steps++) {
        text += strlen(" → ");
        cr_assert_eq(sscanf(text, "p%d", &next), 1, "%s", message);
        cr_assert(r->before[next][last], "%s: p%d does not run before p%d", message, last, next);
    }
    cr_assert(steps >= 2 && last == first, "%s", message);
}

static void check_inputs(const struct graph *g, const struct model *m)
{
    int n = 0;
    for (int j = 0; j < g->n; j++) {
        bool is_input = setter_of(g, j) == -1;
        cr_assert_eq(m->slots[j].is_input, is_input);
        if (is_input)
            cr_assert_eq(m->inputs[n++], j);
    }
    cr_assert_eq(m->n_inputs, n);
}

Test(graphs, random_models_agree_with_the_oracle)
{
    uint64_t state = 20240501;
    int ordered = 0, cycles = 0, conflicts = 0, unordered = 0;
    for (int round = 0; round < 3000; round++) {
        struct graph g = random_graph(&state);
        struct registry *registry = registry_of(&g);
        json_t *definition = definition_of(&g);
        struct relation r = relation_of(&g);
        struct model *m = NULL;
        struct error e = {0};
        int result = model_new(registry, definition, &m, &e);
        bool conflict = false, cycle = false;
        for (int j = 0; j < g.n; j++) {
            conflict = conflict || setter_of(&g, j) == -2;
            cycle = cycle || r.reach[j][j];
        }
        cr_assert_eq(result, conflict || cycle ? MODEL_INVALID : 0, "%s", e.message);
        if (conflict) {
            cr_assert(strstr(e.message, "only one may"), "%s", e.message);
            conflicts++;
        } else if (cycle) {
            check_cycle(&r, e.message);
            cycles++;
        } else {
            check_order(&g, &r, m);
            check_inputs(&g, m);
            check_unordered(&g, &r, m);
            ordered++;
            unordered += m->n_unordered > 0;
        }
        model_free(m);
        json_decref(definition);
        registry_unref(registry);
    }
    /* Each kind came often enough to mean something. */
    cr_assert(ordered > 200 && cycles > 100 && conflicts > 100 && unordered > 50, "%d %d %d %d",
              ordered, cycles, conflicts, unordered);
}

/* 1,000 processes with 10 variables each, chained by foreign variables, all in one group. */
Test(graphs, a_thousand_processes)
{
    json_t *types = json_array(), *processes = json_object();
    for (int i = 0; i < MANY; i++) {
        json_t *variables = json_array();
        for (int v = 0; v < 8; v++)
            json_array_append_new(variables, json_pack("{s:o, s:s}", "name", named("v%d", v),
                                                       "intent", v ? "in" : "out"));
        json_array_append_new(variables,
                              json_pack("{s:s, s:s, s:o, s:s}", "name", "last", "kind", "foreign",
                                        "type", named("P%d", i ? i - 1 : 0), "var", "v0"));
        json_array_append_new(
            variables, json_pack("{s:s, s:s, s:s}", "name", "w", "intent", "out", "groups", "all"));
        json_array_append_new(types, json_pack("{s:o, s:[s], s:o}", "name", named("P%d", i),
                                               "stages", "run_step", "variables", variables));
    }
    json_array_append_new(types,
                          support_json("{'name': 'Sum', 'variables': [{'name': 'all', 'kind': "
                                       "'group', 'group': 'all'}]}"));
    json_object_set_new(processes, "sum", json_string("t.Sum"));
    for (int i = MANY - 1; i >= 0; i--) {
        char name[32];
        snprintf(name, sizeof name, "p%d", i);
        json_object_set_new(processes, name, named("t.P%d", i));
    }
    json_t *document = json_pack("{s:i, s:s, s:o}", "abi", 1, "library", "t", "types", types);
    json_t *definition = json_pack("{s:o}", "processes", processes);
    struct registry *r = registry_new();
    struct model *m = NULL;
    struct error e = {0};
    cr_assert_eq(registry_add(r, document, &e), 0, "%s", e.message);
    registry_finish(r);
    cr_assert_eq(json_array_size(registry_left_out(r)), 0);
    cr_assert_eq(model_new(r, definition, &m, &e), 0, "%s", e.message);
    for (int k = 0; k < MANY; k++)
        cr_assert_eq(m->order[k], MANY - k);
    cr_assert_eq(m->order[MANY], 0);
    cr_assert_eq(m->n_inputs, 7 * MANY);
    model_free(m);
    registry_unref(r);
    json_decref(document);
    json_decref(definition);
}

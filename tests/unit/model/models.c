/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions → models: what leads where, who runs before whom, what is refused. */
#include "support.h"

#include "base/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct model *build(const struct registry *r, json_t *definition)
{
    struct model *m = NULL;
    struct error e = {0};
    cr_assert_eq(model_new(r, definition, &m, &e), 0, "%s: %s", e.pointer, e.message);
    json_decref(definition);
    return m;
}

static void refused(const struct registry *r, json_t *definition, const char *pointer,
                    const char *says)
{
    struct model *m = NULL;
    struct error e = {0};
    cr_assert_eq(model_new(r, definition, &m, &e), MODEL_INVALID, "%s", says);
    cr_assert_str_eq(e.pointer, pointer, "%s", e.message);
    cr_assert(strstr(e.message, says), "%s", e.message);
    json_decref(definition);
}

static json_t *golden(const char *name, const char *file)
{
    char path[200];
    snprintf(path, sizeof path, "tests/golden/%s/%s.json", name, file);
    return support_file(path);
}

/* A JSON list of names equals those of `n` processes. */
static bool same_names(const json_t *names, const struct model *m, const int *processes, int n)
{
    if (json_array_size(names) != (size_t)n)
        return false;
    for (int i = 0; i < n; i++) {
        bool found = false;
        for (int k = 0; k < n; k++)
            found = found || !strcmp(json_string_value(json_array_get(names, (size_t)i)),
                                     m->processes[processes[k]].name);
        if (!found)
            return false;
    }
    return true;
}

Test(models, golden_inputs_and_order)
{
    struct registry *r = support_reference();
    for (int g = 0; support_golden[g]; g++) {
        json_t *job = golden(support_golden[g], "job");
        json_t *expected = golden(support_golden[g], "expected");
        struct model *m = build(r, json_incref(json_object_get(job, "model")));
        const json_t *inputs = json_object_get(expected, "inputs");
        cr_assert_eq(json_array_size(inputs), (size_t)m->n_inputs, "%s", support_golden[g]);
        for (int i = 0; i < m->n_inputs; i++)
            cr_assert_str_eq(m->slots[m->inputs[i]].name,
                             json_string_value(json_array_get(inputs, (size_t)i)));
        const char *name;
        json_t *before;
        json_object_foreach(json_object_get(expected, "process_order_constraints"), name, before)
        {
            const struct model_process *p = &m->processes[model_process_index(m, name)];
            cr_assert(same_names(before, m, p->before, p->n_before), "%s: %s", support_golden[g],
                      name);
        }
        model_free(m);
        json_decref(job);
        json_decref(expected);
    }
    registry_unref(r);
}

static const char *owner_of(const struct model *m, const char *name)
{
    int slot = model_slot_index(m, name);
    return slot < 0 ? "none" : m->slots[slot].name;
}

/* Foreign of foreign, foreign of global, global of a variable, and a subtype that stands for the
 * type that was named. The process type in the middle of a chain need not be in the model. */
static const char *const chains =
    "[{'name': 'Base', 'variables': [{'name': 'a', 'global_name': 'ga'}]},"
    " {'name': 'Sub', 'extends': 'Base', 'variables': [{'name': 'more'}]},"
    " {'name': 'ToBase', 'variables': [{'name': 'f', 'kind': 'foreign', 'type': 'Base', 'var': "
    "'a'}]},"
    " {'name': 'ToForeign', 'variables': [{'name': 'ff', 'kind': 'foreign', 'type': 'ToBase',"
    "   'var': 'f'}]},"
    " {'name': 'ToGlobal', 'variables': [{'name': 'g', 'kind': 'global', 'global_name': 'ga'}]},"
    " {'name': 'ToForeignGlobal', 'variables': [{'name': 'fg', 'kind': 'foreign',"
    "   'type': 'ToGlobal', 'var': 'g'}]},"
    " {'name': 'Circle', 'variables': [{'name': 'c', 'kind': 'foreign', 'type': 'Circle'}]},"
    " {'name': 'ToGroup', 'variables': [{'name': 'x', 'kind': 'foreign', 'type': 'Group',"
    "   'var': 'all'}]},"
    " {'name': 'Group', 'variables': [{'name': 'all', 'kind': 'group', 'group': 'g'}]},"
    " {'name': 'ToNone', 'variables': [{'name': 'x', 'kind': 'foreign', 'type': 'Bse'}]},"
    " {'name': 'ToNoVariable', 'variables': [{'name': 'x', 'kind': 'foreign', 'type': 'Base'}]},"
    " {'name': 'Demand', 'variables': [{'name': 'd', 'kind': 'on_demand', 'has_compute': true}]},"
    " {'name': 'SetsDemand', 'variables': [{'name': 'd', 'kind': 'foreign', 'type': 'Demand',"
    "   'intent': 'out'}]},"
    " {'name': 'Twice', 'variables': [{'name': 'p', 'kind': 'foreign', 'type': 'Base', 'var': 'a',"
    "   'intent': 'out'}, {'name': 'q', 'kind': 'foreign', 'type': 'Base', 'var': 'a',"
    "   'intent': 'out'}]},"
    " {'name': 'Private', 'variables': [{'name': 'h', 'intent': 'out', 'private': true}]},"
    " {'name': 'Pries', 'variables': [{'name': 'h', 'kind': 'foreign', 'type': 'Private'}]},"
    " {'name': 'Object', 'variables': [{'name': 'o', 'kind': 'object'}]},"
    " {'name': 'UsesObject', 'variables': [{'name': 'o', 'kind': 'foreign', 'type': 'Object'}]}]";

Test(models, references_lead_to_their_end)
{
    struct registry *r = support_library(chains);
    struct model *m = build(r, support_json("{'processes': {'f': 't.ToForeign', 'g': 't.ToGlobal', "
                                            "'fg': 't.ToForeignGlobal', 's': 't.Sub'}}"));
    cr_assert_str_eq(owner_of(m, "f__ff"), "s__a");
    cr_assert_str_eq(owner_of(m, "g__g"), "s__a");
    cr_assert_str_eq(owner_of(m, "fg__fg"), "s__a");
    cr_assert_str_eq(owner_of(m, "s__a"), "s__a");
    cr_assert_str_eq(owner_of(m, "s__b"), "none");
    cr_assert_eq(m->n_inputs, 2);
    model_free(m);
    m = build(r, support_json("{'processes': {'use': 't.UsesObject', 'o': 't.Object'}}"));
    cr_assert_eq(m->n_inputs, 0);
    cr_assert_eq(m->order[0], 1);
    model_free(m);
    registry_unref(r);
}

Test(models, refuses_references_that_lead_nowhere)
{
    struct registry *r = support_library(chains);
    static const struct {
        const char *processes, *pointer, *says;
    } cases[] = {
        {"{'c': 't.Circle'}", "/processes/c", "circle"},
        {"{'x': 't.ToGroup', 'g': 't.Group'}", "/processes/x", "declare a group instead"},
        {"{'x': 't.ToNone'}", "/processes/x", "did you mean \"t.Base\"?"},
        {"{'x': 't.ToNoVariable', 'b': 't.Base'}", "/processes/x", "has no variable x"},
        {"{'x': 't.ToForeign', 'y': 't.ToBase'}", "/processes/x", "no process in the model"},
        {"{'s': 't.SetsDemand', 'd': 't.Demand'}", "/processes/s", "on demand"},
        {"{'t': 't.Twice', 'b': 't.Base'}", "/processes/t", "t__p and t__q"},
        {"{'g': 't.ToGlobal'}", "/processes/g", "\"ga\""},
        {"{'a': 't.Base', 'b': 't.Sub', 'f': 't.ToBase'}", "/processes/f", "'a', 'b'"},
        {"{'x': 't.Pries', 'p': 't.Private'}", "/processes/x", "private"},
        {"{'a': 't.Bas'}", "/processes/a", "did you mean \"t.Base\"?"},
        {"{'a': 3}", "/processes/a", "not a text"},
        {"{'a_': 't.Base'}", "/processes/a_", "does not end in"},
        {"{'a__b': 't.Base'}", "/processes/a__b", "\"__\""},
        {"{'a/b~': 't.Base'}", "/processes/a~1b~0", "C identifier"},
        {"{}", "/processes", "a model needs"},
        {"[]", "/processes", "a model needs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(r, support_json("{'processes': %s}", cases[i].processes), cases[i].pointer,
                cases[i].says);
    refused(r, support_json("{'proceses': {}}"), "/proceses", "did you mean \"processes\"?");
    refused(r, support_json("3"), "", "a model is an object");
    registry_unref(r);
}

/* Two who offer one global name are at fault only where somebody asks for it. */
Test(models, unused_global_names_may_be_ambiguous)
{
    struct registry *r = support_library(chains);
    model_free(build(r, support_json("{'processes': {'a': 't.Base', 'b': 't.Base'}}")));
    registry_unref(r);
}

static const char *const groups =
    "[{'name': 'A', 'variables': [{'name': 'd', 'kind': 'on_demand', 'has_compute': true,"
    "   'groups': 'g'}, {'name': 'v', 'groups': 'g, h', 'intent': 'out'}]},"
    " {'name': 'B', 'variables': [{'name': 'w', 'groups': 'g'}, {'name': 'x', 'groups': 'g'}]},"
    " {'name': 'Sum', 'variables': [{'name': 'all', 'kind': 'group', 'group': 'g'},"
    "   {'name': 'some', 'kind': 'group_dict', 'group': 'h'},"
    "   {'name': 'none', 'kind': 'group', 'group': 'nobody'}]}]";

Test(models, groups_list_members_in_declared_order)
{
    struct registry *r = support_library(groups);
    struct model *m = build(
        r, support_json("{'processes': {'b': 't.B', 'sum': 't.Sum', 'a2': 't.A', 'a1': 't.A'}}"));
    const struct binding *all = &m->processes[1].bindings[0];
    const char *const order[] = {"b__w", "b__x", "a2__v", "a1__v", "a2__d", "a1__d"};
    cr_assert_eq(all->slot, -1);
    cr_assert_eq(all->n_members, 6);
    for (int i = 0; i < 6; i++) {
        cr_assert_str_eq(m->slots[all->members[i]].name, order[i]);
        const struct model_process *p = &m->processes[all->member_process[i]];
        cr_assert_eq(p->bindings[all->member_variable[i]].slot, all->members[i]);
    }
    cr_assert_eq(m->processes[1].bindings[1].n_members, 2);
    cr_assert_eq(m->processes[1].bindings[2].n_members, 0);
    /* Who collects a group comes after all who set a member, but `in` members give no order. */
    const struct model_process *sum = &m->processes[1];
    cr_assert_eq(sum->n_before, 2);
    cr_assert_eq(sum->before[0], 2);
    cr_assert_eq(sum->before[1], 3);
    cr_assert_eq(model_slot_index(m, "sum__all"), -1);
    model_free(m);
    registry_unref(r);
}

static void check_given_change(const json_t *definition, json_t *changes, const char *given)
{
    json_t *changed;
    struct error e;
    cr_assert_eq(model_update(definition, changes, &changed, &e), 0);
    char *text = json_write(json_object_get(changed, "given"));
    cr_assert_str_eq(text, given);
    free(text);
    json_decref(changed);
    json_decref(changes);
}

static void check_given_changes(const json_t *definition)
{
    json_t *none;
    struct error e;
    check_given_change(definition, support_json("{}"), "{\"y\":\"t.ToBase\",\"s\":\"t.Sub\"}");
    check_given_change(definition, support_json("{'given': {'s': 't.Sub'}}"), "{\"s\":\"t.Sub\"}");
    json_t *changes = support_json("{'given': null}");
    cr_assert_eq(model_update(definition, changes, &none, &e), 0);
    cr_assert_null(json_object_get(none, "given"));
    json_decref(none);
    json_decref(changes);
}

Test(models, neighbours_that_are_given_lead_on)
{
    struct registry *r = support_library(chains);
    struct model *m =
        build(r, support_json("{'processes': {'f': 't.ToForeign'}, 'given': {'y': 't.ToBase', "
                              "'s': 't.Sub'}}"));
    cr_assert_str_eq(owner_of(m, "f__ff"), "s__a");
    cr_assert_eq(m->n_inputs, 1);
    cr_assert_str_eq(m->slots[m->inputs[0]].name, "s__a");
    cr_assert_eq(m->n_unordered, 0);
    check_given_changes(m->definition);
    model_free(m);
    refused(r, support_json("{'processes': {'f': 't.ToForeign'}, 'given': {'y': 't.ToBase'}}"),
            "/processes/f", "no process in the model is of that type (to run without one");
    refused(r,
            support_json(
                "{'processes': {'f': 't.ToForeign'}, 'given': {'y': 't.ToBase', 's': 't.Sub', 'b': "
                "'t.Base'}}"),
            "/processes/f", "several processes are of that type");
    refused(r, support_json("{'processes': {'use': 't.UsesObject'}, 'given': {'o': 't.Object'}}"),
            "/processes/use", "it leads to t.Object.o, which cannot be given");
    registry_unref(r);
}

Test(models, all_inputs_of_a_group_may_be_given)
{
    struct registry *r = support_library(groups);
    struct model *m = build(
        r, support_json("{'processes': {'sum': 't.Sum'}, 'given': {'b': 't.B', 'a': 't.A'}}"));
    static const char *const names[] = {"b__w", "b__x", "a__d", "a__v"};
    cr_assert_eq(m->n_inputs, 4);
    for (int i = 0; i < 4; i++)
        cr_assert_str_eq(m->slots[m->inputs[i]].name, names[i]);
    model_free(m);
    registry_unref(r);
}

Test(models, after_gives_order)
{
    struct registry *r = support_library("[{'name': 'P'}]");
    struct model *m = build(r, support_json("{'processes': {'c': 't.P', 'a': 't.P', 'b': 't.P'}, "
                                            "'after': {'c': ['b', 'a', 'b'], 'a': 'b'}}"));
    cr_assert_eq(m->order[0], 2);
    cr_assert_eq(m->order[1], 1);
    cr_assert_eq(m->order[2], 0);
    /* The normal form: edges by declaration, each once; equal models have equal hashes. */
    struct model *same =
        build(r, support_json("{'after': {'a': ['b'], 'c': ['a', 'b']}, "
                              "'processes': {'c': 't.P', 'a': 't.P', 'b': 't.P'}}"));
    cr_assert_str_eq(m->hash, same->hash);
    model_free(same);
    /* The order of declaration is part of a model: it orders groups, and so the bits. */
    struct model *other =
        build(r, support_json("{'after': {'a': ['b'], 'c': ['a', 'b']}, "
                              "'processes': {'a': 't.P', 'c': 't.P', 'b': 't.P'}}"));
    cr_assert_str_neq(m->hash, other->hash);
    model_free(other);
    model_free(m);
    static const struct {
        const char *after, *pointer, *says;
    } cases[] = {
        {"{'d': ['a']}", "/after/d", "no process 'd'"},
        {"{'a': ['b', 'x']}", "/after/a/1", "no process 'x'"},
        {"{'a': ['a']}", "/after/a/0", "after itself"},
        {"{'a': 3}", "/after/a", "list"},
        {"{'a': [3]}", "/after/a/0", "name"},
        {"[]", "/after", "not an object"},
        {"{'a': ['b'], 'b': ['a']}", "/processes/a", "a → b → a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(
            r, support_json("{'processes': {'a': 't.P', 'b': 't.P'}, 'after': %s}", cases[i].after),
            cases[i].pointer, cases[i].says);
    registry_unref(r);
}

static void updates(const char *old, const char *changes, const char *want)
{
    json_t *definition = support_json("%s", old), *c = support_json("%s", changes), *new = NULL;
    struct error e = {0};
    cr_assert_eq(model_update(definition, c, &new, &e), 0, "%s: %s", changes, e.message);
    char *text = json_write(new);
    json_t *wanted = support_json("%s", want);
    char *want_text = json_write(wanted);
    cr_assert_str_eq(text, want_text, "%s gives %s", changes, text);
    free(want_text);
    json_decref(wanted);
    free(text);
    json_decref(new);
    json_decref(c);
    json_decref(definition);
}

/* As update_processes and drop_processes of xarray-simlab; edges, which it lacks, by name. */
Test(models, changes_make_a_new_definition)
{
    static const char old[] = "{'processes': {'a': 't.A', 'b': 't.B', 'c': 't.C'}, "
                              "'after': {'a': ['b', 'c'], 'c': ['b']}}";
    updates(old, "{}", old);
    updates(old, "{'processes': {'b': null, 'a': 't.X', 'd': 't.D'}, 'after': {'d': ['a']}}",
            "{'processes': {'a': 't.X', 'c': 't.C', 'd': 't.D'}, "
            "'after': {'a': ['c'], 'd': ['a']}}");
    updates(old, "{'after': {'a': 'b'}}",
            "{'processes': {'a': 't.A', 'b': 't.B', 'c': 't.C'}, "
            "'after': {'c': ['b'], 'a': 'b'}}");
    updates(old, "{'after': {'a': null}}",
            "{'processes': {'a': 't.A', 'b': 't.B', 'c': 't.C'}, 'after': {'c': ['b']}}");
    updates(old, "{'after': null}", "{'processes': {'a': 't.A', 'b': 't.B', 'c': 't.C'}}");
    updates(old, "{'processes': {'a': null}}",
            "{'processes': {'b': 't.B', 'c': 't.C'}, 'after': {'c': ['b']}}");
}

/* The order that edges through a dropped process made stays. */
Test(models, order_through_what_is_dropped_stays)
{
    static const char chain[] =
        "{'processes': {'a': 't.A', 'b': 't.B', 'c': 't.C', 'd': 't.D', 'e': 't.E'}, "
        "'after': {'b': ['a'], 'c': ['b', 'a'], 'd': ['c'], 'e': ['d', 'b']}}";
    updates(chain, "{'processes': {'b': null, 'c': null, 'd': null}}",
            "{'processes': {'a': 't.A', 'e': 't.E'}, 'after': {'e': ['a']}}");
    updates(chain, "{'processes': {'c': null}}",
            "{'processes': {'a': 't.A', 'b': 't.B', 'd': 't.D', 'e': 't.E'}, "
            "'after': {'b': ['a'], 'd': ['b', 'a'], 'e': ['d', 'b']}}");
    updates(chain, "{'processes': {'a': null, 'b': null}}",
            "{'processes': {'c': 't.C', 'd': 't.D', 'e': 't.E'}, "
            "'after': {'d': ['c'], 'e': ['d']}}");
}

Test(models, changes_that_cannot_be_made)
{
    static const struct {
        const char *changes, *pointer, *says;
    } cases[] = {
        {"{'processes': {'gone': null}}", "/processes/gone", "no process 'gone' to drop"},
        {"{'processes': []}", "/processes", "not an object"},
        {"{'after': [1]}", "/after", "not an object"},
        {"{'order': []}", "/order", "order"},
    };
    json_t *old = support_json("{'processes': {'a': 't.A'}}"), *new = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {0};
        json_t *changes = support_json("%s", cases[i].changes);
        cr_assert_eq(model_update(old, changes, &new, &e), MODEL_INVALID, "%s", cases[i].changes);
        cr_assert_str_eq(e.pointer, cases[i].pointer);
        cr_assert(strstr(e.message, cases[i].says), "%s", e.message);
        json_decref(changes);
    }
    json_decref(old);
}

/* 2000 dropped processes in a chain for each of 2000 that stay: too much work is refused. */
Test(models, edges_of_changes_are_bounded)
{
    json_t *processes = json_object(), *after = json_object(), *dropped = json_object();
    char name[16], other[16];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "d%d", i);
        snprintf(other, sizeof other, "d%d", i + 1);
        json_object_set_new(processes, name, json_string("t.D"));
        json_object_set_new(dropped, name, json_null());
        if (i < 1999)
            json_object_set_new(after, name, json_pack("[s]", other));
        snprintf(name, sizeof name, "k%d", i);
        json_object_set_new(processes, name, json_string("t.K"));
        json_object_set_new(after, name, json_pack("[s]", "d0"));
    }
    json_t *old = json_pack("{s:o, s:o}", "processes", processes, "after", after), *new = NULL;
    json_t *changes = json_pack("{s:o}", "processes", dropped);
    struct error e = {0};
    cr_assert_eq(model_update(old, changes, &new, &e), MODEL_TOO_LARGE);
    json_decref(changes);
    json_decref(old);
}

/* What the changes do not name is at fault in the model that they change. */
Test(models, faults_are_located_in_changes)
{
    json_t *changes =
        support_json("{'base': 'm', 'processes': {'a': null}, 'after': {'b': ['c']}}");
    struct error e = {.pointer = "/processes/a"};
    model_update_locate(changes, &e);
    cr_assert_str_eq(e.pointer, "/processes/a");
    snprintf(e.pointer, sizeof e.pointer, "/after/b/0");
    model_update_locate(changes, &e);
    cr_assert_str_eq(e.pointer, "/after/b/0");
    snprintf(e.pointer, sizeof e.pointer, "/processes/b");
    model_update_locate(changes, &e);
    cr_assert_str_eq(e.pointer, "/base");
    json_decref(changes);
}

/* ---- unordered access ---- */

static const char *const shared =
    "[{'name': 'Own', 'stages': ['run_step', 'finalize_step'], 'variables': [{'name': 'u',"
    "   'intent': 'inout', 'writes': ['finalize_step']}]},"
    " {'name': 'Late', 'stages': ['run_step', 'finalize_step'], 'variables': [{'name': 'u',"
    "   'kind': 'foreign', 'type': 'Own'}]},"
    " {'name': 'Early', 'stages': ['run_step', 'finalize_step'], 'variables': [{'name': 'u',"
    "   'kind': 'foreign', 'type': 'Own', 'reads': ['run_step']}]},"
    " {'name': 'Mean', 'stages': [], 'variables': [{'name': 'u', 'kind': 'foreign',"
    "   'type': 'Own'}, {'name': 'm', 'kind': 'on_demand', 'has_compute': true}]},"
    " {'name': 'Deep', 'variables': [{'name': 'm', 'kind': 'foreign', 'type': 'Mean'},"
    "   {'name': 'n', 'kind': 'on_demand', 'has_compute': true}]},"
    " {'name': 'UsesDeep', 'stages': ['finalize_step'], 'variables': [{'name': 'n',"
    "   'kind': 'foreign', 'type': 'Deep'}]}]";

static int unordered(const struct registry *r, const char *processes, const char *after)
{
    struct model *m = build(r, support_json("{'processes': %s, 'after': %s}", processes, after));
    int n = m->n_unordered;
    for (int i = 0; i < n; i++) {
        const struct unordered *u = &m->unordered[i];
        cr_assert(u->process_a < u->process_b);
        cr_assert_eq(u->stage, SIMLAB_FINALIZE_STEP);
        cr_assert_str_eq(m->slots[u->slot].name, "o__u");
    }
    model_free(m);
    return n;
}

Test(models, unordered_access_is_found)
{
    struct registry *r = support_library(shared);
    cr_assert_eq(unordered(r, "{'o': 't.Own', 'l': 't.Late'}", "{}"), 1);
    cr_assert_eq(unordered(r, "{'o': 't.Own', 'l': 't.Late'}", "{'o': ['l']}"), 0);
    cr_assert_eq(unordered(r, "{'o': 't.Own', 'l': 't.Late'}", "{'l': ['o']}"), 0);
    cr_assert_eq(unordered(r, "{'o': 't.Own', 'e': 't.Early'}", "{}"), 0);
    /* An order through a third process counts. */
    cr_assert_eq(
        unordered(r, "{'o': 't.Own', 'e': 't.Early', 'l': 't.Late'}", "{'o': ['e'], 'e': ['l']}"),
        0);
    /* Who reads a value on demand reads what it is computed from, through any number of them. */
    cr_assert_eq(unordered(r, "{'o': 't.Own', 'm': 't.Mean'}", "{}"), 0);
    cr_assert_eq(
        unordered(r, "{'o': 't.Own', 'm': 't.Mean', 'd': 't.Deep', 'x': 't.UsesDeep'}", "{}"), 1);
    registry_unref(r);
}

Test(models, json_tells_inputs_and_order)
{
    struct registry *r = support_library(shared);
    struct model *m = build(r, support_json("{'processes': {'o': 't.Own', 'l': 't.Late'}}"));
    char *text = model_show(m, "mine");
    struct error e = {0};
    json_t *j = json_read(text, strlen(text), &e);
    cr_assert(j, "%s", e.message);
    free(text);
    cr_assert_str_eq(json_member_string(j, "name"), "mine");
    cr_assert(json_equal(json_object_get(j, "definition"), m->definition));
    cr_assert(json_object_get(json_object_get(j, "inputs"), "o__u"));
    cr_assert_str_eq(json_member_string(j, "hash"), m->hash);
    cr_assert_eq(json_array_size(json_object_get(j, "order")), 2);
    cr_assert_eq(json_array_size(json_object_get(j, "unordered")), 1);
    cr_assert_str_eq(
        json_member_string(json_object_get(json_object_get(j, "processes"), "l"), "type"),
        "t.Late");
    json_decref(j);
    model_free(m);
    registry_unref(r);
}

static void build_mutant(const json_t *mutant, void *userdata)
{
    struct error e = {0};
    struct model *m = NULL;
    int r = model_new(userdata, mutant, &m, &e);
    cr_assert(r == 0 || (r == MODEL_INVALID && *e.message));
    model_free(m);
}

Test(models, survives_hostile_definitions)
{
    struct registry *r = support_reference();
    json_t *job = golden("group-of-three", "job");
    json_t *d = json_object_get(job, "model");
    json_object_set_new(d, "after", support_json("{'grid': ['advect', 'source'], 'advect': []}"));
    support_mutate(d, build_mutant, r);
    json_decref(job);
    registry_unref(r);
}

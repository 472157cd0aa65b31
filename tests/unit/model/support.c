/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const support_golden[] = {"advect",
                                      "advect-every-step",
                                      "advect-source-forcing",
                                      "advect-velocity-array",
                                      "batch-array-input",
                                      "batch-time-forcing",
                                      "batch-two-inputs",
                                      "batch-velocity",
                                      "defaults",
                                      "dtypes",
                                      "dynamic-size",
                                      "encoding",
                                      "foreign-out",
                                      "game-of-life",
                                      "global-reference",
                                      "gray-scott",
                                      "group-of-three",
                                      "runtime-context",
                                      "signal-break",
                                      "subtype-grid",
                                      "transposed-input",
                                      NULL};

const char *const support_errors[] = {"ambiguous-foreign",    "cycle",
                                      "duplicate-global",     "missing-foreign",
                                      "missing-global",       "missing-input",
                                      "out-of-bounds",        "static-with-time",
                                      "two-writers",          "unknown-clock",
                                      "unknown-input",        "unknown-output",
                                      "unsynchronized-clock", "untransposed-input",
                                      "wrong-dims",           NULL};

static json_t *parse(const char *text, size_t size, const char *what)
{
    struct error e = {0};
    json_t *value = json_read(text, size, &e);
    if (!value)
        fprintf(stderr, "%s: %s\n", what, e.message);
    mem_assert(value);
    return value;
}

json_t *support_file(const char *path)
{
    struct buffer b = {0};
    if (file_read(path, 64 << 20, &b))
        fprintf(stderr, "cannot read %s (the tests run in the project's folder)\n", path);
    mem_assert(b.data);
    /* Not json_read: the golden cases hold u8's greatest value, which it refuses. */
    json_t *value =
        json_loadb(b.data, b.size, JSON_DECODE_INT_AS_REAL * !!strstr(path, "expected"), NULL);
    mem_assert(value);
    buffer_free(&b);
    return value;
}

json_t *support_json(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    mem_assert(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *value = parse(text, strlen(text), text);
    free(text);
    return value;
}

static struct registry *finished(json_t *document)
{
    struct error e = {0};
    struct registry *r = registry_new();
    if (registry_add(r, document, &e))
        fprintf(stderr, "%s: %s\n", e.pointer, e.message);
    registry_finish(r);
    json_t *left_out = json_array_get(registry_left_out(r), 0);
    if (left_out)
        fprintf(stderr, "%s\n", json_string_value(json_object_get(left_out, "reason")));
    mem_assert(registry_n_libraries(r) == 1 && !left_out);
    json_decref(document);
    return r;
}

struct registry *support_reference(void)
{
    return finished(support_file("tests/unit/model/reference.json"));
}

struct registry *support_library(const char *types)
{
    return finished(support_json("{'abi': 1, 'library': 't', 'types': %s}", types));
}

/* ---- mutation ---- */

struct mutation {
    json_t *root;
    void (*fn)(const json_t *mutant, void *userdata);
    void *userdata;
};

static json_t *odd_thing(int i)
{
    switch (i) {
    case 0:
        return json_null();
    case 1:
        return json_integer(-7);
    case 2:
        return json_string("reference.AdvectionLax");
    case 3:
        return json_pack("[[i, s], []]", 1, "x");
    case 4:
        return json_pack("{s: {s: [i]}}", "data", "linspace", 3);
    case 5:
        return json_real(1e300);
    case 6:
        return json_string("");
    default:
        return NULL;
    }
}

static void visit(struct mutation *m, json_t *container)
{
    const char *key;
    json_t *value;
    void *next;
    if (json_is_object(container)) {
        json_object_foreach_safe(container, next, key, value)
        {
            char *name = mem_strdup(key);
            json_t *kept = json_incref(value), *odd;
            for (int i = 0; (odd = odd_thing(i)); i++) {
                json_object_set_new(container, name, odd);
                m->fn(m->root, m->userdata);
            }
            json_object_set_new(container, name, kept);
            free(name);
            visit(m, kept);
        }
    }
    for (size_t k = 0; k < json_array_size(container) && k < 40; k++) {
        json_t *kept = json_incref(json_array_get(container, k)), *odd;
        for (int i = 0; (odd = odd_thing(i)); i++) {
            json_array_set_new(container, k, odd);
            m->fn(m->root, m->userdata);
        }
        json_array_set_new(container, k, kept);
        visit(m, kept);
    }
}

void support_mutate(const json_t *document, void (*fn)(const json_t *mutant, void *userdata),
                    void *userdata)
{
    struct mutation m = {.root = json_deep_copy(document), .fn = fn, .userdata = userdata};
    visit(&m, m.root);
    json_decref(m.root);
}

uint64_t support_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

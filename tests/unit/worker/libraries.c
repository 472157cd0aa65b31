/* SPDX-License-Identifier: Apache-2.0 */
/* What authors may have built (tests/lib/odd.c, as BUILD/odd/NAME.so). */
#include "worker/library.h"

#include "base/file.h"
#include "base/mem.h"
#include "library/content.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *odd(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "odd/%s", name);
    return support_built(path);
}

Test(libraries, what_cannot_be_read_is_refused)
{
    static const struct {
        const char *name, *says;
    } rows[] = {{"NEWER.so", "install a newer one"},
                {"OTHER.so", "build it again"},
                {"NO_SYMBOL.so", "it lacks SIMLAB_LIBRARY"},
                {"NO_TABLE.so", "returned nothing"},
                {"absent.so", "cannot read"}};
    struct libraries *l = libraries_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error e = {.message = ""};
        cr_assert_gt(libraries_open(l, odd(rows[i].name), NULL, &e), 0, "%s", rows[i].name);
        cr_assert(strstr(e.message, rows[i].says), "%s: %s", rows[i].name, e.message);
    }
    char path[600];
    struct error e = {.message = ""};
    snprintf(path, sizeof path, "%s", support_path("text.so"));
    cr_assert_eq(file_replace(path, support_path("text.part"), "hello", 5, 0600, FILE_SYNC_NONE),
                 0);
    cr_assert_eq(libraries_open(l, path, NULL, &e), WORKER_REFUSED);
    cr_assert(strstr(e.message, "cannot load"), "%s", e.message);
    cr_assert_eq(libraries_size(l), 0);
    libraries_free(l);
}

static struct registry *registry_of(const struct libraries *l, const char *name)
{
    struct registry *r = registry_new();
    struct error e = {.message = ""};
    json_t *document = NULL;
    cr_assert_eq(libraries_describe(l, name, &document, &e), 0, "%s", e.message);
    cr_assert_eq(registry_add(r, document, &e), 0, "%s", e.message);
    json_decref(document);
    registry_finish(r);
    return r;
}

/* Both as the library's author meant it, whatever the sizes. */
static void check_twice(const char *name, size_t instance_size)
{
    struct libraries *l = libraries_new();
    struct error e = {.message = ""};
    char type_name[32];
    snprintf(type_name, sizeof type_name, "%s.Twice", name);
    char file[32];
    snprintf(file, sizeof file, "%s.so", name);
    cr_assert_eq(libraries_open(l, odd(file), NULL, &e), 0, "%s", e.message);
    struct registry *r = registry_of(l, name);
    const struct type *type = registry_type(r, type_name);
    cr_assert(type, "%s", type_name);
    cr_assert_eq(type->n_variables, 2);
    cr_assert_str_eq(type->variables[1].name, "b");
    const struct stage_code *code = libraries_code(l, type);
    cr_assert(code && code->process->run_step);
    cr_assert_eq(code->process->instance_size, instance_size);
    cr_assert(!code->process->restore);
    registry_unref(r);
    libraries_free(l);
}

Test(libraries, older_and_larger_structs)
{
    check_twice("GOOD", 24);
    check_twice("OLD", 0);
    check_twice("LARGER", 24);
}

/* What can set the control is looked at after each call. */
Test(libraries, who_can_change_the_floating_point_control)
{
    static const struct {
        const char *library;
        bool keeps;
    } rows[] = {
        {"odd/GOOD.so", true},
        {"odd/ROUNDS.so", false},
        {"odd/CALLS.so", false},
        {"processes/reference.so", true},
        {"apart/apart.so", false} /* it opens directories: anything else may be in reach */};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct libraries *l = libraries_new();
        struct error e = {.message = ""};
        const char *path = support_built(rows[i].library);
        cr_assert_eq(libraries_open(l, path, NULL, &e), 0, "%s", e.message);
        char *name = content_name(path);
        struct registry *r = registry_of(l, name);
        const struct stage_code *code = libraries_code(l, registry_at(r, 0));
        cr_assert_eq(code->keeps_floating, rows[i].keeps, "%s", rows[i].library);
        free(name);
        registry_unref(r);
        libraries_free(l);
    }
}

/* A type that cannot be told of is left out, alone. */
Test(libraries, types_without_a_name_are_left_out)
{
    static const char *const names[] = {"NAMELESS", "NULL_PROCESS"};
    for (size_t i = 0; i < 2; i++) {
        struct libraries *l = libraries_new();
        struct error e = {.message = ""};
        char file[32];
        snprintf(file, sizeof file, "%s.so", names[i]);
        cr_assert_eq(libraries_open(l, odd(file), NULL, &e), 0, "%s", e.message);
        struct registry *r = registry_of(l, names[i]);
        const json_t *entry = json_array_get(registry_left_out(r), 0);
        cr_assert(strstr(json_string_value(json_object_get(entry, "reason")), "has no name"));
        registry_unref(r);
        libraries_free(l);
    }
}

Test(libraries, one_content_of_a_name)
{
    struct libraries *l = libraries_new();
    struct error e = {.message = ""};
    char good[HASH_TEXT_SIZE], other[HASH_TEXT_SIZE], path[600];
    struct buffer bytes = {0};
    cr_assert_eq(content_hash(odd("GOOD.so"), good, &e), 0);
    cr_assert_eq(content_hash(odd("LARGER.so"), other, &e), 0);
    cr_assert_eq(libraries_open(l, odd("GOOD.so"), other, &e), WORKER_REFUSED);
    cr_assert(strstr(e.message, "is damaged"), "%s", e.message);
    cr_assert_eq(libraries_size(l), 0, "the hash is compared before anything is loaded");
    cr_assert_eq(libraries_open(l, odd("GOOD.so"), good, &e), 0, "%s", e.message);
    cr_assert_eq(libraries_open(l, odd("GOOD.so"), good, &e), 0, "%s", e.message);
    cr_assert_eq(libraries_size(l), 1);
    /* Another build of the same name. */
    snprintf(path, sizeof path, "%s", support_path("GOOD.so"));
    cr_assert_eq(file_read(odd("LARGER.so"), 1 << 24, &bytes), 0);
    cr_assert_eq(file_replace(path, support_path("part"), bytes.data, bytes.size, 0700, 0), 0);
    cr_assert_eq(libraries_open(l, path, other, &e), WORKER_REFUSED);
    cr_assert(strstr(e.message, "another content of library GOOD is loaded here"), "%s", e.message);
    cr_assert(!libraries_hook(l, "GOOD.none"));
    cr_assert(!libraries_hook(l, "GOOD"));
    buffer_free(&bytes);
    libraries_free(l);
}

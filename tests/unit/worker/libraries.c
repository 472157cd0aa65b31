/* SPDX-License-Identifier: Apache-2.0 */
/* What authors may have built (tests/lib/odd.c, as BUILD/odd/NAME.so). */
#include "worker/library.h"

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *odd(const char *name)
{
    static char path[4600];
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    cr_assert(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/../odd/%s", self, name);
    return path;
}

Test(libraries, what_cannot_be_read_is_refused)
{
    static const struct {
        const char *name, *says;
    } rows[] = {{"NEWER.so", "install a newer simlabd"},     {"OTHER.so", "build it again"},
                {"NO_SYMBOL.so", "it lacks SIMLAB_LIBRARY"}, {"NULL_PROCESS.so", "process 0"},
                {"NO_TABLE.so", "returned nothing"},         {"absent.so", "cannot read"}};
    struct libraries *l = libraries_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error e = {.message = ""};
        cr_assert_gt(libraries_open(l, odd(rows[i].name), &e), 0, "%s", rows[i].name);
        cr_assert(strstr(e.message, rows[i].says), "%s: %s", rows[i].name, e.message);
    }
    char path[600];
    struct error e = {.message = ""};
    snprintf(path, sizeof path, "%s", support_path("text.so"));
    cr_assert_eq(file_replace(path, support_path("text.part"), "hello", 5, 0600, FILE_SYNC_NONE),
                 0);
    cr_assert_eq(libraries_open(l, path, &e), WORKER_REFUSED);
    cr_assert(strstr(e.message, "cannot load"), "%s", e.message);
    cr_assert_eq(libraries_size(l), 0);
    libraries_free(l);
}

/* Both as the library's author meant it, whatever the sizes. */
static void check_twice(const char *name, size_t instance_size)
{
    struct libraries *l = libraries_new();
    struct registry *r = NULL;
    struct error e = {.message = ""};
    char type_name[32];
    snprintf(type_name, sizeof type_name, "%s.Twice", name);
    char file[32];
    snprintf(file, sizeof file, "%s.so", name);
    cr_assert_eq(libraries_open(l, odd(file), &e), 0, "%s", e.message);
    cr_assert_eq(libraries_registry(l, &r, &e), 0, "%s", e.message);
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

/* As in the daemon: one bad library costs nobody else. */
Test(libraries, bad_descriptors_are_left_out)
{
    struct libraries *l = libraries_new();
    struct registry *r = NULL;
    struct error e = {.message = ""};
    cr_assert_eq(libraries_open(l, odd("NAMELESS.so"), &e), 0, "%s", e.message);
    cr_assert_eq(libraries_open(l, odd("GOOD.so"), &e), 0, "%s", e.message);
    cr_assert_eq(libraries_open(l, odd("GOOD.so"), &e), 0, "%s", e.message); /* the name again */
    cr_assert_eq(libraries_registry(l, &r, &e), 0, "%s", e.message);
    cr_assert_eq(registry_size(r), 1);
    cr_assert(libraries_code(l, registry_at(r, 0)));
    cr_assert(!libraries_hook(l, "GOOD.none"));
    cr_assert(!libraries_hook(l, "GOOD"));
    registry_unref(r);
    libraries_free(l);
}

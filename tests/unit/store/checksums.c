/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checksums.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_fault(void *userdata, const struct checksums_fault *f)
{
    int *n = userdata;
    (void)f;
    ++*n;
}

/* The lines between heading and end, whose hash is right. */
static char *text_of(const char *lines)
{
    char hash[HASH_TEXT_SIZE];
    char *body = mem_printf("simlabd checksums 1\n%s", lines);
    hash_bytes(body, strlen(body), hash);
    char *text = mem_printf("%send %s\n", body, hash);
    free(body);
    return text;
}

static int compare(const char *path, const char *text, size_t size, int *ret_faults)
{
    struct error e = {.message = ""};
    struct checksums_check check = {.n_members = 10, .fault = on_fault, .userdata = ret_faults};
    *ret_faults = 0;
    return checksums_compare(path, text, size, &check, &e);
}

/* Whoever wrote them: nothing outside the store is looked at. */
Test(checksums, lines_that_are_none)
{
    static const char *const bad[] = {"array 1 -1 ../x\n",       "array 1 -1 a/b\n",
                                      "array 1 -1 .hidden\n",    "array -1 -1 a\n",
                                      "array 0 10 a\n",          "array 1 a\n",
                                      "../../etc/passwd 1 2\n",  "..  1 2\n",
                                      "0.0 many ffff\n",         "0.0\n",
                                      "array 1 -1 a\na/b 1 2\n", "array 99999999999999999999 0 \n"};
    char directory[] = "/tmp/simlab-checksums-XXXXXX";
    int faults;
    cr_assert(mkdtemp(directory));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = text_of(bad[i]);
        cr_expect_eq(compare(directory, text, strlen(text), &faults), STORE_INVALID, "%s", bad[i]);
        free(text);
    }
    char *text = text_of("0.0 1 2\narray 4 -1 gone\n9.0 1 2\n99999999999999999999.0 1 2\n");
    cr_expect_eq(compare(directory, text, strlen(text), &faults), 0);
    cr_expect_eq(faults, 3, "all are missing");
    free(text);
    rmdir(directory);
}

Test(checksums, texts_that_were_cut_or_changed)
{
    char directory[] = "/tmp/simlab-checksums-XXXXXX";
    int faults;
    cr_assert(mkdtemp(directory));
    char *text = text_of("0.0 1 2\n");
    size_t n = strlen(text);
    for (size_t size = 0; size < n; size++)
        cr_expect_eq(compare(directory, text, size, &faults), STORE_INVALID, "%zu bytes", size);
    for (size_t i = 0; i < n; i++) {
        text[i] ^= 1;
        cr_expect_eq(compare(directory, text, n, &faults), STORE_INVALID, "byte %zu", i);
        text[i] ^= 1;
    }
    cr_expect_eq(compare(directory, text, n, &faults), 0);
    free(text);
    rmdir(directory);
}

/* A link, a directory or a damaged text in its place is not kept, and is no failure. */
Test(checksums, what_is_not_kept)
{
    char directory[] = "/tmp/simlab-checksums-XXXXXX";
    cr_assert(mkdtemp(directory));
    char *path = file_join(directory, "s.zarr"), *sync = file_join(directory, "s.zarr.sync");
    char *file = file_join(sync, ".checksums"), *to = file_join(directory, "kept");
    char *temporary = file_join(directory, ".kept");
    cr_expect_eq(checksums_keep(path, to, temporary), 0, "there is none");
    cr_assert_eq(file_make_directories(sync), 0);
    cr_assert_eq(symlink("/etc/passwd", file), 0);
    cr_expect_eq(checksums_keep(path, to, temporary), 0);
    unlink(file);
    cr_assert_eq(file_make_directories(file), 0);
    cr_expect_eq(checksums_keep(path, to, temporary), 0);
    rmdir(file);
    cr_assert_eq(file_replace(file, temporary, "simlabd", 7, 0600, FILE_SYNC_NONE), 0);
    cr_expect_eq(checksums_keep(path, to, temporary), 0);
    cr_expect_neq(access(to, F_OK), 0);
    char *text = text_of("0.0 1 2\n");
    cr_assert_eq(file_replace(file, temporary, text, strlen(text), 0600, FILE_SYNC_NONE), 0);
    cr_expect_eq(checksums_keep(path, to, temporary), 0);
    cr_expect_eq(access(to, F_OK), 0);
    free(text);
    cr_assert_eq(file_remove_tree(directory), 0);
    free(path);
    free(sync);
    free(file);
    free(to);
    free(temporary);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A saved run's file: whole, or refused. */
#include "worker/checkpoint_file.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char state[] = "the state of a run", outputs[] = "{}";
static const char lines[] = "one\0two";
static const struct checkpoint_content content = {.member = 7,
                                                  .steps = 40,
                                                  .fits = "0123456789abcdef",
                                                  .state = state,
                                                  .n_state = sizeof state,
                                                  .outputs = outputs,
                                                  .n_outputs = sizeof outputs,
                                                  .n_lines = 3,
                                                  .lines = lines,
                                                  .n_lines_bytes = sizeof lines};

static int write_it(const char *path, bool is_void)
{
    const atomic_bool needless = is_void;
    const struct checkpoint_writing how = {.directory = -1, .is_void = &needless};
    return checkpoint_file_write(path, &content, &how);
}

static int read_it(const char *path, struct checkpoint_content *ret, void **ret_memory)
{
    struct error e = {.message = ""};
    int r = checkpoint_file_read(path, ret, ret_memory, &e);
    if (r > 0)
        cr_assert(strstr(e.message, "cut or damaged"), "%s", e.message);
    return r;
}

Test(checkpoint_file, is_read_as_it_was_written)
{
    const char *path = support_path("checkpoint");
    struct checkpoint_content c;
    void *memory;
    cr_assert_eq(read_it(path, &c, &memory), -ENOENT);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(write_it(path, false), 0);
    cr_assert_eq(read_it(path, &c, &memory), 0);
    cr_assert_eq(c.member, 7);
    cr_assert_eq(c.steps, 40);
    cr_assert_str_eq(c.fits, content.fits);
    cr_assert_eq(c.n_state, sizeof state);
    cr_assert_eq((uintptr_t)c.state % 16, 0);
    cr_assert_str_eq(c.state, state);
    cr_assert_eq(c.n_outputs, sizeof outputs);
    cr_assert_eq(c.n_lines, 3);
    cr_assert_eq(c.n_lines_bytes, sizeof lines);
    cr_assert_arr_eq(c.lines, lines, sizeof lines);
    cr_assert_str_eq(c.outputs, outputs);
    free(memory);
}

Test(checkpoint_file, is_left_as_it_was_where_another_is_given_up)
{
    const char *path = support_path("checkpoint");
    struct checkpoint_content c;
    void *memory;
    cr_assert_eq(write_it(path, false), 0);
    cr_assert_eq(write_it(path, true), -ECANCELED);
    cr_assert_eq(write_it("/nowhere/at/all", false), -ENOENT);
    cr_assert_eq(read_it(path, &c, &memory), 0);
    free(memory);
}

static void check_lines_are_refused(const char *text, size_t n_bytes, int64_t n)
{
    const char *path = support_path("checkpoint");
    struct checkpoint_content wrong = content, c;
    const atomic_bool needless = false;
    const struct checkpoint_writing how = {.directory = -1, .is_void = &needless};
    void *memory;
    wrong.lines = text;
    wrong.n_lines_bytes = n_bytes;
    wrong.n_lines = n;
    cr_assert_eq(checkpoint_file_write(path, &wrong, &how), 0);
    cr_assert_gt(read_it(path, &c, &memory), 0);
}

Test(checkpoint_file, whose_lines_are_none_is_refused)
{
    check_lines_are_refused(lines, sizeof lines - 1, 3); /* the last has no end */
    check_lines_are_refused(lines, sizeof lines, 1);
}

/* Each operation is counted once a process: one test, one fault. */
static void check_is_left(const char *fault, int directory)
{
    const char *path = support_path("checkpoint");
    const atomic_bool needless = false;
    const struct checkpoint_writing how = {.directory = directory, .is_void = &needless};
    struct checkpoint_content other = content, c;
    void *memory;
    char *partial = mem_printf("%s.partial", path);
    other.steps = 50;
    cr_assert_eq(write_it(path, false), 0);
    setenv("SIMLAB_FAULT", fault, 1);
    cr_assert_eq(checkpoint_file_write(path, &other, &how), -EIO);
    unsetenv("SIMLAB_FAULT");
    cr_assert_eq(access(partial, F_OK), -1);
    cr_assert_eq(read_it(path, &c, &memory), 0);
    cr_assert_eq(c.steps, 40);
    free(memory);
    free(partial);
}

static void check_is_left_by_sync(const char *fault)
{
    int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(directory, 0);
    check_is_left(fault, directory);
    close(directory);
}

Test(checkpoint_file, is_left_as_it_was_where_the_store_cannot_be_synced)
{
    check_is_left_by_sync("fsync:1:EIO");
}

Test(checkpoint_file, is_left_as_it_was_where_another_cannot_be_synced)
{
    check_is_left_by_sync("fsync:2:EIO");
}

Test(checkpoint_file, is_left_as_it_was_where_another_cannot_be_renamed)
{
    check_is_left("rename:1:EIO", -1);
}

static void put(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    cr_assert(f && fwrite(bytes, 1, n, f) == n);
    fclose(f);
}

Test(checkpoint_file, any_byte_that_is_another_is_noticed)
{
    char *path = strdup(support_path("checkpoint"));
    struct buffer bytes = {0};
    struct checkpoint_content c;
    void *memory;
    cr_assert_eq(write_it(path, false), 0);
    cr_assert_eq(file_read(path, 1 << 20, &bytes), 0);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 1;
        put(path, bytes.data, bytes.size);
        cr_assert_eq(read_it(path, &c, &memory), WORKER_REFUSED, "byte %zu", i);
        bytes.data[i] ^= 1;
        put(path, bytes.data, i);
        cr_assert_eq(read_it(path, &c, &memory), WORKER_REFUSED, "cut at %zu", i);
    }
    put(path, bytes.data, bytes.size);
    cr_assert_eq(read_it(path, &c, &memory), 0);
    free(memory);
    free(path);
    buffer_free(&bytes);
}

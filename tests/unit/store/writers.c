/* SPDX-License-Identifier: Apache-2.0 */
/* Several writers of one store: nothing is lost, whoever writes, and what killed writers leave is
 * gone at the end. */
#include "store_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/claim.h"
#include "store/fence.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_WRITERS = 16, N_ROWS = 10, N_COLUMNS = 7 };

static const char *const dims[] = {"row", "column"};

static void create_shared(struct store *s)
{
    const int64_t shape[2] = {N_WRITERS * N_ROWS, N_COLUMNS};
    struct store_meta m;
    struct error e = {0};
    store_meta_default(&m, SIMLAB_I8, 0, 2, shape);
    m.chunks[0] = 32;
    m.chunks[1] = 4;
    int r = store_create_array(s, "shared", &m, dims, NULL, &e);
    cr_assert_eq(r, 0, "%s", e.message);
}

/* Every N_WRITERSth row is this writer's: all chunks are shared. */
static int write_rows(const char *path, int writer)
{
    struct store *s;
    struct error e = {0};
    if (store_open(path, STORE_JOIN, &s, &e) != 0)
        return 1;
    create_shared(s);
    for (int i = 0; i < N_ROWS; i++) {
        int64_t row = (int64_t)i * N_WRITERS + writer, values[N_COLUMNS];
        for (int j = 0; j < N_COLUMNS; j++)
            values[j] = row * 100 + j;
        const int64_t start[2] = {row, 0}, count[2] = {1, N_COLUMNS};
        if (store_write(s, "shared", start, count, values, &e) != 0)
            return 2;
    }
    store_close(s);
    return 0;
}

static void check_shared(struct store *s)
{
    const int64_t start[2] = {0, 0}, shape[2] = {N_WRITERS * N_ROWS, N_COLUMNS};
    int64_t values[N_WRITERS * N_ROWS][N_COLUMNS];
    struct error e = {0};
    int r = store_read(s, "shared", start, shape, values, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    for (int i = 0; i < N_WRITERS * N_ROWS; i++)
        for (int j = 0; j < N_COLUMNS; j++)
            cr_assert_eq(values[i][j], i * 100 + j, "row %d, column %d is lost", i, j);
}

/* ---- killed writers ---------------------------------------------------------------------- */

static int count_partials(const char *directory)
{
    DIR *d = opendir(directory);
    const struct dirent *entry;
    int n = 0;
    while (d && (entry = readdir(d)))
        n += strstr(entry->d_name, ".partial") != NULL;
    if (d)
        closedir(d);
    return n;
}

/* Killed at each rename in turn: the array is as before or as after, a successor is not stopped by
 * the lock, and nothing is left at the end. */
Test(writers, may_be_killed_at_any_rename, .timeout = 60)
{
    for (int nth = 1; nth <= 8; nth++) {
        char *path = fixture_store_path();
        pid_t pid = fork();
        if (pid == 0) {
            char spec[32];
            snprintf(spec, sizeof spec, "rename:%d:kill", nth);
            setenv("SIMLAB_FAULT", spec, 1);
            fixture_open(path);
            _exit(write_rows(path, 0));
        }
        int status;
        waitpid(pid, &status, 0);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct store *s = fixture_open(path);
        struct error e = {0};
        for (int i = 0; i < N_WRITERS; i++)
            cr_assert_eq(write_rows(path, i), 0);
        check_shared(s);
        cr_assert_eq(store_verify(s, "shared", &e), 0, "%s", e.message);
        cr_assert_eq(store_finish(s, &e), 0, "%s", e.message);
        char *array = file_join(path, "shared");
        cr_assert_eq(count_partials(array) + count_partials(path), 0);
        free(array);
        store_close(s);
        fixture_remove(path);
    }
}

/* Equal work gives equal bytes, in whatever order, and whether or not a writer was killed. */
Test(writers, leave_the_same_bytes)
{
    char *paths[2] = {fixture_store_path(), fixture_store_path()};
    for (int k = 0; k < 2; k++) {
        struct store *s = fixture_open(paths[k]);
        for (int i = 0; i < N_WRITERS; i++)
            cr_assert_eq(write_rows(paths[k], k ? N_WRITERS - 1 - i : i), 0);
        cr_assert_eq(store_finish(s, NULL), 0);
        store_close(s);
    }
    char *command = mem_printf("diff -r %s %s", paths[0], paths[1]);
    cr_assert_eq(system(command), 0);
    free(command);
    fixture_remove(paths[0]);
    fixture_remove(paths[1]);
}

/* ---- fences, faults, refusals ------------------------------------------------------------ */

#define OWNER "simlabd 0123456789abcdef0123456789abcdef job 1\n"

static void reads(struct store *s, int64_t expected)
{
    struct error e = {0};
    int64_t value = 0;
    const int64_t start[2] = {0, 0}, one[2] = {1, 1};
    cr_assert_eq(store_read(s, "shared", start, one, &value, &e), 0);
    cr_assert_eq(value, expected);
}

/* Whole chunks, parts of them, larger extents: whatever is tried, for this reason. */
static void writes(struct store *s, int64_t value, int result)
{
    struct error e = {0};
    int64_t values[32 * 4] = {value};
    const int64_t start[2] = {0, 0}, whole[2] = {32, 4}, part[2] = {31, 4},
                  larger[2] = {400 + value, 4};
    cr_assert_eq(store_write(s, "shared", start, whole, values, &e), result, "%s", e.message);
    cr_assert_eq(store_write(s, "shared", start, part, values, &e), result, "%s", e.message);
    cr_assert_eq(store_grow(s, "shared", larger, &e), result, "%s", e.message);
    cr_assert(result == 0 || *e.message);
}

Test(store, a_lease_that_was_fenced_off_writes_nothing)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    struct error e = {0};
    create_shared(s);
    cr_assert_eq(store_claim_again(path, OWNER, &e), 0, "%s", e.message);
    store_set_fence(s, 7);
    cr_assert_eq(store_fence_off(path, OWNER, 6, &e), 0, "%s", e.message);
    writes(s, 1, 0);
    cr_assert_eq(store_fence_off(path, OWNER, 7, &e), 0, "%s", e.message);
    cr_assert_eq(store_fence_off(path, OWNER, 7, &e), 0, "%s", e.message);
    writes(s, 2, -ESTALE);
    reads(s, 1);
    store_set_fence(s, 8);
    writes(s, 3, 0);
    cr_assert_eq(store_fence_off(path, "simlabd x job 2\n", 8, &e), STORE_CONFLICT);
    reads(s, 3);
    store_close(s);
    fixture_remove(path);
}

/* The job has ended: its locks are gone. */
Test(store, nothing_is_written_without_the_mark)
{
    char *path = fixture_store_path(), *sync = mem_printf("%s.sync", path);
    struct store *s = fixture_open(path);
    struct error e = {0};
    create_shared(s);
    cr_assert_eq(store_claim_again(path, OWNER, &e), 0, "%s", e.message);
    store_set_fence(s, 0);
    writes(s, 1, 0);
    cr_assert_eq(file_remove_tree(sync), 0);
    writes(s, 2, -ENOENT);
    reads(s, 1);
    cr_assert_eq(store_fence_off(path, OWNER, 7, &e), 0); /* nor need it be forbidden */
    cr_assert_neq(access(sync, F_OK), 0);
    free(sync);
    store_close(s);
    fixture_remove(path);
}

Test(store, an_array_that_cannot_be_seen_is_not_absent)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    struct error e = {0};
    create_shared(s);
    cr_assert_eq(store_consolidate(s, &e), 0, "%s", e.message);
    char *meta = file_join(path, "shared/.zarray");
    cr_assert_eq(unlink(meta), 0);
    cr_assert_eq(symlink(".zarray", meta), 0); /* to itself: it cannot be looked at */
    cr_assert_eq(store_consolidate(s, &e), -ELOOP);
    cr_assert(strstr(e.message, "cannot list the store"), "%s", e.message);
    cr_assert_eq(store_finish(s, &e), -ELOOP);
    free(meta);
    store_close(s);
    fixture_remove(path);
}

static void truncate_chunk(const char *path, const char *chunk)
{
    char *file = file_join(path, chunk);
    cr_assert_eq(truncate(file, 20), 0);
    free(file);
}

Test(store, tells_damaged_and_missing_chunks)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    struct error e = {0};
    for (int i = 0; i < N_WRITERS; i++)
        cr_assert_eq(write_rows(path, i), 0);
    cr_assert_eq(store_verify(s, "shared", &e), 0);
    truncate_chunk(path, "shared/1.1");
    cr_assert_eq(store_verify(s, "shared", &e), STORE_BROKEN);
    cr_assert(strstr(e.message, "1.1") && strstr(e.message, "shared"), "%s", e.message);
    int64_t values[32 * 3] = {0};
    const int64_t start[2] = {32, 4}, part[2] = {1, 3}, whole[2] = {32, 3};
    cr_assert_eq(store_read(s, "shared", start, part, values, &e), STORE_BROKEN);
    cr_assert_eq(store_write(s, "shared", start, part, values, &e), STORE_BROKEN);
    /* All of it that the array has, though not of the chunk, mends it. */
    cr_assert_eq(store_write(s, "shared", start, whole, values, &e), 0);
    cr_assert_eq(store_verify(s, "shared", &e), 0);
    char *file = file_join(path, "shared/2.0");
    cr_assert_eq(unlink(file), 0);
    free(file);
    cr_assert_eq(store_verify(s, "shared", &e), STORE_BROKEN);
    cr_assert(strstr(e.message, "2.0"), "%s", e.message);
    store_close(s);
    fixture_remove(path);
}

Test(store, refuses_what_does_not_fit)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    struct error e = {0};
    const int64_t shape[2] = {3, 3}, zero[2] = {0, 0};
    double values[9] = {0};
    struct store_meta m;
    create_shared(s);
    store_join(s);
    static const char *const names[] = {"", ".", "..", "a/b", "../x", ".zarray", "a\\b", "a\nb"};
    store_meta_default(&m, SIMLAB_F8, 0, 2, shape);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect_eq(store_create_array(s, names[i], &m, dims, NULL, &e), STORE_INVALID);
        cr_expect_eq(store_read(s, names[i], zero, shape, values, &e), STORE_NO_SUCH);
    }
    cr_expect_eq(store_create_array(s, "shared", &m, dims, NULL, &e), STORE_CONFLICT);
    cr_expect(strstr(e.message, "dtype"), "%s", e.message);
    const int64_t bad[][2] = {{-1, 0}, {0, N_COLUMNS}, {INT64_MAX, 0}, {N_WRITERS * N_ROWS, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(store_write(s, "shared", bad[i], shape, values, &e), STORE_INVALID);
    cr_expect_eq(store_write(s, "absent", zero, shape, values, &e), STORE_NO_SUCH);
    store_close(s);
    cr_assert_eq(store_open(path, STORE_READ, &s, &e), 0);
    cr_expect_eq(store_create_array(s, "b", &m, dims, NULL, &e), STORE_CONFLICT);
    cr_expect_eq(store_write(s, "shared", zero, shape, values, &e), STORE_CONFLICT);
    store_close(s);
    fixture_remove(path);
}

Test(store, is_not_made_of_a_directory_with_other_things)
{
    char *path = fixture_store_path();
    char *file = file_join(path, "letter.txt");
    struct store *s = NULL;
    struct error e = {0};
    cr_assert_eq(store_open(path, STORE_READ, &s, &e), STORE_NO_SUCH);
    cr_assert_eq(file_make_directories(path), 0);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    close(fd);
    cr_assert_eq(store_open(path, STORE_ANEW, &s, &e), STORE_CONFLICT, "%s", e.message);
    free(file);
    fixture_remove(path);
}

Test(store, says_when_the_disk_is_full)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    create_shared(s);
    pid_t pid = fork();
    if (pid == 0) {
        struct error e = {0};
        int64_t values[7] = {0};
        const int64_t start[2] = {0, 0}, count[2] = {1, 7};
        setenv("SIMLAB_FAULT", "write:1:ENOSPC", 1);
        int r = store_write(s, "shared", start, count, values, &e);
        bool told = strstr(e.message, "shared") && strstr(e.message, "0.0");
        unsetenv("SIMLAB_FAULT");
        bool again = store_write(s, "shared", start, count, values, &e) == 0;
        _exit(r == -ENOSPC && told && again ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    cr_assert_eq(status, 0);
    store_close(s);
    fixture_remove(path);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks that members (rows) share: what is lost of one is known at the end, what is not done is
 * written again, dead rows leave nothing, and what has not ended is not seen. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rewrite.h"
#include "store/chunk_log.h"
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 10, CHUNK = 4, COLUMNS = 3 };

static const char *const dims[] = {"member", "x"};

struct scene {
    char *path;
    struct store *s;
    struct error e;
};

static struct scene begin_with(bool fortran_order, bool has_fill, enum store_compressor compressor)
{
    struct scene c = {.path = fixture_store_path()};
    const int64_t shape[2] = {ROWS, COLUMNS};
    struct store_meta m;
    c.s = fixture_open(c.path);
    store_meta_default(&m, SIMLAB_F8, 0, 2, shape);
    m.chunks[0] = CHUNK;
    m.chunks[1] = 2;
    m.fortran_order = fortran_order;
    m.has_fill = has_fill;
    m.codec.compressor = compressor;
    cr_assert_eq(store_create_array(c.s, "a", &m, dims, NULL, &c.e), 0, "%s", c.e.message);
    store_join(c.s);
    return c;
}

static struct scene begin(bool fortran_order, bool has_fill)
{
    return begin_with(fortran_order, has_fill, STORE_BLOSC);
}

static void end(struct scene *c)
{
    store_close(c->s);
    fixture_remove(c->path);
}

static void write_rows(struct scene *c, int64_t first, int64_t n)
{
    double values[ROWS * COLUMNS];
    const int64_t start[2] = {first, 0}, count[2] = {n, COLUMNS};
    for (int64_t i = 0; i < n * COLUMNS; i++)
        values[i] = (double)(first * COLUMNS + i);
    int r = store_write_rows(c->s, "a", start, count, values, false, &c->e);
    cr_assert_eq(r, 0, "%s", c->e.message);
}

static double value_at(struct scene *c, int64_t row, int64_t column)
{
    const int64_t start[2] = {row, column}, one[2] = {1, 1};
    double value;
    cr_assert_eq(store_read(c->s, "a", start, one, &value, &c->e), 0, "%s", c->e.message);
    return value;
}

static char *file_of(const struct scene *c, const char *key)
{
    return mem_printf("%s/a/%s", c->path, key);
}

static bool stands(const struct scene *c, const char *key)
{
    char *path = file_of(c, key);
    bool is = access(path, F_OK) == 0;
    free(path);
    return is;
}

enum damage { CUT, EMPTIED, REMOVED, N_DAMAGES };

static void damage(const struct scene *c, const char *key, enum damage how)
{
    char *path = file_of(c, key);
    if (how == REMOVED)
        cr_assert_eq(unlink(path), 0);
    else
        cr_assert_eq(truncate(path, how == CUT ? 12 : 0), 0);
    free(path);
}

static const int64_t full[2] = {ROWS, COLUMNS};

static int finish(struct scene *c, const int64_t (*dead)[2], size_t n_dead, bool is_regular)
{
    struct store_end how = {
        .has_rows = true, .dead = dead, .n_dead = n_dead, .full = is_regular ? full : NULL};
    error_clear(&c->e);
    return store_end_array(c->s, "a", &how, &c->e);
}

static void check_finish(struct scene *c, int result)
{
    for (int is_regular = 0; is_regular < 2; is_regular++)
        cr_assert_eq(finish(c, NULL, 0, is_regular), result, "%s", c->e.message);
}

Test(rows, a_damaged_chunk_with_done_rows_is_told)
{
    for (int how = 0; how < N_DAMAGES; how++) {
        struct scene c = begin(how == CUT, true);
        write_rows(&c, 0, 3);
        write_rows(&c, 4, 6);
        damage(&c, "0.1", (enum damage)how);
        check_finish(&c, STORE_BROKEN);
        cr_assert(strstr(c.e.message, "0.1"), "%s", c.e.message);
        write_rows(&c, 3, 1); /* the last of the chunk, by another lease */
        check_finish(&c, STORE_BROKEN);
        cr_assert(strstr(c.e.message, "0.1") && strstr(c.e.message, "member 0"), "%s", c.e.message);
        /* They are written again: those that were not done. */
        write_rows(&c, 0, 2);
        check_finish(&c, STORE_BROKEN);
        cr_assert(strstr(c.e.message, "member 2"), "%s", c.e.message);
        write_rows(&c, 2, 1);
        check_finish(&c, 0);
        for (int64_t row = 0; row < ROWS; row++)
            cr_assert_eq(value_at(&c, row, 2), (double)(row * COLUMNS + 2));
        end(&c);
    }
}

/* As a write-back that failed leaves it: of its size, in blocks that were not written. False where
 * the file system here does not tell. */
static bool lose_blocks(const struct scene *c, const char *key)
{
    struct stat st;
    bool is_lost = false;
    char *path = file_of(c, key);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(ftruncate(fd, 0), 0);
    cr_assert_eq(posix_fallocate(fd, 0, st.st_size), 0);
    cr_assert_eq(rewrite_is_lost(fd, &is_lost), 0);
    close(fd);
    free(path);
    return is_lost;
}

/* Without a compressor zeros could be values. */
Test(rows, zeros_that_were_never_written_are_no_values)
{
    struct scene c = begin_with(false, true, STORE_RAW);
    write_rows(&c, 0, 2);
    if (lose_blocks(&c, "0.1")) {
        check_finish(&c, STORE_BROKEN);
        write_rows(&c, 0, 2);
        cr_assert(isnan(value_at(&c, 3, 2)), "of fill values, not zeros");
        cr_assert_eq(value_at(&c, 1, 2), COLUMNS + 2.0);
        write_rows(&c, 2, 8);
        check_finish(&c, 0);
    }
    end(&c);
}

Test(rows, a_chunk_that_is_given_whole_mends_all)
{
    struct scene c = begin(false, true);
    write_rows(&c, 0, 2);
    damage(&c, "0.0", EMPTIED);
    write_rows(&c, 2, 2);
    write_rows(&c, 0, 4);
    write_rows(&c, 4, 6);
    check_finish(&c, 0);
    end(&c);
}

/* The new file is on the disk before it takes the place of rows that may be done: a failing disk
 * leaves the old one. */
Test(rows, done_ones_are_not_replaced_by_what_is_not_on_the_disk)
{
    struct scene c = begin(false, true);
    double values[COLUMNS] = {9, 9, 9};
    const int64_t start[2] = {1, 0}, count[2] = {1, COLUMNS};
    write_rows(&c, 0, 1);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("SIMLAB_FAULT", "fsync:1:EIO", 1);
        int r = store_write_rows(c.s, "a", start, count, values, false, &c.e);
        _exit(r == -EIO && isnan(value_at(&c, 1, 0)) && value_at(&c, 0, 1) == 1 ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    cr_assert_eq(status, 0);
    pid = fork();
    if (pid == 0) { /* nobody else's: nothing is waited for */
        setenv("SIMLAB_FAULT", "fsync:1:EIO", 1);
        _exit(store_write_rows(c.s, "a", start, count, values, true, &c.e));
    }
    waitpid(pid, &status, 0);
    cr_assert_eq(status, 0);
    end(&c);
}

Test(rows, dead_ones_leave_nothing)
{
    for (int kind = 0; kind < 4; kind++) {
        static const int64_t dead[][2] = {{1, 2}, {4, 6}, {6, 8}, {9, 10}};
        struct scene c = begin(kind & 1, kind & 2);
        write_rows(&c, 0, 10);
        for (int again = 0; again < 2; again++) {
            cr_assert_eq(finish(&c, dead, 4, true), 0, "%s", c.e.message);
            cr_assert(!stands(&c, "1.0") && !stands(&c, "1.1"), "rows 4 to 7 are dead");
            cr_assert(stands(&c, "0.0") && stands(&c, "2.1"));
        }
        cr_assert_eq(store_fill_missing(c.s, "a", &c.e), 0, "%s", c.e.message);
        cr_assert_eq(stands(&c, "1.0"), !(kind & 2), "zeros stand where there is no fill value");
        for (int64_t row = 0; row < ROWS; row++) {
            double value = value_at(&c, row, 1);
            if (row == 1 || (row >= 4 && row < 8) || row == 9)
                cr_assert(kind & 2 ? isnan(value) : value == 0, "row %d: %g", (int)row, value);
            else
                cr_assert_eq(value, (double)(row * COLUMNS + 1));
        }
        end(&c);
    }
}

/* A chunk that was locked was written; that it is missing is right only where its rows are dead. */
Test(rows, locks_tell_what_was_written)
{
    static const int64_t dead[][2] = {{0, 4}}, some[][2] = {{0, 1}};
    struct scene c = begin(false, true);
    cr_assert_eq(finish(&c, NULL, 0, false), 0, "nothing was ever written");
    cr_assert_eq(finish(&c, NULL, 0, true), STORE_BROKEN);
    write_rows(&c, 0, 10);
    damage(&c, "0.0", REMOVED);
    cr_assert_eq(finish(&c, NULL, 0, false), STORE_BROKEN);
    cr_assert_eq(finish(&c, some, 1, true), STORE_BROKEN);
    cr_assert_eq(finish(&c, dead, 1, true), 0, "%s", c.e.message);
    end(&c);
}

/* ---- what a power cut leaves where nobody has written ------------------------------------ */

/* An uncompressed array "b" of rows by `columns` (0: of one dim); zeros decode as well as any. */
static void create_raw(struct scene *c, int64_t columns, bool fortran_order)
{
    const int64_t shape[2] = {ROWS, columns};
    struct store_meta m;
    store_meta_default(&m, SIMLAB_F8, 0, columns ? 2 : 1, shape);
    m.codec.compressor = STORE_RAW;
    m.chunks[0] = CHUNK;
    m.chunks[1] = 2;
    m.fortran_order = fortran_order;
    cr_assert_eq(store_create_array(c->s, "b", &m, dims, NULL, &c->e), 0, "%s", c->e.message);
}

static void write_raw(struct scene *c, int64_t first, int64_t n, int64_t from, int64_t columns)
{
    double ones[ROWS * COLUMNS];
    const int64_t start[2] = {first, from}, count[2] = {n, columns};
    for (int i = 0; i < ROWS * COLUMNS; i++)
        ones[i] = 1;
    int r = store_write_rows(c->s, "b", start, count, ones, false, &c->e);
    cr_assert_eq(r, 0, "%s", c->e.message);
}

/* Zeros, as many as the file had bytes. */
static void blank(const struct scene *c, const char *key)
{
    char *path = mem_printf("%s/b/%s", c->path, key);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(truncate(path, 0), 0);
    cr_assert_eq(truncate(path, st.st_size), 0);
    free(path);
}

static double raw_at(struct scene *c, int64_t row, int64_t column)
{
    const int64_t start[2] = {row, column}, one[2] = {1, 1};
    double value;
    cr_assert_eq(store_read(c->s, "b", start, one, &value, &c->e), 0, "%s", c->e.message);
    return value;
}

static int end_raw(struct scene *c, const int64_t *extents)
{
    const struct store_end how = {.has_rows = true, .full = extents};
    error_clear(&c->e);
    return store_end_array(c->s, "b", &how, &c->e);
}

static void begun_before_logs(struct scene *c)
{
    char *mark = mem_printf("%s.sync/logged", c->path);
    cr_assert_eq(unlink(mark), 0);
    store_close(c->s);
    cr_assert_eq(store_open(c->path, STORE_JOIN, &c->s, &c->e), 0, "%s", c->e.message);
    free(mark);
}

/* Row 3 ends early, and saves the first columns only: of the last it has none. */
Test(rows, what_is_left_of_a_row_that_never_came_is_cleared)
{
    for (int kind = 0; kind < 3; kind++) {
        struct scene c = begin(false, true);
        create_raw(&c, COLUMNS, kind == 1);
        write_raw(&c, 0, ROWS, 0, 2);
        write_raw(&c, 0, 3, 2, 1);
        blank(&c, "0.1"); /* by a power cut: its rows are not done, and written again */
        write_raw(&c, 0, 1, 2, 1);
        write_raw(&c, 1, 2, 2, 1);
        write_raw(&c, 4, 6, 2, 1);
        cr_assert_eq(raw_at(&c, 3, 2), 0);
        if (kind == 2) { /* begun by a former version: done rows may not stand in the log */
            begun_before_logs(&c);
            cr_assert_eq(end_raw(&c, NULL), 0, "%s", c.e.message);
            cr_assert_eq(raw_at(&c, 3, 2), 0);
            end(&c);
            break;
        }
        for (int again = 0; again < 2; again++) {
            cr_assert_eq(end_raw(&c, NULL), 0, "%s", c.e.message);
            for (int64_t row = 0; row < ROWS; row++) {
                double value = raw_at(&c, row, 2);
                cr_assert(row == 3 ? isnan(value) : value == 1, "row %d: %g", (int)row, value);
                cr_assert_eq(raw_at(&c, row, 0), 1);
            }
        }
        end(&c);
    }
}

static void check_beyond(struct scene *c, const char *key, int n, int within)
{
    double values[CHUNK * 2];
    char *path = mem_printf("%s/b/%s", c->path, key);
    struct buffer bytes = {0};
    cr_assert_eq(file_read(path, sizeof values, &bytes), 0);
    cr_assert_eq(bytes.size, (size_t)n * sizeof *values);
    memcpy(values, bytes.data, bytes.size);
    int ones = 0, missing = 0;
    for (int i = 0; i < n; i++) {
        ones += values[i] == 1;
        missing += isnan(values[i]);
    }
    cr_assert(ones == within && missing == n - within, "chunk %s: %d ones, %d NaN", key, ones,
              missing);
    buffer_free(&bytes);
    free(path);
}

/* Who reads the array does not see it; who compares two stores, and who makes it grow, does. */
Test(rows, what_is_left_beyond_the_array_is_cleared)
{
    for (int kind = 0; kind < 3; kind++) { /* C order, Fortran order, one dim */
        static const int64_t all[2] = {ROWS, COLUMNS};
        struct scene c = begin(false, true);
        bool is_flat = kind == 2;
        const char *last = is_flat ? "2" : "2.1", *first = is_flat ? "0" : "0.0";
        create_raw(&c, is_flat ? 0 : COLUMNS, kind == 1);
        write_raw(&c, 0, ROWS, 0, COLUMNS);
        blank(&c, last);
        write_raw(&c, 8, 1, 0, COLUMNS);
        write_raw(&c, 9, 1, 0, COLUMNS);
        cr_assert_eq(end_raw(&c, all), 0, "%s", c.e.message);
        check_beyond(&c, last, is_flat ? CHUNK : CHUNK * 2, 2);
        check_beyond(&c, first, is_flat ? CHUNK : CHUNK * 2, is_flat ? CHUNK : CHUNK * 2);
        end(&c);
    }
}

/* Chunks that are theirs alone. */
Test(rows, a_chunk_of_rows_that_never_came_is_removed)
{
    static const int64_t dead[][2] = {{5, 6}};
    struct scene c = begin(false, true);
    struct store_end how = {.has_rows = true, .dead = dead, .n_dead = 1};
    write_rows(&c, 0, ROWS);
    create_raw(&c, COLUMNS, false);
    write_raw(&c, 0, ROWS, 0, 2);
    write_raw(&c, 5, 1, 2, 1);
    cr_assert_eq(store_end_array(c.s, "b", &how, &c.e), 0, "%s", c.e.message);
    char *path = mem_printf("%s/b/1.1", c.path);
    cr_assert(access(path, F_OK) < 0, "only row 5 was ever written there, and is dead");
    free(path);
    end(&c);
}

Test(rows, a_log_survives_what_a_power_cut_leaves)
{
    char path[] = "/tmp/simlab-log-XXXXXX";
    static const bool none[2], second[2] = {false, true};
    unsigned char rows[8] = {0};
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    int flags = fcntl(fd, F_SETFL, O_APPEND);
    cr_assert_eq(flags, 0);
    cr_assert_eq(chunk_log_written(fd, 2, 4, none), 0);
    cr_assert_eq(write(fd, "5 ", 2), 2);
    cr_assert_eq(chunk_log_written(fd, 4, 6, second), 0);
    cr_assert_eq(dprintf(fd, "6 7 fi\n6 7 fill \n6 7fill\n"), 25);
    cr_assert_eq(write(fd, "\0\0\0\nbroke", 9), 9);
    cr_assert_eq(chunk_log_read(fd, 0, 8, rows), 0);
    cr_assert_eq(memcmp(rows, "\0\0\2\2\2\1\0\0", 8), 0);
    cr_assert_eq(chunk_log_broken(fd, true), 0);
    cr_assert_eq(dprintf(fd, "-9 3\n6 %lld\n%lld -5\n", LLONG_MAX, LLONG_MAX), 50);
    memset(rows, 0, sizeof rows);
    cr_assert_eq(chunk_log_read(fd, 0, 8, rows), 0);
    cr_assert_eq(memcmp(rows, "\2\2\2\3\3\1\2\2", 8), 0);
    close(fd);
    unlink(path);
}

/* Rows 4 to 6 are written in one box, as a lease does; row 5 has nothing there. The writer is
 * killed before the chunk stands, or the power is cut, and the rows are run again, each by itself.
 */
Test(rows, fill_values_of_a_smaller_row_are_never_lost)
{
    for (int cut = 0; cut < 2; cut++) {
        struct scene c = begin(false, true);
        create_raw(&c, COLUMNS, false);
        write_raw(&c, 0, ROWS, 0, 2);
        const int64_t start[2] = {4, 2}, count[2] = {3, 1};
        const double values[] = {1, NAN, 1};
        cr_assert_eq(store_write_rows(c.s, "b", start, count, values, false, &c.e), 0);
        if (cut) {
            blank(&c, "1.1");
        } else {
            char *path = mem_printf("%s/b/1.1", c.path);
            cr_assert_eq(unlink(path), 0);
            free(path);
        }
        write_raw(&c, 4, 1, 2, 1);
        write_raw(&c, 6, 2, 2, 1);
        cr_assert_eq(end_raw(&c, NULL), 0, "%s", c.e.message);
        cr_assert(raw_at(&c, 4, 2) == 1 && isnan(raw_at(&c, 5, 2)) && raw_at(&c, 6, 2) == 1);
        end(&c);
    }
}

/* ---- staged ------------------------------------------------------------------------------ */

static void stage_row(struct scene *c, int64_t row, int64_t first, int64_t n)
{
    double values[16];
    const int64_t start[2] = {row, first}, count[2] = {1, n};
    for (int64_t i = 0; i < n; i++)
        values[i] = (double)(row * 100 + first + i);
    int r = store_stage(c->s, "a", start, count, values, true, &c->e);
    cr_assert_eq(r, 0, "%s", c->e.message);
}

static int count_files(const struct scene *c)
{
    char *command = mem_printf("ls -A %s/a | wc -l", c->path);
    FILE *f = popen(command, "r");
    int n = -1;
    cr_assert_eq(fscanf(f, "%d", &n), 1);
    pclose(f);
    free(command);
    return n;
}

Test(staged, is_seen_once_it_is_published)
{
    struct scene c = begin(true, true);
    const int64_t larger[2] = {ROWS, 9};
    write_rows(&c, 0, 3);
    int files = count_files(&c);
    stage_row(&c, 3, 0, 1);
    stage_row(&c, 3, 1, 8); /* part of a chunk that was staged; and beyond the array */
    cr_assert(isnan(value_at(&c, 3, 0)));
    store_discard_staged(c.s);
    cr_assert_eq(count_files(&c), files, "what was discarded left a file");
    stage_row(&c, 3, 0, 1);
    stage_row(&c, 3, 1, 8);
    cr_assert_eq(store_grow(c.s, "a", larger, &c.e), 0, "%s", c.e.message);
    cr_assert_eq(store_publish_staged(c.s, "a", false, &c.e), 0, "%s", c.e.message);
    for (int64_t i = 0; i < 9; i++)
        cr_assert_eq(value_at(&c, 3, i), (double)(300 + i));
    cr_assert_eq(value_at(&c, 2, 2), 8, "neighbours stay");
    /* Published once: nothing is left of it. */
    cr_assert_eq(store_publish_staged(c.s, "a", false, &c.e), 0);
    files = count_files(&c);
    cr_assert_eq(store_finish(c.s, &c.e), 0);
    cr_assert_eq(count_files(&c), files);
    end(&c);
}

/* Killed between staging and its end: nothing of it is in the store. */
Test(staged, is_gone_where_its_writer_was_killed)
{
    struct scene c = begin(false, true);
    write_rows(&c, 0, 3);
    pid_t pid = fork();
    if (pid == 0) {
        stage_row(&c, 3, 0, 3);
        raise(SIGKILL);
    }
    waitpid(pid, NULL, 0);
    cr_assert_eq(store_publish_staged(c.s, "a", false, &c.e), 0);
    cr_assert(isnan(value_at(&c, 3, 0)));
    int files = count_files(&c);
    cr_assert_eq(store_finish(c.s, &c.e), 0);
    cr_assert_eq(count_files(&c), files - 2);
    end(&c);
}

/* ---- consolidated metadata ----------------------------------------------------------------- */

static ino_t metadata_after_finish(struct scene *c)
{
    struct stat st;
    char *path = file_join(c->path, ".zmetadata");
    cr_assert_eq(store_finish(c->s, &c->e), 0, "%s", c->e.message);
    cr_assert_eq(stat(path, &st), 0);
    free(path);
    return st.st_ino;
}

Test(store, metadata_that_is_right_is_not_written_again)
{
    static const int64_t larger[2] = {ROWS + 1, COLUMNS};
    struct scene c = begin(false, true);
    char *path = file_join(c.path, ".zmetadata");
    ino_t first = metadata_after_finish(&c);
    cr_expect_eq(metadata_after_finish(&c), first);
    cr_assert_eq(store_grow(c.s, "a", larger, &c.e), 0, "%s", c.e.message);
    ino_t grown = metadata_after_finish(&c);
    cr_expect_neq(grown, first);
    cr_assert_eq(truncate(path, 5), 0);
    cr_expect_neq(metadata_after_finish(&c), grown, "cut");
    free(path);
    end(&c);
}

/* ---- anew, joined, moved ----------------------------------------------------------------- */

static void empty_file(const struct scene *c, const char *name)
{
    char *path = file_join(c->path, name);
    cr_assert_eq(truncate(path, 0), 0);
    free(path);
}

/* What a power cut leaves of a store of which nothing is committed. */
Test(store, is_made_anew_of_what_is_empty)
{
    static const char *const files[] = {".zgroup", "a/.zarray", "a/.zattrs", "a/0.0"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct scene c = begin(false, true);
        struct store_meta m;
        write_rows(&c, 0, 4);
        empty_file(&c, files[i]);
        store_close(c.s);
        c.s = fixture_open(c.path);
        store_meta_default(&m, SIMLAB_F8, 0, 2, full);
        int r = store_create_array(c.s, "a", &m, dims, NULL, &c.e);
        cr_assert_eq(r, 0, "%s: %s", files[i], c.e.message);
        cr_assert(!stands(&c, "0.0"), "the chunks of before are gone");
        r = store_finish(c.s, &c.e);
        cr_assert_eq(r, 0, "%s: %s", files[i], c.e.message);
        end(&c);
    }
}

Test(store, is_joined_only_where_it_stands)
{
    struct scene c = begin(false, true);
    struct store *s = NULL;
    struct store_meta m;
    char *away = mem_printf("%s.away", c.path), *sync = mem_printf("%s.sync", c.path);
    char *array = file_of(&c, ""), *gone = mem_printf("%s.gone", c.path);
    cr_assert_eq(store_sync(c.s, &c.e), 0, "%s", c.e.message);
    cr_assert_eq(rename(c.path, away), 0);
    cr_assert_eq(store_sync(c.s, &c.e), -ENOENT, "it was moved away");
    cr_assert_eq(store_open(c.path, STORE_JOIN, &s, &c.e), STORE_NO_SUCH);
    cr_assert_eq(mkdir(c.path, 0777), 0);
    cr_assert_eq(store_sync(c.s, &c.e), -ENOENT, "another stands there");
    cr_assert_eq(store_open(c.path, STORE_JOIN, &s, &c.e), STORE_NO_SUCH);
    cr_assert_eq(rmdir(c.path), 0);
    cr_assert_eq(symlink(away, c.path), 0);
    cr_assert_eq(store_open(c.path, STORE_JOIN, &s, &c.e), STORE_CONFLICT);
    cr_assert_eq(unlink(c.path), 0);
    cr_assert_eq(rename(away, c.path), 0);
    cr_assert_eq(store_sync(c.s, &c.e), 0, "%s", c.e.message);
    /* An array that was made once is not made again. */
    store_meta_default(&m, SIMLAB_F8, 0, 2, full);
    m.chunks[0] = CHUNK;
    m.chunks[1] = 2;
    cr_assert_eq(rename(array, gone), 0);
    store_close(c.s);
    cr_assert_eq(store_open(c.path, STORE_JOIN, &c.s, &c.e), 0, "%s", c.e.message);
    cr_assert_eq(store_create_array(c.s, "a", &m, dims, NULL, &c.e), STORE_NO_SUCH);
    cr_assert_eq(store_create_array(c.s, "late", &m, dims, NULL, &c.e), 0, "%s", c.e.message);
    cr_assert_eq(rename(sync, away), 0);
    cr_assert_eq(store_open(c.path, STORE_JOIN, &s, &c.e), STORE_NO_SUCH);
    cr_assert_eq(store_grow(c.s, "late", full, &c.e), -ENOENT, "no new directory of locks");
    cr_assert(access(sync, F_OK) < 0);
    free(away);
    free(sync);
    free(array);
    free(gone);
    end(&c);
}

static int try_rows(struct scene *c, int64_t first, int64_t n)
{
    const double values[ROWS * COLUMNS] = {0};
    const int64_t start[2] = {first, 0}, count[2] = {n, COLUMNS};
    error_clear(&c->e);
    return store_write_rows(c->s, "a", start, count, values, false, &c->e);
}

/* Without them it is not known what was written. */
Test(store, whose_locks_are_away_is_not_closed)
{
    struct scene c = begin(false, true);
    char *sync = mem_printf("%s.sync", c.path), *away = mem_printf("%s.away", c.path);
    write_rows(&c, 0, 3);
    write_rows(&c, 4, 6);
    cr_assert_eq(rename(sync, away), 0);
    cr_assert_eq(try_rows(&c, 3, 1), -ENOENT, "%s", c.e.message);
    cr_assert_eq(finish(&c, NULL, 0, false), -ENOENT, "%s", c.e.message);
    cr_assert_eq(store_sync(c.s, &c.e), -ENOENT, "%s", c.e.message);
    cr_assert_eq(rename(away, sync), 0);
    write_rows(&c, 3, 1);
    check_finish(&c, 0);
    free(sync);
    free(away);
    end(&c);
}

/* What a library does that closes descriptors which are not its own. */
Test(store, tells_that_its_descriptor_was_taken)
{
    struct scene c = begin(false, true);
    for (int fd = 3; fd < 64; fd++) {
        struct stat st, own;
        if (fstat(fd, &st) == 0 && stat(c.path, &own) == 0 && st.st_ino == own.st_ino) {
            int other = open("/", O_RDONLY | O_CLOEXEC);
            cr_assert(other >= 0);
            cr_assert_eq(dup2(other, fd), fd);
            close(other);
        }
    }
    cr_assert_eq(store_sync(c.s, &c.e), -EBADF);
    end(&c);
}

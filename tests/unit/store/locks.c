/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of chunks and of shapes (store/sync_lock.h): with zarr-python's ProcessSynchronizer on the
 * other side, with holders that are killed, and with arrays that many grow. */
#include "store_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/sync_lock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- processes that begin together ------------------------------------------------------- */

enum { MOST = 64 };

struct crowd {
    int ready[2], start[2]; /* each says a byte, and goes on at the end of `start` */
    pid_t pids[MOST];
    int n;
};

static void crowd_open(struct crowd *c)
{
    *c = (struct crowd){.n = 0};
    cr_assert(pipe(c->ready) == 0 && pipe(c->start) == 0);
}

/* In a process of it; python has both as its standard input and output. */
static void crowd_wait(struct crowd *c)
{
    char byte = '.';
    close(c->start[1]);
    if (write(c->ready[1], &byte, 1) != 1 || read(c->start[0], &byte, 1) != 0)
        _exit(100);
}

/* True in the new process. */
static bool crowd_fork(struct crowd *c)
{
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid > 0)
        c->pids[c->n++] = pid;
    return pid == 0;
}

static void crowd_begin(struct crowd *c)
{
    close(c->ready[1]);
    close(c->start[0]);
    for (int i = 0; i < c->n; i++) {
        char byte;
        cr_assert_eq(read(c->ready[0], &byte, 1), 1, "one of them has ended already");
    }
    close(c->start[1]);
}

static void crowd_end(struct crowd *c)
{
    for (int i = 0; i < c->n; i++) {
        int status;
        cr_assert_eq(waitpid(c->pids[i], &status, 0), c->pids[i]);
        cr_assert_eq(status, 0, "process %d ends with status %x", i, status);
    }
    close(c->ready[0]);
}

/* ---- 16 writers ---------------------------------------------------------------------------- */

/* Boxes that cover the array once, and lie across its chunks. */
enum {
    N_WRITERS = 16,
    DOWN = 100,
    ACROSS = 100,
    N_BOXES = DOWN * ACROSS,
    HEIGHT = 3,
    WIDTH = 5,
    ROWS = DOWN * HEIGHT,
    COLUMNS = ACROSS * WIDTH
};

static const char *const dims[] = {"row", "column"};

static void create(struct store *s, const char *name, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    struct store_meta m;
    struct error e = {0};
    store_meta_default(&m, SIMLAB_I8, 0, 2, shape);
    m.chunks[0] = 16;
    m.chunks[1] = 24;
    int r = store_create_array(s, name, &m, dims, NULL, &e);
    cr_assert_eq(r, 0, "%s", e.message);
}

static int64_t value_at(int64_t row, int64_t column)
{
    return row * COLUMNS + column + 1;
}

/* Writer w's boxes are w, w + N_WRITERS, … of all, each 7919 further on. */
static int write_boxes(struct store *s, int writer)
{
    struct error e = {0};
    for (int64_t i = writer; i < N_BOXES; i += N_WRITERS) {
        int64_t box = i * 7919 % N_BOXES, values[HEIGHT * WIDTH];
        const int64_t start[2] = {box / ACROSS * HEIGHT, box % ACROSS * WIDTH},
                      count[2] = {HEIGHT, WIDTH};
        for (int k = 0; k < HEIGHT * WIDTH; k++)
            values[k] = value_at(start[0] + k / WIDTH, start[1] + k % WIDTH);
        if (store_write(s, "boxes", start, count, values, &e) != 0)
            return 1;
    }
    return 0;
}

static const char python_writer[] =
    "import os, sys, numpy, zarr\n"
    "path, writer, writers, across, boxes, height, width, columns = sys.argv[1], *map(int, "
    "sys.argv[2:])\n"
    "locks = zarr.ProcessSynchronizer(path + '.sync')\n"
    "array = zarr.open_group(path, 'r+', synchronizer=locks)['boxes']\n"
    "os.write(1, b'.')\n"
    "os.read(0, 1)\n"
    "for i in range(writer, boxes, writers):\n"
    "    box = i * 7919 % boxes\n"
    "    row, column = box // across * height, box % across * width\n"
    "    values = numpy.arange(row, row + height)[:, None] * columns + "
    "numpy.arange(column, column + width) + 1\n"
    "    array[row:row + height, column:column + width] = values\n";

static void exec_python(struct crowd *c, const char *path, int writer)
{
    char numbers[7][16];
    const int values[7] = {writer, N_WRITERS, ACROSS, N_BOXES, HEIGHT, WIDTH, COLUMNS};
    for (int i = 0; i < 7; i++)
        snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
    close(c->start[1]);
    dup2(c->start[0], 0);
    dup2(c->ready[1], 1);
    execl("/usr/bin/python3", "python3", "-I", "-c", python_writer, path, numbers[0], numbers[1],
          numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], (char *)NULL);
    _exit(127);
}

static int write_as(struct crowd *c, const char *path, int writer)
{
    struct store *s;
    if (store_open(path, STORE_JOIN, &s, NULL) != 0)
        return 2;
    crowd_wait(c);
    int r = write_boxes(s, writer);
    store_close(s);
    return r;
}

static void check_boxes(struct store *s)
{
    const int64_t start[2] = {0, 0}, shape[2] = {ROWS, COLUMNS};
    int64_t *values = mem_array((size_t)ROWS * COLUMNS, sizeof *values);
    struct error e = {0};
    int lost = 0;
    cr_assert_eq(store_read(s, "boxes", start, shape, values, &e), 0, "%s", e.message);
    for (int64_t i = 0; i < (int64_t)ROWS * COLUMNS; i++)
        lost += values[i] != value_at(i / COLUMNS, i % COLUMNS);
    cr_assert_eq(lost, 0, "%d of %d elements are lost", lost, ROWS * COLUMNS);
    free(values);
}

Test(locks, ten_thousand_writes_of_sixteen_half_of_them_zarr_python, .timeout = 300)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    struct error e = {0};
    struct crowd c;
    crowd_open(&c);
    create(s, "boxes", ROWS, COLUMNS);
    for (int i = 0; i < N_WRITERS; i++) {
        if (!crowd_fork(&c))
            continue;
        if (i % 2)
            exec_python(&c, path, i);
        _exit(write_as(&c, path, i));
    }
    crowd_begin(&c);
    crowd_end(&c);
    check_boxes(s);
    cr_assert_eq(store_finish(s, &e), 0, "%s", e.message);
    check_boxes(s);
    store_close(s);
    fixture_remove(path);
}

/* ---- a holder that is killed --------------------------------------------------------------- */

static const char python_holder[] = "import os, sys, zarr\n"
                                    "with zarr.ProcessSynchronizer(sys.argv[1])['a/0.0']:\n"
                                    "    os.write(1, b'.')\n"
                                    "    os.read(0, 1)\n";

/* Holds the lock once it has said so; until it is killed. */
static pid_t start_holder(const char *sync, const char *lock, bool is_python, int *ret_said)
{
    int said[2], never[2];
    cr_assert(pipe(said) == 0 && pipe(never) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        int fd;
        char byte = '.';
        dup2(never[0], 0);
        dup2(said[1], 1);
        if (is_python)
            execl("/usr/bin/python3", "python3", "-I", "-c", python_holder, sync, (char *)NULL);
        if (sync_lock_take(lock, true, &fd, NULL) == 0 && write(1, &byte, 1) == 1)
            pause();
        _exit(1);
    }
    close(said[1]);
    close(never[0]);
    *ret_said = said[0];
    return pid; /* `never` stays open: what reads it waits */
}

static void await_byte(int fd)
{
    char byte;
    cr_assert_eq(read(fd, &byte, 1), 1);
}

static bool is_locked(const char *lock)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    cr_assert(fd >= 0);
    int r = fcntl(fd, F_OFD_SETLK, &whole);
    cr_assert(r == 0 || errno == EAGAIN || errno == EACCES);
    close(fd);
    return r != 0;
}

/* Who waits has it as soon as the holder is dead: nothing but its end is waited for. */
static void kill_holder(bool holder_is_python, bool next_is_python)
{
    char *path = fixture_store_path(), *sync = mem_printf("%s.sync", path);
    char *directory = file_join(sync, "a"), *lock = file_join(directory, "0.0");
    int held, taken, status;
    cr_assert_eq(file_make_directories(directory), 0);
    pid_t holder = start_holder(sync, lock, holder_is_python, &held);
    await_byte(held);
    cr_assert(is_locked(lock));
    pid_t next = start_holder(sync, lock, next_is_python, &taken);
    cr_assert(kill(holder, SIGKILL) == 0 && waitpid(holder, &status, 0) == holder);
    await_byte(taken);
    cr_assert(is_locked(lock));
    cr_assert(kill(next, SIGKILL) == 0 && waitpid(next, &status, 0) == next);
    cr_assert_not(is_locked(lock), "it outlives its holder");
    close(held);
    close(taken);
    free(lock);
    free(directory);
    free(sync);
    fixture_remove(path);
}

Test(locks, go_to_the_next_when_their_holder_is_killed, .timeout = 60)
{
    for (int i = 0; i < 4; i++)
        kill_holder(i & 1, i & 2);
}

/* ---- 64 growers ---------------------------------------------------------------------------- */

enum { N_GROWERS = 64, STEPS = 12 };
#define FILL INT64_MAX /* of what nobody wrote */

/* Each in its own order, along both dimensions; what it grew is its own to write. */
static int grow_and_write(struct crowd *c, const char *path, int grower)
{
    struct store *s;
    struct error e = {0};
    uint64_t random = (uint64_t)grower;
    if (store_open(path, STORE_JOIN, &s, NULL) != 0)
        return 1;
    crowd_wait(c);
    for (int i = 0; i < STEPS; i++) {
        int64_t row = i * N_GROWERS + grower, column = fixture_below(&random, 50);
        const int64_t start[2] = {row, column}, shape[2] = {row + 1, column + 1}, one[2] = {1, 1};
        int64_t value = value_at(row, 0);
        if (store_grow(s, "grown", shape, &e) != 0)
            return 2;
        if (store_write(s, "grown", start, one, &value, &e) != 0)
            return 3;
    }
    store_close(s);
    return 0;
}

/* What they do, without them: the columns they draw, and the widest. */
static int64_t column_of(int64_t row)
{
    uint64_t random = (uint64_t)(row % N_GROWERS);
    int64_t column = 0;
    for (int64_t i = 0; i <= row / N_GROWERS; i++)
        column = fixture_below(&random, 50);
    return column;
}

static void check_grown(const char *path)
{
    struct store *s;
    struct error e = {0};
    const int64_t rows = N_GROWERS * STEPS, start[2] = {0, 0};
    int64_t columns = 0;
    for (int64_t row = 0; row < rows; row++)
        columns = column_of(row) + 1 > columns ? column_of(row) + 1 : columns;
    const int64_t shape[2] = {rows, columns}, wider[2] = {1, columns + 1},
                  longer[2] = {rows + 1, 1};
    int64_t *values = mem_array((size_t)((rows + 1) * (columns + 1)), sizeof *values);
    cr_assert_eq(store_open(path, STORE_READ, &s, &e), 0, "%s", e.message);
    cr_assert_eq(store_read(s, "grown", start, shape, values, &e), 0, "%s", e.message);
    for (int64_t i = 0; i < rows * columns; i++) {
        int64_t row = i / columns;
        cr_assert_eq(values[i], i % columns == column_of(row) ? value_at(row, 0) : FILL,
                     "row %d, column %d: %lld", (int)row, (int)(i % columns), (long long)values[i]);
    }
    cr_assert_eq(store_read(s, "grown", start, wider, values, &e), STORE_INVALID);
    cr_assert_eq(store_read(s, "grown", start, longer, values, &e), STORE_INVALID);
    free(values);
    store_close(s);
}

Test(locks, sixty_four_grow_an_array, .timeout = 120)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    struct crowd c;
    crowd_open(&c);
    create(s, "grown", 0, 0);
    for (int i = 0; i < N_GROWERS; i++)
        if (crowd_fork(&c))
            _exit(grow_and_write(&c, path, i));
    crowd_begin(&c);
    crowd_end(&c);
    store_close(s);
    check_grown(path);
    fixture_remove(path);
}

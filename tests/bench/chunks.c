/* SPDX-License-Identifier: Apache-2.0 */
/* chunks DIRECTORY: chunks written to a store, as ratios to the same system calls bare: a lock, a
 * file of a temporary name, a rename; for rows of shared chunks also a line of the log, and what
 * was there is read. Medians, each run in a fresh directory, both in turn. Uncompressed. A line for
 * each: seconds of the store's and of the bare ones, and what it is.
 *
 * What the store does beyond them is the price of its promises: one call that the lock's file is
 * still the one that others lock; two that a log is not continued in blocks that the disk lost
 * (one where it is empty); five that a chunk which is not found is missing, and not the store away;
 * one that the lease was not fenced off. */
#include "base/file.h"
#include "base/mem.h"
#include "store/claim.h"
#include "store/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 7 };

struct scene {
    const char *what;
    int64_t chunks, rows, elements; /* `rows` in a chunk, each of `elements` doubles */
    int64_t at_once;                /* rows of one write */
    bool is_alone;                  /* false: done rows of others are in the chunks */
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

/* ---- the store's ---- */

static double by_store(const struct scene *c, const char *directory, const double *rows)
{
    struct error e = {.message = ""};
    struct store *s = NULL;
    struct store_meta m;
    const char *const dims[] = {"row", "x"};
    const int64_t shape[] = {c->chunks * c->rows, c->elements};
    const int64_t count[] = {c->at_once, c->elements};
    store_meta_default(&m, SIMLAB_F8, 8, 2, shape);
    m.codec.compressor = STORE_RAW;
    m.chunks[0] = c->rows;
    m.chunks[1] = c->elements;
    check(store_claim(directory, "bench chunks\n", &e) == 0, e.message);
    check(store_open(directory, STORE_ANEW, &s, &e) == 0, e.message);
    store_set_fence(s, 1);
    check(store_create_array(s, "a", &m, dims, NULL, &e) == 0, e.message);
    store_join(s);
    double began = seconds_now();
    for (int64_t i = 0; i < shape[0]; i += c->at_once)
        check(store_write_rows(s, "a", (int64_t[]){i, 0}, count, rows, c->is_alone, &e) == 0,
              e.message);
    double seconds = seconds_now() - began;
    store_meta_clear(&m);
    store_close(s);
    return seconds;
}

/* ---- bare ---- */

struct bare {
    char path[512], temporary[512], lock[512];
    double *chunk;
    size_t size;
};

static int lock_bare(const struct bare *b)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(b->lock, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    check(fd >= 0 && fcntl(fd, F_OFD_SETLKW, &whole) == 0, "lock");
    return fd;
}

/* Whether it was there. */
static bool read_bare(const struct bare *b)
{
    int fd = open(b->path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0;
    check(!is || read(fd, b->chunk, b->size) == (ssize_t)b->size, "read");
    if (is)
        close(fd);
    return is;
}

static void write_bare(const struct bare *b, bool sync)
{
    int fd = open(b->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    check(fd >= 0 && write(fd, b->chunk, b->size) == (ssize_t)b->size, "write");
    check(!sync || fdatasync(fd) == 0, "sync");
    check(close(fd) == 0 && rename(b->temporary, b->path) == 0, "rename");
}

static void rows_bare(const struct scene *c, const struct bare *b, int64_t i, const double *rows)
{
    static const char line[] = "\n12345 12346\n";
    int lock = lock_bare(b);
    bool stood = c->rows > c->at_once && read_bare(b);
    check(c->rows == 1 || write(lock, line, sizeof line - 1) > 0, "log");
    memcpy(b->chunk + i % c->rows * c->elements, rows,
           (size_t)(c->at_once * c->elements) * sizeof *rows);
    write_bare(b, stood && !c->is_alone);
    close(lock);
}

static double by_calls(const struct scene *c, const char *directory, const double *rows)
{
    struct bare b = {.size = (size_t)(c->rows * c->elements) * sizeof *rows};
    b.chunk = mem_array(b.size, 1);
    snprintf(b.path, sizeof b.path, "%s.sync", directory);
    check(mkdir(directory, 0777) == 0 && mkdir(b.path, 0777) == 0, directory);
    double began = seconds_now();
    for (int64_t i = 0; i < c->chunks * c->rows; i += c->at_once) {
        int64_t k = i / c->rows;
        snprintf(b.path, sizeof b.path, "%s/%" PRId64 ".0", directory, k);
        snprintf(b.temporary, sizeof b.temporary, "%s/.%" PRId64 ".0.partial", directory, k);
        snprintf(b.lock, sizeof b.lock, "%s.sync/%" PRId64 ".0", directory, k);
        rows_bare(c, &b, i, rows);
    }
    double seconds = seconds_now() - began;
    free(b.chunk);
    return seconds;
}

/* ---- both ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct scene *c, const char *root, int number)
{
    double store[RUNS], bare[RUNS];
    char directory[400];
    int64_t n = c->at_once * c->elements;
    double *rows = mem_array((size_t)n, sizeof *rows);
    for (int64_t i = 0; i < n; i++)
        rows[i] = (double)i;
    for (int run = 0; run < RUNS; run++) {
        snprintf(directory, sizeof directory, "%s/calls%d-%d", root, number, run);
        bare[run] = by_calls(c, directory, rows);
        snprintf(directory, sizeof directory, "%s/store%d-%d", root, number, run);
        store[run] = by_store(c, directory, rows);
    }
    qsort(store, RUNS, sizeof *store, compare);
    qsort(bare, RUNS, sizeof *bare, compare);
    printf("%.6f %.6f %s\n", store[RUNS / 2], bare[RUNS / 2], c->what);
    free(rows);
}

int main(int argc, char **argv)
{
    static const struct scene scenes[] = {
        {"64 chunks of 8 MiB", 64, 1, 1 << 20, 1, true},
        {"10,000 chunks of 1.2 kB", 10000, 1, 150, 1, true},
        {"10,000 rows in chunks of two", 5000, 2, 150, 1, true},
        {"10,000 chunks of two rows, whole", 10000, 2, 75, 2, true},
        {"100 rows beside others' done", 50, 2, 150, 1, false},
    };
    for (size_t i = 0; argc == 2 && i < sizeof scenes / sizeof *scenes; i++)
        measure(&scenes[i], argv[1], (int)i);
    return argc == 2 ? 0 : 2;
}

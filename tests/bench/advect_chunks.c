/* SPDX-License-Identifier: Apache-2.0 */
/* advect_chunks MEMBERS THREADS DIRECTORY: a batch of the golden case `advect` as plain C runs it:
 * threads take a chunk's members at a time, compress the chunk as a store's is by default, and
 * write its file. Prints the seconds, and a sum of the results. */
#include "advect_loop.h"

#include <blosc.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 286 }; /* members of a chunk, as a store lays them out */

struct batch {
    long members;
    const char *directory;
    atomic_long next; /* chunk */
    double sum;
    pthread_mutex_t lock;
};

static void check(int holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static void write_chunk(const struct batch *b, long chunk, const char *bytes, size_t n)
{
    char path[4096], whole[4096];
    snprintf(path, sizeof path, "%s/.%ld", b->directory, chunk);
    snprintf(whole, sizeof whole, "%s/%ld.0.0", b->directory, chunk);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    check(fd >= 0, path);
    check(write(fd, bytes, n) == (ssize_t)n, "write");
    check(close(fd) == 0 && rename(path, whole) == 0, "rename");
}

static void *take_chunks(void *userdata)
{
    struct batch *b = userdata;
    size_t raw = sizeof(double[ROWS][SAVES][N]), room = raw + BLOSC_MAX_OVERHEAD;
    double(*saved)[SAVES][N] = malloc(raw), sum = 0;
    char *packed = malloc(room);
    check(saved && packed, "malloc");
    for (;;) {
        long chunk = atomic_fetch_add(&b->next, 1), begin = chunk * ROWS;
        if (begin >= b->members)
            break;
        for (long m = begin; m < begin + ROWS && m < b->members; m++) {
            simulate(velocity(m, b->members), saved[m - begin]);
            sum += saved[m - begin][SAVES - 1][N / 3];
        }
        int n = blosc_compress_ctx(5, BLOSC_SHUFFLE, sizeof(double), raw, saved, packed, room,
                                   "lz4", 0, 1);
        check(n > 0, "compress");
        write_chunk(b, chunk, packed, (size_t)n);
    }
    free(saved);
    free(packed);
    pthread_mutex_lock(&b->lock);
    b->sum += sum;
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

int main(int argc, char **argv)
{
    struct batch b = {.members = argc > 3 ? atol(argv[1]) : 0, .lock = PTHREAD_MUTEX_INITIALIZER};
    int n = argc > 3 ? atoi(argv[2]) : 0;
    if (b.members < 1 || n < 1 || n > 64)
        return 2;
    b.directory = argv[3];
    pthread_t threads[64];
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (int i = 0; i < n; i++)
        check(pthread_create(&threads[i], NULL, take_chunks, &b) == 0, "thread");
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    printf("%.9f %.17g\n",
           (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec), b.sum);
    return 0;
}

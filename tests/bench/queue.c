/* SPDX-License-Identifier: Apache-2.0 */
/* Durable submissions and leases a second: queue FILE-IN-A-FRESH-DIRECTORY [JOBS [TURN]]. Each turn
 * is one commit (WAL, synchronous FULL); ticks run as in the daemon, checkpoints included. */
#include "queue/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(int r, const struct error *e)
{
    if (r == 0)
        return;
    fprintf(stderr, "queue: %s\n", e->message);
    exit(1);
}

static void commit(struct queue *q)
{
    struct error e = {0};
    check(queue_commit(q, &e), &e);
    queue_tick(q, (int64_t)(seconds() * 1000));
}

static void submit(struct queue *q, int64_t number, const char *document)
{
    struct error e = {0};
    char key[32];
    snprintf(key, sizeof key, "key-%08" PRId64, number * 2654435761 % 100000007);
    struct queue_submission s = {.document = document,
                                 .document_hash = "0123456789abcdef",
                                 .name = "bench",
                                 .model_hash = "0123456789abcdef",
                                 .labels = "{}",
                                 .idempotency_key = key,
                                 .members = 1,
                                 .max_attempts = 3};
    int64_t id;
    bool existed;
    check(queue_submit(q, &s, &id, &existed, &e), &e);
}

static void submissions(struct queue *q, int64_t jobs, int64_t turn)
{
    char document[2001];
    memset(document, 'x', sizeof document - 1);
    document[sizeof document - 1] = '\0';
    double start = seconds();
    for (int64_t i = 0; i < jobs; i++) {
        submit(q, i, document);
        if ((i + 1) % turn == 0)
            commit(q);
    }
    commit(q);
    double took = seconds() - start;
    printf("%" PRId64 " submissions of 2 kB in turns of %" PRId64 ": %.0f/s, %.1f us each\n", jobs,
           turn, (double)jobs / took, took / (double)jobs * 1e6);
}

static void leases(struct queue *q, int64_t jobs, int64_t turn)
{
    struct error e = {0};
    struct queue_lease lease;
    double start = seconds();
    for (int64_t i = 0; i < jobs; i++) {
        int64_t job;
        if (queue_next_job(q, 0, &job, &e) != 0)
            break;
        check(queue_lease(q, job, "worker", 1, 1, &lease, &e), &e);
        check(queue_add_layout(q, &lease, lease.begin, "{}", &e), &e);
        check(queue_done(q, &lease, lease.begin, lease.end, &e), &e);
        check(queue_release(q, &lease, &e), &e);
        check(queue_finish(q, job, &e), &e);
        if ((i + 1) % turn == 0)
            commit(q);
    }
    commit(q);
    double took = seconds() - start;
    printf("%" PRId64 " jobs leased, done and finished: %.0f/s, %.1f us each\n", jobs,
           (double)jobs / took, took / (double)jobs * 1e6);
}

static void members(struct queue *q, int64_t n, int64_t want, int64_t turn)
{
    struct error e = {0};
    struct queue_lease lease;
    struct queue_submission s = {
        .document = "{}", .store = "/batch.zarr", .members = n, .max_attempts = 3};
    int64_t id, count = 0;
    bool existed;
    check(queue_submit(q, &s, &id, &existed, &e), &e);
    double start = seconds();
    while (queue_lease(q, id, "worker", want, 256, &lease, &e) == 0) {
        check(queue_add_layout(q, &lease, lease.begin, "{}", &e), &e);
        check(queue_done(q, &lease, lease.begin, lease.end, &e), &e);
        check(queue_release(q, &lease, &e), &e);
        if (++count % turn == 0)
            commit(q);
    }
    check(queue_finish(q, id, &e), &e);
    commit(q);
    double took = seconds() - start;
    printf("%" PRId64 " members in %" PRId64 " leases: %.0f leases/s, %.1f us each\n", n, count,
           (double)count / took, took / (double)count * 1e6);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: queue FILE [JOBS [TURN]]\n");
        return 2;
    }
    int64_t jobs = argc > 2 ? atoll(argv[2]) : 50000, turn = argc > 3 ? atoll(argv[3]) : 100;
    struct queue *q;
    struct error e = {0};
    struct queue_options o = {.path = argv[1], .root = "/stores", .all_seen = true};
    check(queue_open(&o, &q, &e), &e);
    submissions(q, jobs, turn);
    leases(q, jobs, turn);
    members(q, 1000000, 64, turn);
    queue_close(q);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A child works and says what it committed; the parent kills it at any moment, opens the database
 * and finds all of it. */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Acknowledged by the child after a commit. */
struct word {
    int64_t jobs, done, fence, last_event;
};

static void child_turn(struct queue *q, struct word *word)
{
    struct error e = {0};
    struct queue_submission s = submission_of(50);
    struct queue_lease l;
    bool existed;
    if (queue_submit(q, &s, &word->jobs, &existed, &e) ||
        queue_lease(q, 1, "worker", 3, 1, &l, &e) || queue_add_layout(q, &l, l.begin, "{}", &e) ||
        queue_done(q, &l, l.begin, l.end, &e) || queue_commit(q, &e))
        _exit(1);
    word->done += l.end - l.begin;
    word->fence = l.id;
    word->last_event = queue_last_event(q);
    queue_tick(q, INT64_MAX / 2); /* checkpoints, too */
}

static void child(const char *path, struct word word, int pipe_end)
{
    struct queue *q;
    struct error e = {0};
    struct queue_options o = {.path = path, .root = "/stores", .all_seen = true};
    if (queue_open(&o, &q, &e))
        _exit(2);
    for (;;) {
        child_turn(q, &word);
        if (write(pipe_end, &word, sizeof word) != sizeof word)
            _exit(3);
    }
}

/* Reads words until `enough` are there, kills, and reads what is left; the last one counts. */
static struct word listen_and_kill(pid_t pid, int pipe_end, int enough, struct word last)
{
    struct word word;
    for (int n = 0; read(pipe_end, &word, sizeof word) == sizeof word; n++) {
        last = word;
        if (n + 1 == enough)
            kill(pid, SIGKILL);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSIGNALED(status), "the child ended by itself: %x", status);
    return last;
}

static void expect_word(struct queue *q, const struct word *word)
{
    struct queue_counts c;
    struct error e = {0};
    check_invariants(q);
    expect_ok(queue_counts(q, word->jobs, &c, &e), &e);
    expect_ok(queue_counts(q, 1, &c, &e), &e);
    cr_assert_geq(c.done, word->done);
    cr_assert_geq(queue_last_event(q), word->last_event);
    cr_assert_geq(q->last_fence, word->fence);
    cr_assert_eq(c.free, c.members - c.done, "no lease is live");
}

Test(crash, what_was_acknowledged_is_there)
{
    struct fixture f;
    struct word word = {0};
    fixture_open(&f);
    submit(f.q, 1000000);
    fixture_commit(&f);
    for (int round = 0; round < 20; round++) {
        int ends[2];
        f.q = queue_close(f.q);
        cr_assert_eq(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            child(f.path, word, ends[1]);
        }
        close(ends[1]);
        word = listen_and_kill(pid, ends[0], 1 + round * 3 % 17, word);
        close(ends[0]);
        fixture_reopen(&f);
        expect_word(f.q, &word);
        struct queue_counts c;
        queue_counts(f.q, 1, &c, NULL);
        word.done = c.done; /* a turn may be committed and not yet said */
    }
    fixture_close(&f);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The log of the database is written back in time, and beside the loop. */
#include "fixture.h"

#include "base/aside.h"
#include "base/loop.h"

#include <string.h>

struct scene {
    struct fixture f;
    struct loop *loop;
    struct aside *aside;
    struct database *d;
    int64_t job, now;
};

static void open_scene(struct scene *s)
{
    cr_assert_eq(loop_new(&s->loop), 0);
    cr_assert_eq(aside_new(s->loop, 1, &s->aside), 0);
    fixture_open(&s->f);
    struct queue_options o = options_of(&s->f);
    o.aside = s->aside;
    fixture_reopen_with(&s->f, &o);
    s->d = &s->f.q->database;
    s->job = submit(s->f.q, 5);
    s->now = loop_now();
    fixture_commit(&s->f);
}

static void close_scene(struct scene *s)
{
    s->aside = aside_free(s->aside);
    fixture_close(&s->f);
    loop_free(s->loop);
}

/* One turn's lines. */
static void write_lines(struct scene *s, int n)
{
    char line[3900];
    struct error e = {0};
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    while (n-- > 0)
        expect_ok(queue_log(s->f.q, s->job, 0, -1, line, &e), &e);
    fixture_commit(&s->f);
}

static void fill(struct scene *s)
{
    while (s->d->wal_pages < CHECKPOINT_PAGES) {
        write_lines(s, 100);
        queue_tick(s->f.q, s->now); /* takes note of the write */
    }
}

Test(checkpoint, what_is_much_is_done_beside_the_loop)
{
    struct scene s;
    open_scene(&s);
    for (int i = 1; i <= 3; i++) {
        fill(&s);
        cr_assert_eq(queue_tick(s.f.q, s.now), INT64_MAX);
        cr_assert_eq(s.d->wal_written, 0, "not in this thread");
        write_lines(&s, 3); /* goes on meanwhile */
        aside_finish(s.aside);
        cr_assert_gt(s.d->wal_written, CHECKPOINT_PAGES - 1);
        queue_tick(s.f.q, s.now); /* the rest */
        cr_assert_eq(s.d->wal_written, s.d->wal_pages);
        cr_assert_eq(s.d->wal_restarts, i - 1);
        write_lines(&s, 1);
        cr_assert_eq(s.d->wal_restarts, i);
        cr_assert_lt(s.d->wal_pages, CHECKPOINT_PAGES);
    }
    check_invariants(s.f.q);
    close_scene(&s);
}

Test(checkpoint, in_a_quiet_moment)
{
    struct scene s;
    open_scene(&s);
    write_lines(&s, 3);
    int64_t due = queue_tick(s.f.q, s.now);
    cr_assert_eq(due, s.now + CHECKPOINT_IDLE_MS);
    cr_assert_eq(queue_tick(s.f.q, due - 1), due);
    write_lines(&s, 3);
    due = queue_tick(s.f.q, due);
    cr_assert_eq(s.d->wal_written, 0, "it is not quiet");
    cr_assert_eq(queue_tick(s.f.q, due), INT64_MAX);
    cr_assert_eq(s.d->wal_written, s.d->wal_pages);
    close_scene(&s);
}

Test(checkpoint, a_program_that_reads_is_not_pressed)
{
    struct scene s;
    sqlite3 *reader;
    open_scene(&s);
    cr_assert_eq(sqlite3_open(s.f.path, &reader), SQLITE_OK);
    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL);
    fill(&s);
    queue_tick(s.f.q, s.now);
    aside_finish(s.aside);
    int written = s.d->wal_written;
    cr_assert_lt(written, s.d->wal_pages);
    for (int i = 0; i < 10; i++) {
        write_lines(&s, 3);
        cr_assert_gt(queue_tick(s.f.q, s.now), s.now, "not at each commit");
    }
    cr_assert_eq(s.d->wal_written, written);
    aside_finish(s.aside); /* what it found tells when it is tried again: by the clock */
    sqlite3_close(reader);
    s.now = loop_now() + CHECKPOINT_RETRY_MS;
    for (int i = 0; s.d->wal_restarts == 0; i++) {
        cr_assert_lt(i, 4);
        queue_tick(s.f.q, s.now);
        aside_finish(s.aside);
        queue_tick(s.f.q, s.now);
        write_lines(&s, 1);
    }
    close_scene(&s);
}

/* All was written back, but somebody still reads there: the log goes on. */
Test(checkpoint, a_log_that_cannot_begin_anew_is_left_for_a_while)
{
    struct scene s;
    sqlite3 *reader;
    open_scene(&s);
    fill(&s);
    cr_assert_eq(sqlite3_open(s.f.path, &reader), SQLITE_OK);
    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL);
    queue_tick(s.f.q, s.now);
    aside_finish(s.aside);
    int waits = 0;
    for (int i = 0; i < 10; i++) {
        write_lines(&s, 3);
        waits += queue_tick(s.f.q, s.now) > s.now + 1 && s.d->wal_written < s.d->wal_pages;
    }
    cr_assert_gt(waits, 7, "%d", waits);
    sqlite3_close(reader);
    close_scene(&s);
}

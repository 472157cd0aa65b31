/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab-worker serve` below a daemon that says what a test says, in usual and in odd orders. The
 * libraries are tests/lib/{patient,faulty,untidy,large}.c. */
#include "base/file.h"
#include "base/mem.h"
#include "fake_daemon.h"
#include "library/content.h"
#include "proto/where.h"
#include "support.h"
#include "worker/daemon_session.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(serve, .timeout = 120);

enum { EXITS = 5, EXITS_WITH_3 = 6 }; /* faults of faulty.c */

static struct fake_daemon daemon_of_test;
static int patience; /* the pipe of patient.c, for writing */

/* ---- the worker ---- */

static char copies[600];

/* Prepares the daemon's copy of a library: its hash. */
static const char *copy_library(const char *name)
{
    static char hash[HASH_TEXT_SIZE];
    struct error e = {.message = ""};
    char built[64], *directory = file_join(copies, "new");
    snprintf(built, sizeof built, "%s/%s.so", name, name);
    cr_assert_eq(file_make_directories(directory), 0);
    cr_assert_eq(content_copy(support_built(built), directory, hash, &e), 0, "%s", e.message);
    char *place = content_place(copies, hash);
    if (rename(directory, place) < 0)
        file_remove_tree(directory); /* it is there */
    free(place);
    free(directory);
    return hash;
}

static int serve(const struct fake_worker *w)
{
    char where[24];
    snprintf(where, sizeof where, "%d", w->where);
    setenv("TMPDIR", w->userdata, 1);
    fcntl(w->where, F_SETFD, 0);
    execl(support_built("simlab-worker"), "simlab-worker", "serve", "--endpoint", w->endpoint,
          "--name", "me", "--where", where, "--libraries", copies, (char *)NULL);
    return 97;
}

static void open_patience(void)
{
    const char *path = support_path("patience");
    cr_assert_eq(mkfifo(path, 0600), 0);
    setenv("SIMLAB_TEST_PATIENCE", path, 1);
    patience = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(patience, 0);
}

/* So many steps may pass. */
static void let_pass(int steps)
{
    for (int i = 0; i < steps; i++)
        cr_assert_eq(write(patience, "", 1), 1);
}

static void start(void)
{
    static char scratch[600];
    snprintf(copies, sizeof copies, "%s", support_path("libraries"));
    snprintf(scratch, sizeof scratch, "%s", support_path("scratch"));
    cr_assert_eq(file_make_directories(scratch), 0);
    if (!patience)
        open_patience();
    fake_daemon_fork(&daemon_of_test, serve, scratch);
    fake_daemon_welcome(&daemon_of_test, FAKE_NEVER, FAKE_NEVER);
    cr_assert_eq(fake_daemon_hear(&daemon_of_test, WIRE_READY)->ready.threads, 1);
}

static void ends_with(int status)
{
    cr_assert_eq(fake_daemon_await(&daemon_of_test), status);
    fake_daemon_close(&daemon_of_test);
}

/* ---- what is said and heard ---- */

static void say(struct wire_message m)
{
    fake_daemon_say(&daemon_of_test, m);
}

static struct wire_message hear(enum wire_type type)
{
    return *fake_daemon_hear(&daemon_of_test, type);
}

static void lease(int64_t number, int64_t job, int64_t begin, int64_t end)
{
    say((struct wire_message){.type = WIRE_LEASE, .lease = {number, job, begin, end, 0, 0}});
}

static void cancel(int64_t number)
{
    say((struct wire_message){.type = WIRE_CANCEL, .cancel.lease = number});
}

static void quit(void)
{
    say((struct wire_message){.type = WIRE_QUIT, .quit.reason = "the test ends"});
}

static void quits(void)
{
    quit();
    cr_assert_str_eq(hear(WIRE_BYE).bye.reason, "");
    ends_with(0);
}

static void hears_layout(int64_t number)
{
    struct wire_layout l = hear(WIRE_LAYOUT).layout;
    cr_assert(l.lease == number && l.member == 0);
    cr_assert(strstr(l.layout, "\"shape\""), "%s", l.layout);
}

static void hears_done(int64_t number, int64_t begin, int64_t end)
{
    struct wire_done d = hear(WIRE_DONE).done;
    cr_assert(d.lease == number && d.begin == begin && d.end == end,
              "[%" PRId64 ", %" PRId64 ") of %" PRId64, d.begin, d.end, d.lease);
}

static struct wire_release hears_release(int64_t number, enum wire_cause cause)
{
    struct wire_release r = hear(WIRE_RELEASE).release;
    cr_assert_eq(r.lease, number);
    cr_assert_eq(r.cause, cause, "%u: %s", r.cause, r.reason);
    cr_assert(r.seconds >= 0);
    return r;
}

static void hears_step(int64_t number, int64_t member, int step)
{
    char line[32];
    snprintf(line, sizeof line, "p: step %d", step);
    struct wire_log l = hear(WIRE_LOG).log;
    cr_assert(l.lease == number && l.member == member, "member %" PRId64, l.member);
    cr_assert_str_eq(l.line, line);
}

/* What is heard of a lease until it is released: members done and failed, in the order of their
 * numbers. */
static void hears_members(int64_t number, const char *done, const char *failed)
{
    char d[256] = "", f[256] = "";
    const struct wire_message *m;
    while ((m = fake_daemon_hear_any(&daemon_of_test))->type != WIRE_RELEASE) {
        if (m->type == WIRE_DONE)
            for (int64_t i = m->done.begin; i < m->done.end; i++)
                snprintf(d + strlen(d), sizeof d - strlen(d), "%" PRId64 " ", i);
        else if (m->type == WIRE_MEMBER_FAILED)
            snprintf(f + strlen(f), sizeof f - strlen(f), "%" PRId64 " ", m->member_failed.member);
        else
            cr_assert_eq(m->type, WIRE_LAYOUT);
    }
    cr_assert_eq(m->release.lease, number);
    cr_assert_str_eq(d, done);
    cr_assert_str_eq(f, failed);
}

/* ---- jobs ---- */

/* One process whose input `key` is each member's of `values` ("[1, 2]"), with three steps. */
static char *document(const char *type, const char *key, const char *values)
{
    const char *output = !strncmp(type, "large", 5) ? "x" : "value";
    return mem_printf("{\"model\": {\"processes\": {\"p\": \"%s\"}}, \"main_clock\": \"time\", "
                      "\"clocks\": {\"time\": {\"data\": [0.0, 1.0, 2.0, 3.0]}}, "
                      "\"inputs\": {\"p__%s\": {\"dims\": [\"batch\"], \"data\": %s}}, "
                      "\"batch_dim\": \"batch\", \"outputs\": {\"p__%s\": null}}",
                      type, key, values, output);
}

static void say_job(int64_t number, const char *text, const char *libraries, const char *layout,
                    const char *store)
{
    say((struct wire_message){.type = WIRE_JOB,
                              .job = {number, text, layout, libraries, store, "owner", ""}});
}

static void job_with(int64_t number, const char *type, const char *key, const char *values,
                     const char *layout, const char *store)
{
    char library[32];
    snprintf(library, sizeof library, "%.*s", (int)strcspn(type, "."), type);
    char *text = document(type, key, values);
    char *libraries = mem_printf("{\"%s\": \"%s\"}", library, copy_library(library));
    say_job(number, text, libraries, layout, support_path(store));
    free(libraries);
    free(text);
}

static void job(int64_t number, const char *type, const char *key, const char *values)
{
    char store[32];
    snprintf(store, sizeof store, "%" PRId64 ".zarr", number);
    job_with(number, type, key, values, "", store);
}

/* ---- the usual ---- */

static void finish(int64_t number, const char *dead)
{
    say((struct wire_message){.type = WIRE_FINISH, .finish = {number, dead, "[]", 0}});
    cr_assert_eq(hear(WIRE_FINISHED).finished.job, number);
}

Test(serve, a_job_from_beginning_to_end)
{
    static const char values[] = "[0, 0, 1, 0, 0]"; /* FAILS */
    start();
    job(1, "faulty.Faulty", "fault", values);
    lease(11, 1, 0, 1);
    struct wire_layout l = hear(WIRE_LAYOUT).layout;
    cr_assert(l.lease == 11 && l.member == 0);
    char *layout = mem_strdup(l.layout);
    hears_done(11, 0, 1);
    hears_release(11, WIRE_CAUSE_NONE);
    lease(12, 1, 1, 5);
    hears_members(12, "1 3 4 ", "2 ");
    finish(1, "[[2, 3]]");
    say((struct wire_message){.type = WIRE_DROP, .drop.job = 1});
    quits();

    /* The same by others, in another order. */
    start();
    job(2, "faulty.Faulty", "fault", values);
    lease(21, 2, 0, 1);
    hears_members(21, "0 ", "");
    quits();
    start();
    job_with(2, "faulty.Faulty", "fault", values, layout, "2.zarr");
    lease(22, 2, 3, 5);
    lease(23, 2, 1, 3);
    hears_members(22, "3 4 ", "");
    hears_members(23, "1 ", "2 ");
    finish(2, "[[2, 3]]");
    quits();
    free(layout);
    char *first = mem_strdup(support_path("1.zarr"));
    support_same(first, support_path("2.zarr"));
    free(first);
}

Test(serve, says_where_it_is)
{
    struct wire_heartbeat h;
    start();
    job(1, "patient.Patient", "number", "[4]");
    lease(11, 1, 0, 1);
    hears_step(11, 0, 0);
    say((struct wire_message){.type = WIRE_WELCOME, .welcome = {WIRE_VERSION, 1, FAKE_NEVER}});
    let_pass(2);
    do
        h = hear(WIRE_HEARTBEAT).heartbeat;
    while (h.step < 2);
    cr_assert(h.lease == 11 && h.member == 0 && h.nsteps == 3);
    hears_step(11, 0, 1);
    hears_step(11, 0, 2);
    let_pass(1);
    hears_layout(11);
    hears_done(11, 0, 1);
    hears_release(11, WIRE_CAUSE_NONE);
    quits();
}

/* ---- odd orders ---- */

Test(serve, what_it_was_not_told_of)
{
    start();
    cancel(77);
    say((struct wire_message){.type = WIRE_DROP, .drop.job = 1});
    lease(11, 1, 0, 1);
    hears_release(11, WIRE_CAUSE_NONE);
    say((struct wire_message){.type = WIRE_FINISH, .finish = {1, "[]", "[]", 0}});
    struct wire_finish_failed f = hear(WIRE_FINISH_FAILED).finish_failed;
    cr_assert(f.job == 1 && f.cause == WIRE_CAUSE_NONE);
    cr_assert(strstr(f.reason, "not told of the job"), "%s", f.reason);
    job(1, "faulty.Faulty", "fault", "[0]");
    say((struct wire_message){.type = WIRE_DROP, .drop.job = 1});
    lease(12, 1, 0, 1);
    hears_release(12, WIRE_CAUSE_NONE);
    quits();
}

Test(serve, the_last_word_on_a_job_counts)
{
    start();
    job(1, "faulty.Faulty", "fault", "[0, 0]");
    char *libraries = mem_printf("{\"faulty\": \"%s\"}", copy_library("faulty"));
    static const struct {
        const char *text, *says;
    } rows[] = {{"{\"model\"", "not JSON"}, {"[]", "object"}, {"{}", "model"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t number = 20 + (int64_t)i;
        say_job(1, rows[i].text, libraries, "", support_path("1.zarr"));
        lease(number, 1, 0, 1);
        struct wire_job_failed f = hear(WIRE_JOB_FAILED).job_failed;
        cr_assert(f.job == 1 && strstr(f.reason, rows[i].says), "%s", f.reason);
        hears_release(number, WIRE_CAUSE_NONE);
    }
    job(1, "faulty.Faulty", "fault", "[0, 0]");
    lease(11, 1, 0, 1);
    hears_members(11, "0 ", "");
    free(libraries);
    quits();
}

Test(serve, cancelled_between_two_steps)
{
    start();
    job(1, "patient.Patient", "number", "[4, 5]");
    lease(11, 1, 0, 2);
    hears_step(11, 0, 0);
    cancel(11);
    fake_daemon_is_heard(&daemon_of_test);
    let_pass(1);
    hears_release(11, WIRE_CAUSE_NONE);
    let_pass(3);
    lease(12, 1, 0, 1);
    for (int i = 0; i < 3; i++)
        hears_step(12, 0, i);
    hears_layout(12);
    hears_done(12, 0, 1);
    hears_release(12, WIRE_CAUSE_NONE);
    quits();
}

Test(serve, cancelled_while_it_waited)
{
    start();
    job(1, "patient.Patient", "number", "[4, 5]");
    lease(11, 1, 0, 1);
    hears_step(11, 0, 0);
    lease(12, 1, 1, 2);
    cancel(12);
    fake_daemon_is_heard(&daemon_of_test);
    let_pass(3);
    hears_step(11, 0, 1);
    hears_step(11, 0, 2);
    hears_layout(11);
    hears_done(11, 0, 1);
    hears_release(11, WIRE_CAUSE_NONE);
    hears_release(12, WIRE_CAUSE_NONE);
    quits();
}

/* Who ends the process is noted on a page that is gone by then. */
Test(serve, leaves_well_after_a_simulation_by_threads)
{
    start();
    char *libraries = mem_printf("{\"faulty\": \"%s\"}", copy_library("faulty"));
    say_job(1,
            "{\"model\": {\"processes\": {\"p\": \"faulty.Faulty\"}}, \"main_clock\": \"time\", "
            "\"clocks\": {\"time\": {\"data\": [0.0, 1.0]}}, \"inputs\": {\"p__fault\": 0}, "
            "\"scheduler\": \"threads\", \"threads\": 2, \"outputs\": {\"p__value\": null}}",
            libraries, "", support_path("1.zarr"));
    free(libraries);
    lease(11, 1, 0, 1);
    hears_members(11, "0 ", "");
    quits();
}

Test(serve, asked_to_leave_while_it_works)
{
    start();
    job(1, "patient.Patient", "number", "[4, 5]");
    lease(11, 1, 0, 1);
    lease(12, 1, 1, 2);
    hears_step(11, 0, 0);
    quit();
    fake_daemon_is_heard(&daemon_of_test);
    let_pass(1);
    hears_release(11, WIRE_CAUSE_NONE);
    hears_release(12, WIRE_CAUSE_NONE);
    hear(WIRE_BYE);
    ends_with(0);
}

/* ---- trouble ---- */

Test(serve, a_store_that_fails)
{
    int fd;
    start();
    cr_assert_eq(file_create(support_path("plain"), 0600, &fd), 0);
    close(fd);
    job_with(1, "faulty.Faulty", "fault", "[0, 0]", "", "plain/1.zarr");
    lease(11, 1, 0, 1);
    struct wire_release r = hears_release(11, WIRE_CAUSE_STORE);
    cr_assert_eq(r.error, ENOTDIR, "%u", r.error);
    cr_assert(strstr(r.reason, "Not a directory"), "%s", r.reason);
    job(1, "faulty.Faulty", "fault", "[0, 0]");
    lease(12, 1, 0, 1);
    hears_members(12, "0 ", "");
    quits();
}

/* Trouble with libraries is this worker's own: it leaves. */
Test(serve, a_library_that_is_not_there)
{
    char *text = document("faulty.Faulty", "fault", "[0]");
    start();
    say_job(1, text,
            "{\"faulty\": \"0000000000000000000000000000000000000000000000000000000000000000\"}",
            "", support_path("1.zarr"));
    lease(11, 1, 0, 1);
    struct wire_release r = hears_release(11, WIRE_CAUSE_WORKER);
    cr_assert(strstr(r.reason, "faulty"), "%s", r.reason);
    cr_assert(strstr(hear(WIRE_BYE).bye.reason, "faulty"));
    quit();
    ends_with(0);
    free(text);
}

/* Whatever its status, it is a death: it has said nothing, and the page tells of a member. */
static void dies_in_member(int fault, int status)
{
    char values[32];
    struct where_at at;
    snprintf(values, sizeof values, "[0, 0, %d]", fault);
    start();
    job(1, "faulty.Faulty", "fault", values);
    lease(11, 1, 0, 3);
    cr_assert_eq(fake_daemon_await(&daemon_of_test), status);
    cr_assert(where_read(daemon_of_test.where, &at));
    cr_assert(at.job == 1 && at.lease == 11 && at.member == 2);
    cr_assert(!at.is_silent);
    fake_daemon_close(&daemon_of_test);
}

Test(serve, a_member_that_exits)
{
    dies_in_member(EXITS, 0);
}

Test(serve, a_member_that_exits_as_a_lost_worker)
{
    dies_in_member(EXITS_WITH_3, DAEMON_SESSION_EXIT_LOST);
}

Test(serve, renewed_after_a_member)
{
    start();
    job(1, "untidy.Untidy", "deed", "[0, 14, 0]"); /* LEAVES_A_THREAD, in each step */
    lease(11, 1, 0, 3);
    hears_members(11, "0 1 ", "");
    struct wire_bye b = hear(WIRE_BYE).bye;
    cr_assert(strstr(b.reason, "after member 1: it left 3 threads"), "%s", b.reason);
    lease(12, 1, 2, 3); /* crossed its BYE */
    quit();
    ends_with(0);
}

Test(serve, a_size_that_no_machine_has)
{
    start();
    job(1, "large.Large", "n", "[3, 1000000000000, 5]");
    lease(11, 1, 0, 3);
    hears_layout(11);
    struct wire_member_failed f = hear(WIRE_MEMBER_FAILED).member_failed;
    cr_assert(f.lease == 11 && f.member == 1);
    cr_assert(strstr(f.reason, "variable 'x' was given 1000000000000 elements"), "%s", f.reason);
    hears_done(11, 0, 1);
    hears_release(11, WIRE_CAUSE_NONE);
    cr_assert(strstr(hear(WIRE_BYE).bye.reason, "member 1"));
    quit();
    ends_with(0);
}

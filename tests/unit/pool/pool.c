/* SPDX-License-Identifier: Apache-2.0 */
/* The local pool with a shell script for a worker, and pool_capture. Workers tell what they are by
 * lines through a fifo, so that the tests wait for events only. */
#include "pool/pool.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "pool/workers_lock.h"
#include "proto/where.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(pool, .timeout = 60);
TestSuite(capture, .timeout = 60);

enum { MAX_DEATHS = 32 };

struct scene {
    char directory[64];
    char *program, *scratch, *fifo_path;
    FILE *fifo;
    struct loop *loop;
    struct pool *pool;
    int n_deaths;
    char deaths[MAX_DEATHS][64];
    char reasons[MAX_DEATHS][512];
};

static void on_death(void *userdata, const char *worker, const struct pool_death *death)
{
    struct scene *s = userdata;
    cr_assert_lt(s->n_deaths, MAX_DEATHS);
    snprintf(s->deaths[s->n_deaths], 64, "%s", worker);
    snprintf(s->reasons[s->n_deaths++], 512, "%s", death->reason);
}

static int64_t on_tick(void *userdata, int64_t now)
{
    struct scene *s = userdata;
    return pool_local.tick(s->pool, now);
}

/* A scene whose worker is a script of these lines; "$fifo" is the fifo. */
static void scene_files(struct scene *s, const char *script)
{
    *s = (struct scene){.directory = "/tmp/simlab-pool-XXXXXX"};
    cr_assert(mkdtemp(s->directory));
    s->program = file_join(s->directory, "worker");
    s->scratch = file_join(s->directory, "scratch");
    s->fifo_path = file_join(s->directory, "fifo");
    cr_assert_eq(mkfifo(s->fifo_path, 0600), 0);
    s->fifo = fdopen(open(s->fifo_path, O_RDWR | O_CLOEXEC), "r");
    cr_assert(s->fifo);
    FILE *f = fopen(s->program, "w");
    fprintf(f, "#!/bin/sh\nfifo='%s'\n%s\n", s->fifo_path, script);
    fclose(f);
    cr_assert_eq(chmod(s->program, 0700), 0);
}

static int open_pool(struct scene *s, int size, struct error *e)
{
    struct pool_options o = {.program = s->program,
                             .endpoint = "ipc:///tmp/there",
                             .size = size,
                             .scratch = s->scratch,
                             .libraries = "/tmp",
                             .uploads = "/var"};
    cr_assert_eq(loop_new(&s->loop), 0);
    int r = pool_local.open(s->loop, &o, on_death, s, &s->pool, e);
    if (r == 0)
        loop_add_tick(s->loop, on_tick, s);
    return r;
}

static void scene_open(struct scene *s, int size, const char *script)
{
    struct error e = {.message = ""};
    scene_files(s, script);
    cr_assert_eq(open_pool(s, size, &e), 0);
}

static void scene_close(struct scene *s)
{
    s->pool = pool_local.close(s->pool);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "all children have been reaped");
    s->loop = loop_free(s->loop);
    fclose(s->fifo);
    cr_assert_eq(file_remove_tree(s->directory), 0);
    free(s->program);
    free(s->scratch);
    free(s->fifo_path);
}

static void turn_until_deaths(struct scene *s, int n)
{
    while (s->n_deaths < n)
        cr_assert_eq(loop_turn(s->loop, -1), 0);
}

/* The next line that a worker wrote into the fifo. */
static char *line(struct scene *s)
{
    static char text[1024];
    cr_assert(fgets(text, sizeof text, s->fifo));
    text[strcspn(text, "\n")] = '\0';
    return text;
}

#define HANG "exec tail -f /dev/null"

/* Its number becomes N. */
static void any_descriptor(char *text, const char *option)
{
    char *at = strstr(text, option);
    if (!at)
        return;
    at += strlen(option);
    size_t digits = strspn(at, "0123456789");
    cr_assert_gt(digits, 0);
    memmove(at + 1, at + digits, strlen(at + digits) + 1);
    *at = 'N';
}

Test(pool, starts_as_documented)
{
    struct scene s;
    scene_open(&s, 2,
               "echo \"$*\" > \"$fifo\"\necho \"$TMPDIR\" > \"$fifo\"\n"
               "pwd > \"$fifo\"\n" HANG);
    pool_local.tick(s.pool, loop_now());
    int found_arguments = 0, found_tmpdir = 0;
    char first[256], directory[256];
    snprintf(first, sizeof first,
             "serve --endpoint ipc:///tmp/there --name local-1.1 --where N --secret N --group  "
             "--libraries /tmp "
             "--sandbox off --uploads /var");
    snprintf(directory, sizeof directory, "%s/worker-1", s.scratch);
    for (int i = 0; i < 6; i++) {
        char *text = line(&s);
        any_descriptor(text, "--where ");
        any_descriptor(text, "--secret ");
        found_arguments += strcmp(text, first) == 0;
        found_tmpdir += strcmp(text, directory) == 0;
    }
    cr_assert_eq(found_arguments, 1);
    cr_assert_eq(found_tmpdir, 2, "it is $TMPDIR and the working directory");
    scene_close(&s);
    cr_assert_eq(s.n_deaths, 0, "close tells no deaths");
}

Test(pool, who_knows_its_secret_is_admitted)
{
    struct scene s;
    char secret[1024];
    scene_open(
        &s, 1,
        "for w; do [ \"$before\" = --secret ] && cat /dev/fd/$w > \"$fifo\"; before=$w; done\n"
        "echo > \"$fifo\"\n" HANG);
    pool_local.tick(s.pool, loop_now());
    snprintf(secret, sizeof secret, "%s", line(&s));
    cr_assert_eq(strlen(secret), HASH_TEXT_SIZE - 1, "%s", secret);
    cr_assert_eq(pool_local.admits(s.pool, "local-1.1", secret), POOL_MEMBERS);
    cr_assert_eq(pool_local.admits(s.pool, "local-1.2", secret), POOL_STRANGER);
    cr_assert_eq(pool_local.admits(s.pool, "local-1.1", ""), POOL_STRANGER);
    secret[0] ^= 1;
    cr_assert_eq(pool_local.admits(s.pool, "local-1.1", secret), POOL_STRANGER);
    scene_close(&s);
}

Test(pool, restarts_under_another_name)
{
    struct scene s;
    scene_open(&s, 1, "exit 3");
    turn_until_deaths(&s, 3);
    cr_assert_str_eq(s.deaths[0], "local-1.1");
    cr_assert_str_eq(s.deaths[2], "local-1.3");
    cr_assert_str_eq(s.reasons[0], "its worker exited with status 3");
    cr_assert(strstr(pool_local.trouble(s.pool), "local-1.3, exited with status 3"));
    scene_close(&s);
}

Test(pool, pauses_after_starts_that_fail_only)
{
    struct scene s;
    scene_open(&s, 1, "echo on > \"$fifo\"\n" HANG);
    pool_local.tick(s.pool, loop_now());
    line(&s);
    pool_local.kill(s.pool, "local-1.1");
    while (s.n_deaths < 1)
        pool_local.tick(s.pool, 0), loop_turn(s.loop, 0);
    int64_t now = loop_now();
    cr_assert_gt(pool_local.tick(s.pool, now - 1000), now - 1000, "a start that failed: later");

    turn_until_deaths(&s, 1);
    while (pool_local.tick(s.pool, loop_now()) != INT64_MAX)
        loop_turn(s.loop, -1);
    line(&s);
    pool_local.ready(s.pool, "local-1.2");
    pool_local.kill(s.pool, "local-1.2");
    turn_until_deaths(&s, 2);
    loop_turn(s.loop, 0);
    cr_assert_eq(pool_local.tick(s.pool, loop_now()), INT64_MAX, "it had been ready: at once");
    scene_close(&s);
}

Test(pool, kills_with_all_descendants)
{
    struct scene s;
    scene_open(&s, 1,
               "tail -f /dev/null &\necho $! > \"$fifo\"\n"
               "setsid sh -c 'setsid tail -f /dev/null & echo $! > '\"$fifo\"'; exit 0'\n"
               "echo $$ > \"$fifo\"\nwait");
    pool_local.tick(s.pool, loop_now());
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = atoi(line(&s));
    pool_local.kill(s.pool, "local-1.1");
    turn_until_deaths(&s, 1);
    for (int i = 0; i < 3; i++)
        cr_assert(kill(pids[i], 0) < 0 && errno == ESRCH, "%d", i);
    cr_assert_str_eq(s.reasons[0], "its worker was killed by signal 15 (Terminated)");
    scene_close(&s);
}

/* A child of ours in a session of its own that waits for nothing. */
static pid_t start_stranger(void)
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        dup2(ready[1], 3);
        close_range(4, ~0u, 0); /* as execve would: the lock is not for it */
        (void)!write(3, "x", 1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

Test(pool, leaves_strangers_alone)
{
    struct scene s;
    pid_t before = start_stranger();
    scene_open(&s, 1, "echo on > \"$fifo\"\n" HANG);
    pool_local.tick(s.pool, loop_now());
    line(&s);
    pid_t after = start_stranger();
    pool_local.kill(s.pool, "local-1.1");
    turn_until_deaths(&s, 1);
    pid_t strangers[] = {before, after};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(kill(strangers[i], 0), 0);
        kill(strangers[i], SIGKILL);
        cr_assert_eq(waitpid(strangers[i], NULL, 0), strangers[i]);
    }
    scene_close(&s);
}

Test(pool, reaps_orphans)
{
    struct scene s;
    scene_open(&s, 0, "");
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    pool_local.tick(s.pool, loop_now());
    cr_assert(waitpid(pid, NULL, 0) < 0 && errno == ECHILD);
    scene_close(&s);
}

Test(pool, marks_tell_whose_it_was)
{
    struct scene s;
    /* One in the session, without the descriptor; one that left it, with $TMPDIR only. */
    scene_open(
        &s, 1,
        "sh -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; echo $$ > '\"$fifo\"'; exec tail -f "
        "/dev/null' &\n"
        "setsid sh -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; tail -f /dev/null & echo $! > "
        "'\"$fifo\"'; exit 0'\n"
        "echo $$ > \"$fifo\"\nkill -9 $$");
    pool_local.tick(s.pool, loop_now());
    pid_t pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = atoi(line(&s));
    turn_until_deaths(&s, 1);
    for (int i = 0; i < 3; i++)
        cr_assert(kill(pids[i], 0) < 0 && errno == ESRCH, "%d", i);
    cr_assert(strstr(s.reasons[0], "signal 9, most often for want of memory"));
    scene_close(&s);
}

Test(pool, tells_the_death_of_who_is_not_there)
{
    struct scene s;
    scene_open(&s, 0, "");
    cr_assert_eq(loop_turn(s.loop, 0), 0);
    pool_local.kill(s.pool, "local-9.9");
    cr_assert_eq(s.n_deaths, 0, "not from within kill");
    turn_until_deaths(&s, 1); /* a turn, though nothing else was due */
    cr_assert_str_eq(s.deaths[0], "local-9.9");
    cr_assert_str_eq(s.reasons[0], "its worker is not there");
    scene_close(&s);
}

Test(pool, a_program_that_does_not_start)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_files(&s, "");
    cr_assert_eq(chmod(s.program, 0700), 0);
    FILE *f = fopen(s.program, "w");
    fputs("#!/no/such/interpreter\n", f);
    fclose(f);
    cr_assert_eq(open_pool(&s, 1, &e), 0);
    int64_t now = loop_now();
    cr_assert_gt(pool_local.tick(s.pool, now), now);
    cr_assert_eq(s.n_deaths, 0, "what never was does not die");
    scene_close(&s);

    scene_files(&s, "");
    unlink(s.program);
    cr_assert_eq(open_pool(&s, 1, &e), -ENOENT);
    cr_assert(strstr(e.message, s.program));
    scene_close(&s);
}

/* ---- the lock ---- */

Test(pool, one_daemon_at_a_time)
{
    struct scene s;
    struct error e = {.message = ""};
    struct workers_lock second;
    scene_open(&s, 0, "");
    cr_assert_eq(workers_lock_take(s.scratch, 1000, &second, &e), POOL_IN_USE);
    cr_assert(strstr(e.message, s.scratch));
    scene_close(&s);
}

Test(pool, kills_leftovers_of_a_former_daemon)
{
    struct scene s;
    struct error e = {.message = ""};
    struct workers_lock former;
    int ready[2];
    scene_files(&s, "");
    cr_assert_eq(file_make_directories(s.scratch), 0);
    cr_assert_eq(workers_lock_take(s.scratch, 1000, &former, &e), 0);
    cr_assert_eq(pipe(ready), 0);
    pid_t leftover = fork();
    if (leftover == 0) {
        close(former.daemon);
        (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[1]);
    workers_lock_drop(&former);
    cr_assert_eq(open_pool(&s, 0, &e), 0, "%s", e.message);
    int status;
    cr_assert_eq(waitpid(leftover, &status, 0), leftover);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ready[0]);
    scene_close(&s);
}

static void on_left(void *userdata, const struct where_at *at)
{
    *(struct where_at *)userdata = *at;
}

Test(pool, tells_where_a_former_worker_was)
{
    struct scene s;
    struct error e;
    struct where *w;
    struct where_at left = {0};
    int fd;
    scene_files(&s, "");
    cr_assert_eq(file_make_directories(s.scratch), 0);
    for (int i = 1; i <= 2; i++) {
        char *path = mem_printf("%s/worker-%d.where", s.scratch, i);
        cr_assert_eq(where_create(path, &fd), 0);
        cr_assert_eq(where_open(fd, &w), 0);
        where_set_pid(w, 4242);
        if (i == 2) {
            where_set_lease(w, 7, 3, 10);
            where_begin_member(w, 5, 1234);
        }
        where_close(w);
        close(fd);
        free(path);
    }
    struct pool_options o = {.program = s.program,
                             .endpoint = "ipc:///tmp/there",
                             .scratch = s.scratch,
                             .libraries = "/tmp",
                             .left = on_left};
    cr_assert_eq(loop_new(&s.loop), 0);
    cr_assert_eq(pool_local.open(s.loop, &o, on_death, &left, &s.pool, &e), 0);
    cr_assert(left.pid == 4242 && left.job == 7 && left.lease == 3 && left.member == 5);
    s.pool = pool_local.close(s.pool);
    left.pid = 0;
    cr_assert_eq(pool_local.open(s.loop, &o, on_death, &left, &s.pool, &e), 0);
    cr_assert_eq(left.pid, 0, "it is told once");
    scene_close(&s);
}

Test(pool, workers_die_with_the_daemon)
{
    struct scene s;
    struct error e = {.message = ""};
    scene_files(&s, "echo $$ > \"$fifo\"\n" HANG);
    pid_t daemon = fork();
    if (daemon == 0) {
        if (open_pool(&s, 1, &e) == 0)
            loop_run(s.loop);
        _exit(1);
    }
    pid_t worker = atoi(line(&s));
    int pidfd = pidfd_open(worker, 0);
    kill(daemon, SIGKILL);
    cr_assert_eq(waitpid(daemon, NULL, 0), daemon);
    if (pidfd >= 0) {
        struct pollfd fd = {pidfd, POLLIN, 0};
        cr_assert_eq(poll(&fd, 1, -1), 1);
        close(pidfd);
    }
    cr_assert_eq(open_pool(&s, 0, &e), 0, "%s", e.message);
    waitpid(-1, NULL, WNOHANG);
    scene_close(&s);
}

/* ---- pool_capture ---- */

static int capture(const char *script, int timeout_ms, size_t limit, struct buffer *b,
                   struct error *e)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    return pool_capture(argv, NULL, timeout_ms, limit, -1, b, e);
}

Test(capture, collects_what_is_printed)
{
    struct buffer b = {0};
    struct error e = {.message = ""};
    buffer_text(&b, "before ");
    cr_assert_eq(capture("printf 'one '; printf 'no\\n' >&2; printf two", 30000, 100, &b, &e), 0);
    cr_assert_str_eq(b.data, "before one two");
    buffer_clear(&b);
    cr_assert_eq(capture("head -c 300000 /dev/zero", 30000, 300000, &b, &e), 0);
    cr_assert_eq(b.size, 300000);
    buffer_free(&b);
}

Test(capture, more_than_the_limit)
{
    struct buffer b = {0};
    struct error e = {.message = ""};
    cr_assert_eq(capture("printf 1234", 30000, 3, &b, &e), POOL_FAILED);
    cr_assert_eq(capture("cat /dev/zero", 30000, 100000, &b, &e), POOL_FAILED);
    cr_assert_eq(b.size, 0);
    cr_assert_eq(capture("printf 123; head -c 1000000 /dev/zero >&2", 30000, 3, &b, &e), 0,
                 "standard error is cut");
    buffer_free(&b);
}

Test(capture, failures_are_named)
{
    struct buffer b = {0};
    struct error e = {.message = ""};
    cr_assert_eq(capture("echo first >&2; echo the reason >&2; exit 7", 30000, 10, &b, &e),
                 POOL_FAILED);
    cr_assert_str_eq(e.message, "/bin/sh: exit status 7: the reason");
    cr_assert_eq(capture("kill -SEGV $$", 30000, 10, &b, &e), POOL_FAILED);
    cr_assert(strstr(e.message, "signal 11"), "%s", e.message);
    const char *const missing[] = {"/no/such/program", NULL};
    cr_assert_eq(pool_capture(missing, NULL, 1000, 10, -1, &b, &e), -ENOENT);
    cr_assert(strstr(e.message, "/no/such/program"));
    cr_assert_eq(b.size, 0);
}

Test(capture, what_is_stopped_is_killed)
{
    struct buffer b = {0};
    struct error e = {.message = ""};
    const char *const argv[] = {"/bin/sh", "-c", "tail -f /dev/null", NULL};
    int stop = eventfd(1, EFD_CLOEXEC);
    cr_assert_eq(pool_capture(argv, NULL, 30000, 10, stop, &b, &e), POOL_FAILED);
    cr_assert(strstr(e.message, "was stopped"), "%s", e.message);
    close(stop);
}

Test(capture, what_does_not_end_is_killed)
{
    struct buffer b = {0};
    struct error e = {.message = ""};
    cr_assert_eq(capture("tail -f /dev/null & tail -f /dev/null", 20, 10, &b, &e), POOL_FAILED);
    cr_assert(strstr(e.message, "20 ms"));
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_eq(errno, ECHILD);
    /* A grandchild that keeps the pipe open does not keep us. */
    cr_assert_eq(capture("tail -f /dev/null & echo done", 30000, 10, &b, &e), 0);
    cr_assert_str_eq(b.data, "done\n");
    buffer_free(&b);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with a daemon that says what a test says. */
#include "worker/daemon_session.h"

#include "base/mem.h"
#include "fake_daemon.h"
#include "support.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

TestSuite(daemon_session, .timeout = 120);

static struct fake_daemon daemon_of_test;
static struct daemon_session *session;
static struct where *where;

static void start(uint32_t heartbeat_ms)
{
    struct error e = {.message = ""};
    fake_daemon_open(&daemon_of_test);
    cr_assert_eq(where_open(-1, &where), 0);
    cr_assert_eq(
        daemon_session_new(daemon_of_test.endpoint, "me", "prints", "secret", where, &session, &e),
        0, "%s", e.message);
    fake_daemon_welcome(&daemon_of_test, heartbeat_ms, FAKE_NEVER);
}

static void stop(void)
{
    daemon_session_free(session);
    where_close(where);
    fake_daemon_close(&daemon_of_test);
}

static void say(struct wire_message m)
{
    fake_daemon_say(&daemon_of_test, m);
}

static struct wire_message hear(enum wire_type type)
{
    return *fake_daemon_hear(&daemon_of_test, type);
}

/* The next message that the session hands over. */
static struct wire_message next(enum wire_type type)
{
    struct wire_message m;
    cr_assert_eq(daemon_session_receive(session, &m), 0);
    cr_assert_eq(m.type, type, "%s, not %s", wire_name((int)m.type), wire_name((int)type));
    return m;
}

static void drop(int64_t job)
{
    say((struct wire_message){.type = WIRE_DROP, .drop.job = job});
}

static void lease(int64_t number)
{
    say((struct wire_message){.type = WIRE_LEASE, .lease = {number, 1, 0, 10, 0, 0}});
}

static void cancel(int64_t number)
{
    say((struct wire_message){.type = WIRE_CANCEL, .cancel.lease = number});
}

Test(daemon_session, greets)
{
    struct error e = {.message = ""};
    char host[256] = "";
    fake_daemon_open(&daemon_of_test);
    cr_assert_eq(where_open(-1, &where), 0);
    cr_assert_eq(
        daemon_session_new(daemon_of_test.endpoint, "me", "prints", "secret", where, &session, &e),
        0, "%s", e.message);
    struct wire_hello h = hear(WIRE_HELLO).hello;
    cr_assert_eq(h.version, WIRE_VERSION);
    cr_assert_str_eq(h.name, "me");
    cr_assert_eq(h.pid, getpid());
    cr_assert_str_eq(h.fingerprint, "prints");
    gethostname(host, sizeof host - 1);
    cr_assert_str_eq(h.host, host);
    stop();
}

Test(daemon_session, needs_a_socket)
{
    struct error e = {.message = ""};
    cr_assert_eq(where_open(-1, &where), 0);
    cr_assert_eq(daemon_session_new("ipc:///nowhere/at/all", "me", "", "", where, &session, &e),
                 -ENOENT);
    cr_assert(strstr(e.message, "no socket at /nowhere/at/all"), "%s", e.message);
    cr_assert_eq(daemon_session_new("carrier pigeon", "me", "", "", where, &session, &e), -EINVAL);
    cr_assert(strstr(e.message, "connect to the daemon"), "%s", e.message);
    where_close(where);
}

/* Heartbeats are numbered one by one: fake_daemon.c looks at that. */
Test(daemon_session, heartbeats_tell_where_it_is)
{
    start(1);
    cr_assert_eq(daemon_of_test.heard.heartbeat.lease, 0);
    cr_assert_eq(daemon_of_test.heard.heartbeat.member, -1);
    cr_assert_eq(daemon_of_test.heard.heartbeat.member_ms, 0);
    lease(7);
    next(WIRE_LEASE);
    daemon_session_set_lease(session, 1, 7, 9);
    daemon_session_begin_member(session, 3);
    cr_assert(!daemon_session_step(session, 2));
    struct wire_heartbeat h;
    do
        h = hear(WIRE_HEARTBEAT).heartbeat;
    while (h.step != 2 || h.member_ms == 0);
    cr_assert_eq(h.lease, 7);
    cr_assert_eq(h.member, 3);
    cr_assert_eq(h.nsteps, 9);
    daemon_session_end_member(session);
    do
        h = hear(WIRE_HEARTBEAT).heartbeat;
    while (h.member_ms > 0);
    cr_assert_eq(h.member, 3, "its outputs are put away");
    daemon_session_set_lease(session, 0, 0, 0);
    do
        h = hear(WIRE_HEARTBEAT).heartbeat;
    while (h.lease != 0);
    cr_assert_eq(h.member, -1);
    stop();
}

Test(daemon_session, hands_over_in_order)
{
    start(FAKE_NEVER);
    say((struct wire_message){.type = WIRE_ALIVE, .alive.number = -5});
    say((struct wire_message){.type = WIRE_JOB, .job = {1, "{}", "", "{}", "/store", "owner", ""}});
    cancel(99);
    lease(7);
    say((struct wire_message){.type = WIRE_FINISH, .finish = {1, "[]", "[]", 0}});
    drop(1);
    say((struct wire_message){.type = WIRE_QUIT, .quit.reason = "enough"});
    struct wire_message m = next(WIRE_JOB);
    cr_assert_str_eq(m.job.document, "{}");
    cr_assert_str_eq(m.job.store, "/store");
    m = next(WIRE_LEASE);
    cr_assert(m.lease.lease == 7 && m.lease.end == 10);
    m = next(WIRE_FINISH);
    cr_assert_str_eq(m.finish.dead, "[]");
    next(WIRE_DROP);
    m = next(WIRE_QUIT);
    cr_assert_str_eq(m.quit.reason, "enough");
    stop();
}

Test(daemon_session, drops_what_it_cannot_read)
{
    struct wire_message bye = {.type = WIRE_BYE, .bye.reason = "another's"};
    struct wire_message l = {.type = WIRE_LEASE, .lease = {7, 1, 0, 10, 0, 0}};
    unsigned char frame[64];
    cr_assert_leq(wire_size(&l), sizeof frame - 1);
    cr_assert_leq(wire_size(&bye), sizeof frame);
    start(FAKE_NEVER);
    wire_encode(&l, frame);
    for (size_t size = 0; size <= wire_size(&l) + 1; size++)
        if (size != wire_size(&l))
            fake_daemon_say_bytes(&daemon_of_test, frame, size);
    frame[1] = 0x7f; /* no message has this number */
    fake_daemon_say_bytes(&daemon_of_test, frame, wire_size(&l));
    wire_encode(&bye, frame); /* one of ours */
    fake_daemon_say_bytes(&daemon_of_test, frame, wire_size(&bye));
    fake_daemon_say_two(&daemon_of_test, "", 0, l);
    fake_daemon_say_two(&daemon_of_test, frame, wire_size(&bye),
                        (struct wire_message){.type = WIRE_QUIT, .quit.reason = "of two frames"});
    drop(5);
    cr_assert_eq(next(WIRE_DROP).drop.job, 5, "nothing else was handed over");
    cr_assert(!daemon_session_stopped(session));
    stop();
}

Test(daemon_session, a_lease_is_stopped_by_its_number)
{
    start(FAKE_NEVER);
    cancel(8);
    cancel(0);
    lease(7);
    next(WIRE_LEASE);
    daemon_session_set_lease(session, 1, 7, 9);
    cr_assert(!daemon_session_stopped(session));
    cancel(7);
    cancel(-7);
    fake_daemon_is_heard(&daemon_of_test);
    cr_assert(daemon_session_step(session, 1));
    cr_assert(daemon_session_stopped(session), "and stays so");
    daemon_session_set_lease(session, 1, 9, 9);
    cr_assert(!daemon_session_stopped(session), "the next is another");
    daemon_session_set_lease(session, 1, 8, 9);
    cr_assert(daemon_session_stopped(session), "it was cancelled while it waited");
    daemon_session_set_lease(session, 0, 0, 0);
    cr_assert(!daemon_session_stopped(session), "no lease is none");
    stop();
}

Test(daemon_session, to_quit_stops_all)
{
    start(FAKE_NEVER);
    daemon_session_set_lease(session, 1, 7, 9);
    cr_assert(!daemon_session_stopped(session));
    say((struct wire_message){.type = WIRE_QUIT, .quit.reason = ""});
    fake_daemon_is_heard(&daemon_of_test);
    cr_assert(daemon_session_stopped(session));
    daemon_session_set_lease(session, 1, 8, 9);
    cr_assert(daemon_session_stopped(session));
    stop();
}

Test(daemon_session, what_it_cannot_send_is_told)
{
    start(FAKE_NEVER);
    struct wire_message m = {.type = WIRE_LAYOUT, .layout = {7, 0, "\xff", 0}};
    cr_assert_eq(daemon_session_send(session, &m), -EMSGSIZE, "no UTF-8");
    char *large = mem_array(4194306, 1);
    memset(large, 'x', 4194305);
    m.layout.layout = large;
    cr_assert_eq(daemon_session_send(session, &m), -EMSGSIZE, "too long");
    large[4194304] = '\0';
    cr_assert_eq(daemon_session_send(session, &m), 0);
    m = (struct wire_message){.type = WIRE_LOG, .log = {7, 1, 0, large}};
    cr_assert_eq(daemon_session_send(session, &m), 0, "a line is cut");
    cr_assert_eq(strlen(hear(WIRE_LAYOUT).layout.layout), 4194304);
    cr_assert_eq(strlen(hear(WIRE_LOG).log.line), 1023);
    free(large);
    stop();
}

/* ---- a worker of its own ---- */

enum { LINES = 5000 };

static int open_session(const struct fake_worker *w)
{
    struct error e = {.message = ""};
    if (where_open(w->where, &where) < 0)
        return -1;
    where_set_pid(where, getpid());
    return daemon_session_new(w->endpoint, "me", "", "", where, &session, &e);
}

static int talk_and_leave(const struct fake_worker *w)
{
    struct wire_message line = {.type = WIRE_LOG, .log = {7, 1, 1, "again"}};
    struct wire_message bye = {.type = WIRE_BYE, .bye.reason = "that is all"};
    int r = open_session(w);
    for (int i = 0; i < LINES && r == 0; i++)
        r = daemon_session_send(session, &line);
    if (r == 0)
        r = daemon_session_send(session, &bye);
    daemon_session_free(session);
    where_close(where);
    return r ? 98 : 0;
}

Test(daemon_session, the_last_words_leave)
{
    fake_daemon_fork(&daemon_of_test, talk_and_leave, NULL);
    hear(WIRE_HELLO);
    for (int i = 0; i < LINES; i++)
        hear(WIRE_LOG);
    cr_assert_str_eq(hear(WIRE_BYE).bye.reason, "that is all");
    cr_assert_eq(fake_daemon_await(&daemon_of_test), 0);
    fake_daemon_close(&daemon_of_test);
}

static int wait_for_ever(const struct fake_worker *w)
{
    struct wire_message m;
    if (open_session(w) < 0)
        return 98;
    while (daemon_session_receive(session, &m) == 0)
        continue;
    return 97;
}

Test(daemon_session, ends_the_process_when_the_daemon_is_silent)
{
    struct where_at at;
    fake_daemon_fork(&daemon_of_test, wait_for_ever, NULL);
    hear(WIRE_HELLO);
    say((struct wire_message){.type = WIRE_WELCOME, .welcome = {WIRE_VERSION, 0, 0}});
    cr_assert_eq(fake_daemon_await(&daemon_of_test), DAEMON_SESSION_EXIT_LOST);
    cr_assert(where_read(daemon_of_test.where, &at));
    cr_assert(at.is_silent, "it tells why, since user code may exit with any status");
    fake_daemon_close(&daemon_of_test);
}

Test(daemon_session, ends_the_process_when_a_message_of_the_daemon_was_lost)
{
    struct where_at at;
    fake_daemon_fork(&daemon_of_test, wait_for_ever, NULL);
    fake_daemon_welcome(&daemon_of_test, FAKE_NEVER, FAKE_NEVER);
    say((struct wire_message){.type = WIRE_ALIVE});
    fake_daemon_is_heard(&daemon_of_test);
    say((struct wire_message){.type = WIRE_ALIVE, .alive.said = 1});
    cr_assert_eq(fake_daemon_await(&daemon_of_test), DAEMON_SESSION_EXIT_LOST);
    cr_assert(where_read(daemon_of_test.where, &at));
    cr_assert(at.is_silent);
    fake_daemon_close(&daemon_of_test);
}

/* ---- sends that fail ---- */

static atomic_int interrupted; /* so many sends of the session are */

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    static int (*next_send)(zmq_msg_t *, void *, int);
    if (!next_send)
        next_send = (int (*)(zmq_msg_t *, void *, int))dlsym(RTLD_NEXT, "zmq_msg_send");
    if (atomic_load(&interrupted) > 0) {
        atomic_fetch_sub(&interrupted, 1);
        errno = EINTR;
        return -1;
    }
    return next_send(message, socket, flags);
}

Test(daemon_session, sends_that_are_interrupted_are_tried_again)
{
    start(FAKE_NEVER);
    interrupted = 3;
    lease(7);
    next(WIRE_LEASE);
    cr_assert_eq(interrupted, 0);
    struct wire_message m = {.type = WIRE_RELEASE, .release = {.lease = 7}};
    for (int i = 0; i < 3; i++) { /* by this thread, and by the session's */
        interrupted = 2 * i;
        cr_assert_eq(daemon_session_send(session, &m), 0);
        hear(WIRE_RELEASE);
    }
    interrupted = 1;
    fake_daemon_is_heard(&daemon_of_test);
    cr_assert_eq(interrupted, 0);
    stop();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers and broken workers say changes nothing. */
#include "scene.h"

#include <string.h>
#include <zmq.h>

TestSuite(hostile, .timeout = 60);

static void hello(struct fake *f, uint32_t version, const char *name)
{
    fake_say(f,
             (struct wire_message){.type = WIRE_HELLO, .hello = {version, name, 1, "h", "p", ""}});
}

Test(hostile, names_and_versions)
{
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1"), *g = fake_connect(&s);
    hello(g, WIRE_VERSION, "w.1");
    fake_hear(g, WIRE_QUIT);
    hello(g, WIRE_VERSION, "../w");
    fake_hear(g, WIRE_QUIT);
    hello(g, WIRE_VERSION + 1, "w.2");
    cr_assert(strstr(fake_hear(g, WIRE_QUIT)->quit.reason, "version"));
    fake_say_bytes(g, "\1\0\x09\0\0\0 of the future", 20);
    fake_hear(g, WIRE_QUIT);
    scene_worker_died(&s, "w.3", "before its HELLO was read");
    hello(g, WIRE_VERSION, "w.3");
    fake_hear(g, WIRE_QUIT);
    hello(g, WIRE_VERSION, "w.4");
    fake_hear(g, WIRE_WELCOME);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

static enum dispatch_role admit(void *userdata, const char *worker, const char *secret)
{
    (void)userdata;
    return strcmp(secret, "known") != 0      ? DISPATCH_NOBODY
           : strcmp(worker, "closer.1") == 0 ? DISPATCH_STORES
                                             : DISPATCH_MEMBERS;
}

static struct fake *knows(struct scene *s, const char *name, const char *secret)
{
    struct fake *f = fake_connect(s);
    fake_say(f, (struct wire_message){.type = WIRE_HELLO,
                                      .hello = {WIRE_VERSION, name, 1, "h", "p", secret}});
    return f;
}

/* HELLO, READY, DONE, FINISHED of who knows no secret: the job goes to who does. */
Test(hostile, forged_sessions)
{
    struct scene s;
    scene_open_admitting(&s, admit);
    int64_t job = scene_submit(&s, 4000);
    struct fake *f = knows(&s, "w.1", "guessed"), *w = knows(&s, "w.1", "known");
    fake_hear(f, WIRE_QUIT);
    fake_hear(w, WIRE_WELCOME);
    fake_say(w, (struct wire_message){.type = WIRE_READY, .ready = {1, "none"}});
    fake_hear(w, WIRE_JOB);
    struct wire_lease l = fake_lease(w, 0, 1);
    fake_say(f, (struct wire_message){.type = WIRE_READY, .ready = {1, "none"}});
    fake_done(f, &l, 0, 4000);
    fake_done(f, &l, 0, 1);
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_say(w, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hears_nothing(w);
    struct queue_job found = scene_job(&s, job);
    cr_assert_eq(found.state, JOB_RUNNING);
    cr_assert_eq(found.done, 0);
    queue_job_clear(&found);
    fake_close(f);
    fake_close(w);
    scene_close(&s);
}

/* Not who has run members, but who is there for it. */
Test(hostile, stores_are_closed_by_who_has_run_nothing)
{
    struct scene s;
    scene_open_admitting(&s, admit);
    struct fake *closer = knows(&s, "closer.1", "known"), *w = knows(&s, "w.1", "known");
    fake_hear(closer, WIRE_WELCOME);
    fake_say(closer, (struct wire_message){.type = WIRE_READY, .ready = {1, "none"}});
    fake_hears_nothing(closer);
    int64_t job = scene_submit(&s, 1);
    fake_hears_nothing(closer); /* a lease is none of its */
    fake_hear(w, WIRE_WELCOME);
    fake_say(w, (struct wire_message){.type = WIRE_READY, .ready = {1, "none"}});
    fake_hear(w, WIRE_JOB);
    struct wire_lease l = fake_lease(w, 0, 1);
    fake_layout(w, &l);
    fake_done(w, &l, 0, 1);
    fake_release(w, &l, 0.1);
    fake_hear(closer, WIRE_JOB);
    fake_hear(closer, WIRE_FINISH);
    fake_hears_nothing(w);
    fake_say(w, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hears_nothing(w);
    cr_assert_eq(scene_state(&s, job), JOB_RUNNING);
    fake_say(closer, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_hears_nothing(closer);
    cr_assert_eq(scene_state(&s, job), JOB_SUCCEEDED);
    json_t *listed = dispatch_workers(s.dispatch);
    cr_assert_eq(json_array_size(listed), 1);
    json_decref(listed);
    fake_close(closer);
    fake_close(w);
    scene_close(&s);
}

Test(hostile, reports_of_foreign_leases)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 10, 1);
    struct fake *f = fake_ready(&s, "w.1"), *g = fake_connect(&s);
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2), wrong = l;
    wrong.lease++;
    fake_done(f, &wrong, 1, 2);
    fake_release(f, &wrong, 1);
    wrong = l;
    wrong.lease++;
    fake_done(f, &wrong, 1, 2);
    fake_done(f, &l, 0, 2); /* not all of it is its lease */
    fake_done(f, &l, 1, 3);
    fake_done(f, &l, 2, 1);
    fake_done(f, &l, INT64_MIN, INT64_MAX);
    fake_say(f, (struct wire_message){.type = WIRE_MEMBER_FAILED,
                                      .member_failed = {l.lease, 5, "not its member"}});
    fake_say(f, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    fake_done(g, &l, 1, 2); /* the right lease by a stranger */
    fake_release(g, &l, 1);
    fake_hears_nothing(f);
    hello(g, WIRE_VERSION, "w.2");
    fake_hear(g, WIRE_WELCOME);
    fake_done(g, &l, 1, 2); /* and by another worker */
    fake_hears_nothing(g);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.done, 1);
    cr_assert_eq(j.dead, 0);
    cr_assert_eq(j.state, JOB_RUNNING);
    queue_job_clear(&j);
    fake_done(f, &l, 1, 2);
    fake_hears_nothing(f);
    j = scene_job(&s, job);
    cr_assert_eq(j.done, 2);
    queue_job_clear(&j);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

static void ask(struct fake *f, int64_t lease, uint32_t most, const char *socket)
{
    fake_say(f, (struct wire_message){.type = WIRE_ASK, .ask = {lease, most, socket}});
}

/* Who asks has the lease; who helps is no more than that. */
Test(hostile, who_asks_and_who_helps)
{
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit(&s, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 0, 1);
    struct fake *g = fake_ready(&s, "w.2");
    ask(g, l.lease, 1, "/another's/lease");
    ask(f, l.lease + 1, 1, "/no/lease");
    ask(f, l.lease, 1, "a/place/relative/to/whom");
    ask(f, l.lease, 1, "");
    ask(f, l.lease, 0, "/nobody/is/wanted");
    fake_hears_nothing(f);
    fake_hears_nothing(g);
    ask(f, l.lease, UINT32_MAX, "/here");
    ask(f, l.lease, 1, "/elsewhere");
    cr_assert_eq(fake_hear(g, WIRE_JOB)->job.job, job);
    struct wire_help h = fake_hear(g, WIRE_HELP)->help;
    cr_assert_eq(h.lease, l.lease);
    cr_assert_eq(h.job, job);
    fake_done(g, &l, 0, 1);
    fake_layout(g, &l);
    fake_say(g, (struct wire_message){.type = WIRE_MEMBER_FAILED,
                                      .member_failed = {l.lease, 0, "it only helps"}});
    fake_say(g, (struct wire_message){.type = WIRE_FINISHED, .finished.job = job});
    ask(g, l.lease, 1, "/a/helper's/helper");
    fake_hears_nothing(g);
    fake_hears_nothing(f);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.done + j.dead, 0);
    cr_assert_eq(j.state, JOB_RUNNING);
    queue_job_clear(&j);
    fake_release(g, &l, 1); /* it cannot help; nor is it asked again */
    fake_hears_nothing(g);
    fake_hears_nothing(f);
    cr_assert_eq(s.n_kills, 0);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

/* What it is answered would grow without a bound: it is killed. */
Test(hostile, who_asks_and_does_not_read)
{
    enum { MOST = 100000, AT_ONCE = 100 };
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1"), *g = fake_ready(&s, "w.2");
    for (int i = 0; i < MOST && s.n_kills == 0; i++) {
        fake_say(f, (struct wire_message){.type = WIRE_HEARTBEAT, .heartbeat.member = -1});
        if (i % AT_ONCE == 0)
            scene_turn(&s);
    }
    cr_assert_eq(s.n_kills, 1);
    cr_assert_str_eq(s.kills[0], "w.1");
    fake_hears_nothing(g);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

/* Nor does one that is refused again and again: the daemon keeps so many answers, and no more. */
Test(hostile, a_stranger_who_asks_and_does_not_read)
{
    enum { MOST = 20000, AT_ONCE = 100 };
    struct scene s;
    scene_open(&s);
    struct fake *f = fake_ready(&s, "w.1"), *g = fake_connect(&s);
    for (int i = 0; i < MOST; i++) {
        hello(g, WIRE_VERSION, "../w");
        if (i % AT_ONCE == 0)
            scene_turn(&s);
    }
    fake_hears_nothing(f);
    int n = 0;
    for (zmq_msg_t m; n < MOST; n++, zmq_msg_close(&m)) {
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, g->socket, ZMQ_DONTWAIT) < 0)
            break;
    }
    cr_assert_lt(n, MOST);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

Test(hostile, more_words_than_a_turn_hears)
{
    enum { MANY = 1500 };
    struct scene s;
    scene_open(&s);
    int64_t job = scene_submit_begun(&s, 10, 1);
    struct fake *f = fake_ready(&s, "w.1");
    fake_hear(f, WIRE_JOB);
    struct wire_lease l = fake_lease(f, 1, 2);
    for (int i = 0; i < MANY; i++)
        fake_say_bytes(f, "nothing", 7);
    fake_done(f, &l, 1, 2);
    fake_hears_nothing(f);
    struct queue_job j = scene_job(&s, job);
    cr_assert_eq(j.done, 2);
    queue_job_clear(&j);
    fake_close(f);
    scene_close(&s);
}

Test(hostile, frames_that_are_none)
{
    struct scene s;
    scene_open(&s);
    scene_submit(&s, 1);
    struct fake *f = fake_ready(&s, "w.1"), *g = fake_connect(&s);
    uint64_t state = 5;
    for (int i = 0; i < 1000; i++) {
        unsigned char frame[64];
        for (size_t k = 0; k < sizeof frame; k++)
            frame[k] = (unsigned char)((state = state * 6364136223846793005u + 1) >> 56);
        frame[0] = (unsigned char)(2 + frame[0] % 78); /* HELLO is answered */
        frame[1] = 0;
        fake_say_bytes(i % 2 ? f : g, frame, i % 64);
    }
    zmq_send(g->socket, "two", 3, ZMQ_SNDMORE);
    zmq_send(g->socket, "parts", 5, 0);
    hello(g, WIRE_VERSION, "w.2");
    fake_hear(g, WIRE_WELCOME);
    fake_hear(f, WIRE_JOB);
    fake_lease(f, 0, 1);
    fake_close(f);
    fake_close(g);
    scene_close(&s);
}

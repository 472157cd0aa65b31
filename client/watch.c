/* SPDX-License-Identifier: Apache-2.0 */
#include "client/watch.h"

#include "client/backoff.h"
#include "client/document.h"
#include "client/events.h"
#include "client/progress.h"
#include "client/text.h"
#include "proto/api.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* How often in a row a daemon may say that a job has ended, and then that it has not. */
enum { CONTRADICTIONS_MAX = 5 };

struct watch {
    struct server *server;
    const struct watch_options *options;
    struct progress *progress;
    char *id, *path; /* of the job; of its resource */
    char *last_id;   /* of the events */
    int signals;     /* signalfd, or -1 */
    int interrupts;
    bool lost;   /* the connection, and said */
    bool final;  /* the job has ended */
    bool cancel; /* is to be cancelled now */
    int leave;   /* by this signal */
};

static const struct {
    const char *name;
    bool final;
    int code;
} states[] = {
#define STATE(name, final, code) {name, final, code},
    API_JOB_STATES(STATE)
#undef STATE
};

bool watch_state_is_final(const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(states[i].name, state))
            return states[i].final;
    return false;
}

int watch_state_code(const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(states[i].name, state))
            return states[i].code;
    return API_EXIT_FAILED;
}

/* From a job's representation or an event's data: they use the same words. */
static void show_counts(struct watch *w, const json_t *d)
{
    const json_t *steps = json_object_get(d, "progress");
    if (!json_is_object(steps))
        steps = d;
    json_int_t members = document_integer(d, "members", 0);
    json_int_t nsteps = document_integer(steps, "nsteps", 0);
    if (members > 1)
        progress_update(w->progress, document_integer(d, "done", 0), document_integer(d, "dead", 0),
                        members, "members");
    else if (nsteps > 0)
        progress_update(w->progress, document_integer(steps, "step", 0), 0, nsteps, "steps");
}

static void show_log(struct watch *w, const json_t *d)
{
    const char *line = document_string(d, "line", NULL);
    if (line && !w->options->quiet)
        progress_note(w->progress, "member %lld: %s", (long long)document_integer(d, "member", 0),
                      line);
}

/* NULL: a kind that we do not know, which a newer daemon may have, and which says nothing to us. */
static const struct answer_shape *shape_of(const char *kind)
{
    if (!strcmp(kind, "log"))
        return &answer_event_log;
    if (!strcmp(kind, "progress"))
        return &answer_event_progress;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(states[i].name, kind))
            return &answer_event;
    return NULL;
}

static int on_event(void *userdata, const char *kind, const char *data)
{
    struct watch *w = userdata;
    json_t *d = json_loads(data, JSON_DECODE_ANY, NULL);
    const struct answer_shape *shape = shape_of(kind);
    char *fault = shape ? answer_fault(shape, d) : NULL;
    if (fault) {
        free(fault);
        json_decref(d);
        return -1;
    }
    if (!strcmp(kind, "log"))
        show_log(w, d);
    else if (!strcmp(kind, "queued") || !strcmp(kind, "running"))
        progress_word(w->progress, *kind == 'q' ? "queued" : "running");
    else if (!strcmp(kind, "progress"))
        show_counts(w, d);
    json_decref(d);
    w->final = watch_state_is_final(kind);
    return w->final;
}

static void on_connection(void *userdata, const char *reason)
{
    struct watch *w = userdata;
    if (reason && !w->lost)
        progress_note(w->progress, "%s; trying again until it is there", reason);
    else if (!reason && w->lost)
        progress_note(w->progress, "connected again");
    w->lost = reason != NULL;
}

/* ---- interrupts ---- */

static void on_interrupt(struct watch *w)
{
    bool cancels = w->options->cancel_on_interrupt;
    w->interrupts++;
    if (w->interrupts == 1 && cancels)
        progress_note(w->progress, "job %s goes on; Ctrl-C again cancels it", w->id);
    else if (w->interrupts == 1)
        progress_note(w->progress,
                      "job %s goes on; `simlab cancel %s` cancels it; Ctrl-C again leaves it "
                      "running, and `simlab wait %s` comes back to it",
                      w->id, w->id, w->id);
    else if (w->interrupts == 2 && cancels)
        w->cancel = true;
    else
        w->leave = SIGINT;
}

static void on_terminate(struct watch *w)
{
    if (w->options->cancel_on_interrupt && w->interrupts < 2) {
        w->interrupts = 2;
        w->cancel = true;
    } else {
        w->leave = SIGTERM;
    }
}

static int on_watch(void *userdata, bool readable)
{
    struct watch *w = userdata;
    struct signalfd_siginfo info;
    if (!readable)
        progress_tick(w->progress);
    else if (read(w->signals, &info, sizeof info) == sizeof info)
        info.ssi_signo == SIGINT ? on_interrupt(w) : on_terminate(w);
    return w->cancel || w->leave;
}

static void signals_of(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static void open_signals(struct watch *w)
{
    sigset_t set;
    w->signals = -1;
    if (!w->options->interrupts)
        return;
    signals_of(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void close_signals(struct watch *w)
{
    sigset_t set;
    if (w->signals < 0)
        return;
    close(w->signals);
    signals_of(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

_Noreturn static void leave(struct watch *w)
{
    int number = w->leave;
    progress_free(w->progress);
    text_complain("job %s goes on", w->id);
    fflush(NULL);
    close_signals(w);
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number);
}

/* ---- the watching ---- */

static int cancel(struct watch *w)
{
    struct reply r;
    char *path = text_printf("%s%s", w->path, API_JOB_CANCEL);
    struct request request = {.method = "POST", .path = path, .shape = &answer_job};
    int code = request_send(w->server, &request, &r);
    if (!code)
        progress_note(w->progress, "job %s is cancelled", w->id);
    else if (r.status != 409) /* 409: it has ended meanwhile */
        progress_note(w->progress, "job %s could not be cancelled: %s", w->id, r.reason);
    w->cancel = false;
    reply_clear(&r);
    free(path);
    return code;
}

/* GET of the job until there is an answer. */
static int get_job(struct watch *w, const struct request_watch *watch, struct reply *ret_reply)
{
    struct request request = {
        .method = "GET", .path = w->path, .watch = watch, .shape = &answer_job};
    struct backoff backoff = {0};
    for (;;) {
        int code = request_send(w->server, &request, ret_reply);
        if (!code || !ret_reply->again)
            return code;
        on_connection(w, ret_reply->reason);
        reply_clear(ret_reply);
        if (backoff_wait(&backoff, watch))
            return API_EXIT_UNREACHABLE;
    }
}

/* Events, then the job as it stands; *ret_reply is filled where the job has ended. */
static int follow_once(struct watch *w, const char *events, struct reply *ret_reply)
{
    struct request_watch watch = {.fd = w->signals, .fn = on_watch, .userdata = w};
    struct events_follower follower = {
        .on_event = on_event, .on_connection = on_connection, .watch = &watch, .userdata = w};
    int code = w->final ? 0 : events_follow(w->server, events, &follower, &w->last_id);
    if (code || w->cancel || w->leave)
        return code;
    struct reply r;
    code = get_job(w, &watch, &r);
    if (w->cancel || w->leave) {
        reply_clear(&r);
        return 0;
    }
    if (code)
        text_complain("%s", r.reason);
    else
        on_connection(w, NULL);
    w->final = !code && watch_state_is_final(document_string(r.json, "state", ""));
    if (w->final) {
        show_counts(w, r.json);
        *ret_reply = r;
    } else {
        reply_clear(&r);
    }
    return code;
}

/* After the last event of a job that has not ended: it was retried meanwhile, and has new events,
 * or what we are told makes no sense. */
static int contradict(struct watch *w, struct backoff *backoff, int *n, char **told)
{
    bool same = !w->last_id || (*told && !strcmp(*told, w->last_id));
    *n = same ? *n + 1 : 0;
    free(*told);
    *told = text_copy(w->last_id);
    if (*n < CONTRADICTIONS_MAX) {
        backoff_wait(backoff, NULL);
        return 0;
    }
    text_complain("%s says that job %s has ended, and that it has not", w->server->address, w->id);
    return API_EXIT_UNREACHABLE;
}

static int follow(struct watch *w, struct reply *ret_reply)
{
    char *events = text_printf("%s%s", w->path, API_JOB_EVENTS), *told = NULL;
    struct reply r = {0};
    struct backoff backoff = {0};
    int code = 0, n = 0;
    while (!code && !r.body) {
        code = follow_once(w, events, &r);
        if (w->leave)
            leave(w);
        if (!code && w->cancel)
            cancel(w);
        else if (!code && !r.body)
            code = contradict(w, &backoff, &n, &told);
    }
    free(events);
    free(told);
    if (!code)
        *ret_reply = r;
    return code;
}

int watch_job(struct server *s, const json_t *job, const struct watch_options *o,
              struct reply *ret_reply)
{
    struct watch w = {.server = s, .options = o, .id = text_copy(document_string(job, "id", "?"))};
    const char *state = document_string(job, "state", "queued");
    char *part = text_url(w.id), *title = text_printf("job %s", w.id);
    w.path = text_printf("%s/%s", API_JOBS, part);
    w.progress = progress_new(title, o->quiet);
    w.final = watch_state_is_final(state);
    open_signals(&w);
    if (!w.final) {
        bool queued = !strcmp(state, "queued");
        const char *waiting = document_string(job, "waiting", NULL);
        progress_word(w.progress, queued ? "queued" : "running");
        if (!queued)
            show_counts(&w, job);
        if (waiting)
            progress_note(w.progress, "job %s waits: %s", w.id, waiting);
    }
    int code = follow(&w, ret_reply);
    progress_free(w.progress);
    close_signals(&w);
    free(w.id);
    free(w.path);
    free(w.last_id);
    free(part);
    free(title);
    return code;
}

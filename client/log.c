/* SPDX-License-Identifier: Apache-2.0 */
#include "client/log.h"

#include "client/answer.h"
#include "client/document.h"
#include "client/events.h"
#include "client/options.h"
#include "client/pages.h"
#include "client/text.h"
#include "client/watch.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

/* ---- as it comes ---- */

struct following {
    const char *id;
    log_line_fn fn;
    void *userdata;
};

static int on_event(void *userdata, const char *kind, const char *data)
{
    const struct following *f = userdata;
    if (strcmp(kind, "log") != 0)
        return watch_state_is_final(kind);
    json_t *line = json_loads(data, JSON_DECODE_ANY, NULL);
    char *fault = answer_fault(&answer_event_log, line);
    if (!fault)
        f->fn(f->userdata, line, data);
    int r = fault ? -1 : 0;
    free(fault);
    json_decref(line);
    return r;
}

static void on_connection(void *userdata, const char *reason)
{
    const struct following *f = userdata;
    if (reason)
        text_complain("job %s: %s; trying again until it is there", f->id, reason);
}

static char *path_of(const char *id, const char *below)
{
    char *part = text_url(id), *path = text_printf("%s/%s%s", API_JOBS, part, below);
    free(part);
    return path;
}

int log_follow(struct server *s, const char *id, log_line_fn fn, void *userdata)
{
    struct following following = {.id = id, .fn = fn, .userdata = userdata};
    struct events_follower follower = {
        .on_event = on_event, .on_connection = on_connection, .userdata = &following};
    char *last_id = NULL, *path = path_of(id, API_JOB_EVENTS);
    int code = events_follow(s, path, &follower, &last_id);
    free(last_id);
    free(path);
    return code;
}

/* ---- simlab log ---- */

static void print_line(const json_t *line)
{
    text_line(stdout, "%lld: %s", (long long)document_integer(line, "member", 0),
              document_string(line, "line", ""));
}

static void print_event(void *options, const json_t *line, const char *data)
{
    const struct options *o = options;
    char *member = text_printf("%lld", (long long)document_integer(line, "member", 0));
    if (!o->member || !strcmp(member, o->member)) {
        if (o->json)
            text_line(stdout, "%s", data);
        else
            print_line(line);
        fflush(stdout);
    }
    free(member);
}

static int print_pages(struct server *s, const struct options *o)
{
    struct options all = *o;
    char *path = path_of(o->operands[0], API_JOB_LOG);
    char *member = o->member ? text_url(o->member) : NULL;
    char *filter = member ? text_printf("&member=%s", member) : text_copy("");
    struct pages p = {.path = path,
                      .filter = filter,
                      .cursor = "after",
                      .key = "lines",
                      .shape = &answer_log,
                      .row = print_line};
    if (!all.limit)
        all.limit = API_LOG_LINES;
    int code = pages_print(s, &all, &p);
    free(filter);
    free(member);
    free(path);
    return code;
}

int log_show(struct server *s, const struct options *o)
{
    return o->follow ? log_follow(s, o->operands[0], print_event, (void *)o) : print_pages(s, o);
}

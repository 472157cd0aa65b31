/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include "client/answer.h"
#include "client/document.h"
#include "client/events.h"
#include "client/options.h"
#include "client/text.h"
#include "client/watch.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

struct profile {
    const char *id;
    bool prints_json, has_lines;
};

static void show_line(struct profile *p, const json_t *d, const char *data)
{
    const char *line = document_string(d, "line", "");
    size_t n = strlen(API_PROFILE_LINE);
    if (strncmp(line, API_PROFILE_LINE, n) != 0)
        return;
    text_line(stdout, "%s", p->prints_json ? data : line + n);
    p->has_lines = true;
}

static int on_event(void *userdata, const char *kind, const char *data)
{
    struct profile *p = userdata;
    if (strcmp(kind, "log") != 0)
        return watch_state_is_final(kind);
    json_t *d = json_loads(data, JSON_DECODE_ANY, NULL);
    char *fault = answer_fault(&answer_event_log, d);
    if (!fault)
        show_line(p, d, data);
    int r = fault ? -1 : 0;
    free(fault);
    json_decref(d);
    return r;
}

static void on_connection(void *userdata, const char *reason)
{
    const struct profile *p = userdata;
    if (reason)
        text_complain("job %s: %s; trying again until it is there", p->id, reason);
}

int profile_show(struct server *s, const struct options *o)
{
    struct profile p = {.id = o->operands[0], .prints_json = o->json};
    struct events_follower follower = {
        .on_event = on_event, .on_connection = on_connection, .userdata = &p};
    char *last_id = NULL, *part = text_url(p.id);
    char *path = text_printf("%s/%s%s", API_JOBS, part, API_JOB_EVENTS);
    int code = events_follow(s, path, &follower, &last_id);
    if (!code && !p.has_lines) {
        text_complain("job %s has no profile: a job is measured that says \"profile\": true", p.id);
        code = API_EXIT_USAGE;
    }
    free(last_id);
    free(path);
    free(part);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/profile_report.h"
#include "worker/run_child_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_trace(struct run_work *w)
{
    json_t *trace = range_runner_trace(w->runner);
    if (w->trace && trace)
        json_array_extend(json_object_get(w->trace, "traceEvents"),
                          json_object_get(trace, "traceEvents"));
    else if (trace)
        w->trace = json_incref(trace);
    json_decref(trace);
}

void run_child_profile_keep(struct run_work *w)
{
    json_t *profile = w->runner ? range_runner_profile(w->runner) : NULL;
    w->profile = profile_report_add(w->profile, profile);
    if (profile && w->child->options->trace)
        keep_trace(w);
    json_decref(profile);
}

static void write_file(const char *path, const char *text, size_t size)
{
    char *temporary = mem_printf("%s.part", path);
    int r = file_replace(path, temporary, text, size, 0666, FILE_SYNC_NONE);
    if (r < 0)
        log_error("cannot write %s: %s", path, strerror(-r));
    free(temporary);
}

static void write_trace(const struct run_work *w)
{
    char *text = json_write(w->trace);
    write_file(w->child->options->trace, text, strlen(text));
    free(text);
}

static void write_graph(const struct run_work *w)
{
    struct buffer text = {0};
    profile_report_graph(w->profile, w->job->model, &text);
    write_file(w->child->options->graph, text.data, text.size);
    buffer_free(&text);
}

void run_child_profile_tell(struct run_work *w)
{
    const struct worker_run_options *o = w->child->options;
    struct buffer text = {0};
    if (!w->profile)
        return;
    if (o->profile) {
        profile_report_text(w->profile, &text);
        fwrite(text.data, 1, text.size, stdout);
        fflush(stdout);
    }
    if (o->trace && w->trace)
        write_trace(w);
    if (o->graph)
        write_graph(w);
    buffer_free(&text);
}

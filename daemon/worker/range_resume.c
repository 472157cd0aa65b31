/* SPDX-License-Identifier: Apache-2.0 */
/* Members that are saved between their steps, and go on from there. */
#include "worker/checkpoint_kept.h"
#include "worker/range_runner_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As many as the daemon keeps of a job. */
enum { LINES_MOST = 10000 };

__attribute__((format(printf, 3, 4))) static void say(const struct range_runner *m, int64_t member,
                                                      const char *format, ...)
{
    char line[sizeof m->e->message + 128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (m->events.log)
        m->events.log(m->events.userdata, member, RANGE_OWN_WORD, line);
}

/* ---- what it has logged ---- */

void range_resume_log(struct range_runner *m, int64_t member, const char *line)
{
    int64_t ordinal = m->n_lines++;
    if (m->checkpoints && ordinal < LINES_MOST)
        buffer_append(&m->lines, line, strlen(line) + 1);
    if (m->events.log)
        m->events.log(m->events.userdata, member, ordinal, line);
}

void range_resume_forget_lines(struct range_runner *m)
{
    m->n_lines = 0;
    buffer_clear(&m->lines);
}

/* Those before the checkpoint: whether all of them were heard is not known here. */
static void say_again(struct range_runner *m, int64_t member)
{
    const char *line = m->saved.lines, *end = line + m->saved.n_lines_bytes;
    range_resume_forget_lines(m);
    for (; line < end; line += strlen(line) + 1)
        range_resume_log(m, member, line);
    m->n_lines = m->saved.n_lines;
}

/* ---- saving and going on ---- */

void range_resume_save(struct range_runner *m, int64_t member, int64_t steps, unsigned what)
{
    struct error e = {.message = ""};
    struct clean_room_pause pause;
    clean_room_pause(m->room, &m->code.imports, &pause);
    const struct checkpoint_lines lines = {m->n_lines, &m->lines};
    int r = checkpoints_save(m->checkpoints, m->simulation, &m->writer, member, steps, what, &lines,
                             &e);
    clean_room_resume(&pause);
    if (r && !m->is_told)
        say(m, member, "there is no checkpoint after step %" PRId64 ": %s", steps, e.message);
    m->is_told = m->is_told || r != 0;
}

void range_resume_prepare(struct range_runner *m)
{
    struct clean_room_pause pause;
    clean_room_pause(m->room, &m->code.imports, &pause);
    checkpoints_prepare(m->checkpoints, m->simulation);
    clean_room_resume(&pause);
}

void range_resume_say_failure(struct range_runner *m, int64_t member)
{
    struct error e = {.message = ""};
    int r = checkpoints_failure(m->checkpoints, &e);
    if (r && !m->is_told)
        say(m, member, "a checkpoint was not saved: %s; the run goes on without it", e.message);
    m->is_told = m->is_told || r != 0;
}

void range_resume_drop(struct range_runner *m)
{
    free(m->memory);
    m->memory = NULL;
    m->is_branch = false;
}

/* 0, with m->saved and m->memory; what has no words is not there. */
static int read_saved(struct range_runner *m, int64_t member, struct error *e)
{
    range_resume_drop(m);
    int r = checkpoints_read(m->checkpoints, member, &m->saved, &m->memory, e);
    if (r)
        return r;
    const struct stage_start start = {.saved = m->saved.state, .n = m->saved.n_state};
    int64_t steps = simulation_saved_steps(m->simulation, &start, e);
    if (steps == m->saved.steps)
        return 0;
    range_resume_drop(m);
    return steps < 0 ? WORKER_REFUSED
                     : error_set(e, WORKER_REFUSED, NULL, "its checkpoint is not what it says");
}

int range_resume_take_up(struct range_runner *m, int64_t member, bool *ret_goes_on, struct error *e)
{
    struct error why = {.message = ""};
    int r = m->memory && m->saved.member == member ? 0 : read_saved(m, member, &why);
    bool was_there = r == 0;
    if (r == 0)
        r = output_writer_restore(&m->writer, member, m->saved.outputs, m->saved.n_outputs, &why);
    *ret_goes_on = r == 0;
    if (r == 0)
        say_again(m, member);
    if (r == 0)
        say(m, member, "it goes on after step %" PRId64 ", from its checkpoint", m->saved.steps);
    else if (r != -ENOENT)
        say(m, member, "it runs from its start: %s", why.message);
    if (r != 0 && was_there)
        return output_writer_forget(&m->writer, member, e);
    return 0;
}

int range_resume_branch(struct range_runner *m, int64_t member, struct error *e)
{
    const struct job_from *from = &m->job->from;
    struct error why = {.message = ""};
    range_resume_drop(m);
    int r = m->where.from ? checkpoint_kept_read(m->job, m->where.from,
                                                 from->member < 0 ? member : from->member,
                                                 &m->saved, &m->memory, &why)
                          : error_set(&why, WORKER_REFUSED, NULL, "nobody knows where it is");
    m->is_branch = r == 0;
    return r == 0 ? 0
                  : error_set(e, STAGE_FAILED, NULL,
                              "the checkpoint that it starts from cannot be used: %s", why.message);
}

bool range_resume_join(struct range_runner *m)
{
    struct error e = {.message = ""};
    struct job_store there = m->where;
    there.layout = "{}";
    int r = read_saved(m, m->where.first, &e);
    json_t *shown =
        r == 0 ? output_writer_saved_layout(m->saved.outputs, m->saved.n_outputs) : NULL;
    if (r == 0 && !shown)
        r = error_set(&e, WORKER_REFUSED, NULL, "its checkpoint is of another layout");
    if (r == 0)
        r = job_store_open(&there, &m->store, &e);
    if (r == 0)
        r = output_writer_join(&m->writer, m->job, m->store, shown, &e);
    json_decref(shown);
    if (r == 0)
        return true;
    if (r != -ENOENT)
        say(m, m->where.first, "it runs from its start: %s", e.message);
    output_writer_close(&m->writer);
    m->store = store_close(m->store);
    range_resume_drop(m);
    return false;
}

bool range_resume_is_asked(const struct job *job)
{
    const struct job_checkpoint *c = &job->checkpoint;
    return c->steps > 0 || c->seconds > 0 || c->n_keep > 0;
}

int range_resume_open(struct range_runner *m, struct error *e)
{
    if (!range_resume_is_asked(m->job))
        return 0;
    return checkpoints_new(m->job, m->where.path, !m->where.is_unsynced, &m->checkpoints, e);
}

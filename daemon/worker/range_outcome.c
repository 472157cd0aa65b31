/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of members that have ended: what they saved is stored or forgotten, and told. */
#include "worker/range_runner_parts.h"

#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "stage/rest.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REPORT_MS = 250 };

/* Members up to `end`, less those that failed, in as few ranges as there are. */
static int say_done(struct range_runner *m, int64_t end)
{
    while (m->reported < end) {
        bool gap = m->n_passed < m->n_failed && m->failed[m->n_passed] < end;
        int64_t upto = gap ? m->failed[m->n_passed] : end;
        int r = upto > m->reported ? m->events.done(m->events.userdata, m->reported, upto) : 0;
        if (r)
            return r;
        for (int64_t member = m->reported; m->checkpoints && member < upto; member++)
            checkpoints_remove(m->checkpoints, member);
        m->reported = gap ? upto + 1 : upto;
        m->n_passed += gap;
    }
    m->writer.done = m->reported;
    return 0;
}

void range_outcome_set_aside(struct range_runner *m, int64_t began)
{
    if (began)
        m->aside += (double)(rest_now() - began) * 1e-9;
}

static int sync_store(struct range_runner *m)
{
    int64_t began = rest_now();
    int r = m->where.is_unsynced ? 0 : worker_result_of_store(store_sync(m->store, m->e));
    range_outcome_set_aside(m, began);
    return r;
}

/* Members are done when their chunks are on the disk: syncfs tells. It costs the same for one
 * member and for thousands, so it waits a moment, or for the end of the range. */
int range_outcome_report(struct range_runner *m, int64_t written)
{
    if (!m->events.done || m->reported >= written)
        return 0;
    if (written < m->end && loop_now() - m->reported_at < REPORT_MS)
        return 0;
    int r = sync_store(m);
    m->reported_at = loop_now();
    return r ? r : say_done(m, written);
}

/* The first to succeed has shown the outputs' sizes. What is said is on the disk: an index variable
 * is written by this member only. */
static int say_layout(struct range_runner *m, int64_t member)
{
    if (!m->writer.proposes)
        return 0;
    m->writer.proposes = false;
    int64_t began = rest_now();
    int r = worker_result_of_store(store_consolidate(m->store, m->e));
    range_outcome_set_aside(m, began);
    r = r ? r : sync_store(m);
    if (r)
        return r;
    store_join(m->store);
    if (!m->events.layout)
        return 0;
    char *text = json_canonical(m->writer.layout);
    r = m->events.layout(m->events.userdata, member, text);
    free(text);
    return r;
}

static void add_failed(struct range_runner *m, int64_t member)
{
    size_t at = m->n_failed++;
    m->failed = mem_resize(m->failed, m->n_failed, sizeof *m->failed);
    for (; at > 0 && m->failed[at - 1] > member; at--)
        m->failed[at] = m->failed[at - 1];
    m->failed[at] = member;
}

bool range_outcome_has_failed(const struct range_runner *m, int64_t member)
{
    for (size_t i = m->n_failed; i > 0 && m->failed[i - 1] >= member; i--)
        if (m->failed[i - 1] == member)
            return true;
    return false;
}

static int fail_member(struct range_runner *m, int64_t member, struct error *e)
{
    struct error why = *e;
    error_clear(e);
    add_failed(m, member);
    int r = m->is_ahead ? 0 : output_writer_forget(&m->writer, member, e);
    if (r == 0 && m->events.failed)
        r = m->events.failed(m->events.userdata, member, &why);
    if (r == 0 && m->checkpoints)
        checkpoints_remove(m->checkpoints, member);
    return r;
}

void range_outcome_end_early(struct range_runner *m, int64_t member, struct error *why)
{
    m->end = member + 1;
    output_writer_end(&m->writer, m->end);
    error_set(why, WORKER_RENEW, NULL, "after member %" PRId64 ": %s", member, why->message);
}

bool range_outcome_may_print(const struct range_runner *m)
{
    return m->code.imports.reach & (REACH_OUTPUT | REACH_FILES | REACH_ELSEWHERE);
}

/* The member is to run again, once what it saves beyond the layout has been decided: the range ends
 * before it. */
static int ask_layout(struct range_runner *m, int64_t member, struct error *e)
{
    char *text = json_canonical(m->writer.late);
    int64_t written;
    int r = output_writer_forget(&m->writer, member, e);
    m->end = member;
    output_writer_end(&m->writer, member);
    if (r == 0 && member > m->begin)
        r = output_writer_write(&m->writer, member - 1, &written, e);
    if (r == 0 && member > m->begin)
        r = range_outcome_report(m, written);
    if (r == 0)
        r = m->events.late(m->events.userdata, member, text);
    free(text);
    return r ? r
             : error_set(e, WORKER_LAYOUT, NULL,
                         "member %" PRId64 " saves what no member before it has saved", member);
}

/* What a member has saved is stored. */
static int keep_member(struct range_runner *m, int64_t member, struct error *e)
{
    if (json_object_size(m->writer.late) > 0)
        return ask_layout(m, member, e);
    int r = output_writer_keep(&m->writer, member, e);
    return r ? r : say_layout(m, member);
}

/* The member has ended, and there is no layout yet. */
static int hold_member(struct range_runner *m, int64_t member, int r, struct error *e)
{
    if (r == STAGE_FAILED) {
        held_outputs_forget(&m->held, member);
        r = fail_member(m, member, e);
    } else if (r == 0) {
        m->n_well++;
    }
    m->run = member + 1;
    return r;
}

int range_outcome_put_away(struct range_runner *m, int64_t member, int r, struct error *e)
{
    int64_t written;
    if (m->is_ahead)
        return hold_member(m, member, r, e);
    if (r == STAGE_FAILED)
        r = m->writer.is_broken ? WORKER_STORE : fail_member(m, member, e);
    else if (r == 0)
        r = keep_member(m, member, e);
    if (r == 0)
        r = output_writer_write(&m->writer, member, &written, e);
    return r ? r : range_outcome_report(m, written);
}

void range_outcome_abandon(struct range_runner *m, int64_t member, const struct error *failure)
{
    struct error why = {.message = "it asked for more memory than there can be"};
    clean_room_leave(m->room, &m->code.imports, &(struct error){.message = ""});
    if (m->events.end)
        m->events.end(m->events.userdata, member, range_outcome_may_print(m));
    range_outcome_end_early(m, member, &why);
    *m->e = *failure;
    range_outcome_put_away(m, member, STAGE_FAILED,
                           m->e); /* a failure of the store will be found by others */
    m->events.abandon(m->events.userdata, &why);
}

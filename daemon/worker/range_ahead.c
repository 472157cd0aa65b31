/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner has held while it was ahead of the layout. */
#include "stage/rest.h"
#include "worker/range_runner_parts.h"

#include <errno.h>

/* Puts what is held of a member from *at on. */
static int put_held(struct range_runner *m, int64_t member, size_t *at, struct error *e)
{
    int r = 0;
    for (; *at < m->held.n && m->held.values[*at].member == member; ++*at) {
        const struct held_value *v = &m->held.values[*at];
        if (r == 0)
            r = output_writer_put(&m->writer, member, v->output, v->at, &v->view, e);
    }
    return r;
}

static int put_away_held(struct range_runner *m, int64_t member, size_t *at, struct error *e)
{
    int64_t written;
    if (!range_outcome_has_failed(m, member)) {
        int r = put_held(m, member, at, e);
        return range_outcome_put_away(m, member, r > 0 ? STAGE_FAILED : r, e);
    }
    int r = output_writer_write(&m->writer, member, &written, e);
    return r ? r : range_outcome_report(m, written);
}

/* What was held goes the way of all outputs: that of members which have ended, and of the one that
 * runs (-1: none does), which alone may fail by it here. */
static int put_all_held(struct range_runner *m, int64_t running, struct error *e)
{
    size_t at = 0;
    for (int64_t member = m->begin; member < m->run && m->ended == 0; member++)
        m->ended = put_away_held(m, member, &at, e);
    if (m->ended != 0)
        m->why = *e;
    int r = m->ended == 0 && running >= 0 ? put_held(m, running, &at, e) : m->ended;
    held_outputs_clear(&m->held);
    return r;
}

/* The layout is known. */
static int catch_up(struct range_runner *m, int64_t member, struct error *e)
{
    int r = range_store_open(m, e);
    if (member < 0)
        lead_settle(m->lead, m->room);
    if (r == 0)
        r = range_store_fill(m, e);
    if (r == 0) {
        m->e = e;
        output_writer_begin(&m->writer, m->begin, m->end);
        return put_all_held(m, member, e);
    }
    m->ended = r;
    m->why = *e;
    return r;
}

/* To open the store, and to write to chunks that others write to now, is no measure of members. */
int range_ahead_settle(struct range_runner *m, int64_t member, bool waits, struct error *e)
{
    const char *layout = NULL;
    if (!m->is_ahead)
        return 0;
    int r = m->events.await(m->events.userdata, member, waits, &layout);
    if (r == -EAGAIN)
        return 0;
    if (r) {
        m->ended = r;
        m->why = *e;
        return r;
    }
    m->is_ahead = false;
    m->where.layout = layout;
    int64_t began = rest_now();
    double aside = m->aside;
    r = catch_up(m, member, e);
    m->aside = aside; /* what is aside of it is in the whole */
    range_outcome_set_aside(m, began);
    return r;
}

int range_ahead_put(struct range_runner *m, int64_t member, int output, int64_t at,
                    const struct simlab_view *view)
{
    if (m->is_ahead && held_outputs_put(&m->held, member, output, at, view))
        return 0;
    int r = range_ahead_settle(m, member, true, m->e);
    if (r)
        return r;
    int64_t began = m->writer.proposes ? rest_now() : 0;
    r = output_writer_put(&m->writer, member, output, at, view, m->e);
    range_outcome_set_aside(m, began);
    return r;
}

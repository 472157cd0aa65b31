/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of a local run tells the one above it. */
#include "base/log.h"
#include "base/mem.h"
#include "model/job.h"
#include "worker/run_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_heard_facts(struct run *run)
{
    const struct run_facts *f = run->child.facts;
    if (!run->child.ledger.left && f->is_known)
        run_ledger_start(&run->child.ledger, f->n_members);
}

static void say_end(struct run *run, enum said said, const char *reason)
{
    run->said = said;
    snprintf(run->reason, sizeof run->reason, "%s", reason);
}

/* The job is known to be right. */
static void start_helpers(struct run *run)
{
    const int ours[] = {run->channel.fd, run->signals, run->journal.fd, -1};
    int n = run->child.facts->n_helpers;
    if (n > 0 && n < JOB_MOST_LANES)
        run_helpers_start(&run->helpers, n, &run->child, &run->mask, ours);
}

static void say_unnoted(struct run *run, const char *why)
{
    if (!run->is_unnoted)
        log_warning("its journal cannot be written: %s. The run goes on; if all of it is killed, "
                    "what is done from now on is done again",
                    why);
    run->is_unnoted = true;
    run_journal_close(&run->journal);
}

void run_heard_note(struct run *run, const struct wire_message *m)
{
    int r = run_journal_add(&run->journal, m);
    if (r < 0)
        say_unnoted(run, strerror(-r));
}

/* The first process has made it. A short run may have ended, and it with that. */
static void open_journal(struct run *run)
{
    struct error e = {.message = ""};
    int r = run->journal.fd < 0 ? run_journal_open(&run->journal, run->store, &e) : 0;
    if (r != 0 && r != -ENOENT)
        say_unnoted(run, e.message);
}

/* What becomes of members: also as a journal tells it. */
void run_heard_keep(void *userdata, const struct wire_message *m)
{
    struct run *run = userdata;
    switch ((int)m->type) {
    case WIRE_LAYOUT:
        free(run->layout);
        run->layout = mem_strdup(m->layout.layout);
        run->child.layout = run->layout;
        break;
    case WIRE_DONE:
        run->losses = 0;
        run_ledger_done(&run->child.ledger, m->done.begin, m->done.end);
        break;
    case WIRE_MEMBER_FAILED:
        run_ledger_dead(&run->child.ledger, m->member_failed.member);
        break;
    default:
        break;
    }
}

static void on_message(struct run *run, const struct wire_message *m)
{
    run_heard_facts(run);
    if (m->type != WIRE_READY)
        run->stalls = 0;
    run_heard_note(run, m);
    run_heard_keep(run, m);
    switch ((int)m->type) {
    case WIRE_READY:
        open_journal(run);
        start_helpers(run);
        break;
    case WIRE_JOB_FAILED:
        say_end(run, SAID_REFUSED, m->job_failed.reason);
        break;
    case WIRE_RELEASE:
        say_end(run, m->release.cause == WIRE_CAUSE_HELPER ? SAID_LOST : SAID_FAILED,
                m->release.reason);
        break;
    case WIRE_FINISH_FAILED:
        say_end(run, SAID_FAILED, m->finish_failed.reason);
        break;
    case WIRE_BYE:
        say_end(run, SAID_GO_ON, m->bye.reason);
        break;
    case WIRE_FINISHED:
        say_end(run, SAID_FINISHED, "");
        break;
    default:
        break;
    }
}

void run_heard_all(struct run *run)
{
    struct wire_message m;
    while (run_channel_next(&run->channel, &m))
        on_message(run, &m);
}

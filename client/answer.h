/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon's answers look like, as proto/openapi.json describes them. An answer is checked
 * before anything of it is used, so that who uses one need not ask: a member that a shape has is of
 * the kind that it says, or absent (null counts as absent) where it is not needed. Members that no
 * shape has are let be: a newer daemon may say more. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

enum answer_kind {
    ANSWER_ANY,
    ANSWER_TRUE,
    ANSWER_TEXT,
    ANSWER_ID,    /* a text: the number of a job, from 1 on */
    ANSWER_COUNT, /* an integer from 0 to ANSWER_COUNT_MAX: sums of some do not overflow */
    ANSWER_NUMBER,
    ANSWER_OBJECT, /* with these members */
    ANSWER_MAP,    /* an object: each of its members is like `each` */
    ANSWER_LIST,   /* each of its items is like `each` */
    ANSWER_TEXT_OR_LIST
};
#define ANSWER_COUNT_MAX ((json_int_t)1 << 53)

struct answer_shape {
    enum answer_kind kind;
    const char *what; /* "a job", for messages */
    const struct answer_member *members;
    const struct answer_shape *each;
};

struct answer_member {
    const char *name; /* NULL ends the list */
    const struct answer_shape *shape;
    bool needed;
};

extern const struct answer_shape answer_job, answer_jobs, answer_members, answer_ranges,
    answer_dry_run, answer_plan, answer_appended,
    answer_model,       /* also one that is no longer valid, or was just made */
    answer_whole_model, /* one that can be run */
    answer_models, answer_workers, answer_module, answer_modules, answer_type, answer_types,
    answer_upload, answer_event_progress, answer_event_log, answer_event, answer_log;

/* NULL where `value` (or NULL: nothing) has the shape; else a new string that says what is wrong:
 * "no job: /state is no text". */
char *answer_fault(const struct answer_shape *shape, const json_t *value);

#endif

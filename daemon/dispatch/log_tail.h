/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines that a worker's members have logged and printed, for those that die. Internal. */
#ifndef DISPATCH_LOG_TAIL_H
#define DISPATCH_LOG_TAIL_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_TAIL_LINES = 64, LOG_TAIL_TOLD = 10, LOG_TAIL_LINE = 200 };

struct log_tail {
    struct log_tail_line {
        int64_t lease, member;
        char *text;
    } lines[LOG_TAIL_LINES]; /* a ring */
    size_t n;                /* so many came */
};

/* One line, or several; each is cut to LOG_TAIL_LINE bytes. */
void log_tail_add(struct log_tail *t, int64_t lease, int64_t member, const char *text);
/* The last LOG_TAIL_TOLD lines of that member: a JSON list of texts, a new string; NULL: none. */
char *log_tail_of(const struct log_tail *t, int64_t lease, int64_t member);
void log_tail_clear(struct log_tail *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/log_tail.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void add_line(struct log_tail *t, int64_t lease, int64_t member, const char *text, size_t n)
{
    char shown[LOG_TAIL_LINE];
    struct log_tail_line *line = &t->lines[t->n++ % LOG_TAIL_LINES];
    text_printable(text, n, shown, sizeof shown);
    free(line->text);
    *line = (struct log_tail_line){lease, member, mem_strdup(shown)};
}

void log_tail_add(struct log_tail *t, int64_t lease, int64_t member, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (n > 0)
            add_line(t, lease, member, text, n);
        text += n + (text[n] == '\n');
    }
}

char *log_tail_of(const struct log_tail *t, int64_t lease, int64_t member)
{
    json_t *list = json_array();
    size_t first = t->n > LOG_TAIL_LINES ? t->n - LOG_TAIL_LINES : 0;
    for (size_t i = t->n; i-- > first && json_array_size(list) < LOG_TAIL_TOLD;) {
        const struct log_tail_line *line = &t->lines[i % LOG_TAIL_LINES];
        if (line->lease == lease && line->member == member)
            json_array_insert_new(list, 0, json_string(line->text));
    }
    char *text = json_array_size(list) > 0 ? json_write(list) : NULL;
    json_decref(list);
    return text;
}

void log_tail_clear(struct log_tail *t)
{
    for (size_t i = 0; i < LOG_TAIL_LINES; i++)
        free(t->lines[i].text);
    *t = (struct log_tail){0};
}

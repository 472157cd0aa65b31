/* SPDX-License-Identifier: Apache-2.0 */
#include "client/members.h"

#include "client/document.h"
#include "client/options.h"
#include "client/pages.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>

static void print_number(const json_t *item, const char *key, int width)
{
    char *number = text_printf("%lld", (long long)document_integer(item, key, 0));
    text_put_padded(stdout, number, width);
    free(number);
}

static void print_dead(const json_t *member)
{
    size_t i;
    json_t *line;
    print_number(member, "member", 10);
    print_number(member, "attempts", 10);
    text_put_padded(stdout, document_string(member, "cause", "unknown"), 9);
    text_line(stdout, "%s", document_string(member, "reason", ""));
    json_array_foreach(json_object_get(member, "log"), i, line)
    {
        text_line(stdout, "%29s| %s", "", json_string_value(line));
    }
}

static void print_range(const json_t *range)
{
    json_int_t begin = document_integer(range, "begin", 0), end = document_integer(range, "end", 0);
    char *last = text_printf("%lld", (long long)end - 1);
    char *count = text_printf("%lld", (long long)(end - begin));
    print_number(range, "begin", 10);
    text_put_padded(stdout, last, 10);
    text_put_padded(stdout, count, 10);
    const char *next_try = document_string(range, "next_try", NULL);
    if (next_try)
        text_line(stdout, "%s after attempt %lld, tried again at %s",
                  document_string(range, "state", ""),
                  (long long)document_integer(range, "attempts", 0), next_try);
    else
        text_line(stdout, "%s", document_string(range, "state", ""));
    free(last);
    free(count);
}

int members_list(struct server *s, const struct options *o)
{
    char *part = text_url(o->operands[0]);
    char *path = text_printf("%s/%s%s", API_JOBS, part, o->dead ? API_JOB_MEMBERS : API_JOB_RANGES);
    struct pages dead = {.cursor = "after",
                         .key = "members",
                         .shape = &answer_members,
                         .title = "MEMBER    ATTEMPTS  CAUSE    REASON",
                         .row = print_dead};
    struct pages all = {.cursor = "from",
                        .key = "ranges",
                        .shape = &answer_ranges,
                        .title = "FIRST     LAST      MEMBERS   STATE",
                        .row = print_range};
    struct pages *p = o->dead ? &dead : &all;
    char *where = o->where ? text_url(o->where) : NULL;
    char *filter = text_printf("%s%s", where ? "&where=" : "", where ? where : "");
    p->path = path;
    p->filter = filter;
    int code = pages_print(s, o, p);
    free(filter);
    free(where);
    free(path);
    free(part);
    return code;
}

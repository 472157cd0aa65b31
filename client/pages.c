/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pages.h"

#include "client/document.h"
#include "client/text.h"
#include "proto/api.h"

#include <errno.h>
#include <stdlib.h>

static int read_limit(const char *text, long *ret_limit)
{
    char *end;
    if (!text) {
        *ret_limit = API_LIMIT_DEFAULT;
        return 0;
    }
    errno = 0;
    long limit = strtol(text, &end, 10);
    if (errno || *end || end == text || limit < 1) {
        text_complain("--limit %s: it should be a number from 1 on", text);
        return API_EXIT_USAGE;
    }
    *ret_limit = limit;
    return 0;
}

static char *path_of(const struct pages *p, long limit, const char *cursor)
{
    char *part = cursor ? text_url(cursor) : NULL;
    char *path = text_printf(
        "%s?limit=%ld%s%s%s%s%s", p->path, limit < API_LIMIT_MAX ? limit : API_LIMIT_MAX, p->filter,
        part ? "&" : "", part ? p->cursor : "", part ? "=" : "", part ? part : "");
    free(part);
    return path;
}

/* Prints one page, the first (not *any) under the title; ret_cursor: where to go on (free), or
 * NULL. */
static int print_page(struct server *s, const struct pages *p, const char *path, bool *any,
                      long *left, char **ret_cursor)
{
    json_t *page, *item;
    size_t i;
    int code = request_get(s, path, p->shape, &page);
    if (code)
        return code;
    if (!*any && p->title)
        text_line(stdout, "%s", p->title);
    *any = true;
    json_t *items = json_object_get(page, p->key), *next = json_object_get(page, "next");
    json_array_foreach(items, i, item)
    {
        p->row(item);
    }
    *left -= (long)json_array_size(items);
    bool more = next && !json_is_null(next); /* also of a page on which there was nothing to show */
    *ret_cursor = !more                   ? NULL
                  : json_is_integer(next) ? text_printf("%lld", (long long)json_integer_value(next))
                                          : text_copy(json_string_value(next));
    json_decref(page);
    return 0;
}

int pages_print(struct server *s, const struct options *o, const struct pages *p)
{
    long left;
    char *cursor = NULL;
    int code = read_limit(o->limit, &left);
    if (!code && o->json) {
        char *path = path_of(p, left, NULL);
        code =
            request_print(s, &(struct request){.method = "GET", .path = path, .shape = p->shape});
        free(path);
        return code;
    }
    bool any = false;
    while (!code && left > 0) {
        char *path = path_of(p, left, cursor);
        free(cursor);
        cursor = NULL;
        code = print_page(s, p, path, &any, &left, &cursor);
        free(path);
        if (!cursor)
            break;
    }
    if (cursor)
        text_complain("there are more; --limit N shows N of them");
    free(cursor);
    return code;
}

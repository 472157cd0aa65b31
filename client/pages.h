/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, which the daemon gives in pages. */
#ifndef CLIENT_PAGES_H
#define CLIENT_PAGES_H

#include "client/options.h"
#include "client/request.h"

struct pages {
    const char *path;                 /* of the list */
    const char *filter;               /* "&state=running", encoded, or "" */
    const char *cursor;               /* the query's name for where to go on */
    const char *key;                  /* the answer's member that is the list */
    const char *title;                /* line of column heads, or NULL */
    const struct answer_shape *shape; /* of a page */
    void (*row)(const json_t *item);
};

/* Prints the newest or first items, --limit or API_LIMIT_DEFAULT of them, with as many requests as
 * that takes; with --json one page as it is. Says on standard error where more are there. */
int pages_print(struct server *s, const struct options *o, const struct pages *p);

#endif

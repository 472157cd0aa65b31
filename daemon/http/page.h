/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists: {name: [items…], "next": what to ask for the page after with}. Bounded by number
 * (?limit=) and by bytes. */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdbool.h>

struct request;

enum { PAGE_BYTES = 1024 * 1024 }; /* no more items are added beyond that */

struct page {
    struct buffer text;
    int n, limit;
    bool is_full;
    json_t *next;
};

void page_begin(struct page *p, const char *name, int limit);
/* Takes the item, and `next`: what asks for those that come after it. Whether there is room for
 * more. */
bool page_add(struct page *p, json_t *item, json_t *next);
/* It ends here, though it may have room: `next` (taken) asks for what comes after. */
void page_end(struct page *p, json_t *next);
/* The page is the request's answer, or (page_drop) is not. */
void page_reply(struct request *r, struct page *p);
void page_drop(struct page *p);

#endif

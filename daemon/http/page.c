/* SPDX-License-Identifier: Apache-2.0 */
#include "http/page.h"

#include "base/json.h"
#include "http/reply.h"
#include "http/request.h"

#include <stdlib.h>

void page_begin(struct page *p, const char *name, int limit)
{
    *p = (struct page){.limit = limit};
    buffer_printf(&p->text, "{\"%s\":[", name);
}

static void append(struct page *p, const json_t *value)
{
    char *text = json_show(value);
    buffer_text(&p->text, text);
    free(text);
}

bool page_add(struct page *p, json_t *item, json_t *next)
{
    if (p->n > 0)
        buffer_text(&p->text, ",");
    append(p, item);
    json_decref(item);
    json_decref(p->next);
    p->next = next;
    p->n++;
    p->is_full = p->n >= p->limit || p->text.size >= PAGE_BYTES;
    return !p->is_full;
}

void page_end(struct page *p, json_t *next)
{
    p->is_full = true;
    json_decref(p->next);
    p->next = next;
}

void page_reply(struct request *r, struct page *p)
{
    buffer_text(&p->text, "]");
    if (p->is_full) {
        buffer_text(&p->text, ",\"next\":");
        append(p, p->next);
    }
    buffer_text(&p->text, "}");
    reply_text(r, MHD_HTTP_OK, API_JSON, buffer_take(&p->text));
    page_drop(p);
}

void page_drop(struct page *p)
{
    buffer_free(&p->text);
    json_decref(p->next);
    p->next = NULL;
}

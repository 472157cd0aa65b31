/* SPDX-License-Identifier: Apache-2.0 */
#include "http/answers.h"

#include "base/mem.h"
#include "http/reply.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

static void unlink_answer(struct answers *a, struct answer *x)
{
    if (x->previous)
        x->previous->next = x->next;
    else
        a->list = x->next;
    if (x->next)
        x->next->previous = x->previous;
    x->previous = x->next = NULL;
}

static void put_first(struct answers *a, struct answer *x)
{
    x->next = a->list;
    if (a->list)
        a->list->previous = x;
    a->list = x;
}

static void remove_answer(struct answers *a, struct answer *x)
{
    unlink_answer(a, x);
    a->bytes -= x->bytes;
    a->n_files -= x->bytes == 0;
    MHD_destroy_response(x->response);
    free(x->key);
    free(x);
}

/* The one that nobody reads, and that was asked for longest ago. */
static struct answer *idle(const struct answers *a, bool is_file)
{
    struct answer *found = NULL;
    for (struct answer *x = a->list; x; x = x->next)
        if (x->readers == 0 && (x->bytes == 0) == is_file)
            found = x;
    return found;
}

static bool make_room(struct answers *a, size_t bytes)
{
    bool is_file = bytes == 0;
    while (is_file ? a->n_files >= ANSWERS_FILES : bytes > a->budget - a->bytes) {
        struct answer *x = idle(a, is_file);
        if (!x)
            return false;
        remove_answer(a, x);
    }
    return true;
}

struct answer *answers_find(struct answers *a, const char *key)
{
    for (struct answer *x = a->list; x; x = x->next) {
        if (!x->key || strcmp(x->key, key) != 0)
            continue;
        unlink_answer(a, x);
        put_first(a, x);
        x->readers++;
        return x;
    }
    return NULL;
}

static struct answer *add(struct answers *a, const char *key, struct MHD_Response *response,
                          size_t bytes, const char *type)
{
    mem_assert(response);
    reply_headers(response, type);
    struct answer *x = mem_new(sizeof *x);
    x->key = mem_strdup(key);
    x->response = response;
    x->bytes = bytes;
    x->readers = 1;
    a->bytes += bytes;
    a->n_files += bytes == 0;
    put_first(a, x);
    return x;
}

struct answer *answers_add_text(struct answers *a, const char *key, char *text, size_t n,
                                const char *type)
{
    mem_assert(n > 0);
    if (!make_room(a, n))
        return NULL;
    return add(a, key, MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE), n, type);
}

struct answer *answers_add_file(struct answers *a, const char *key, int fd, size_t n,
                                const char *type)
{
    if (!make_room(a, 0))
        return NULL;
    return add(a, key, MHD_create_response_from_fd64(n, fd), 0, type);
}

void answers_release(struct answers *a, struct answer *answer)
{
    if (--answer->readers == 0 && !answer->key)
        remove_answer(a, answer);
}

void answers_forget(struct answers *a)
{
    for (struct answer *x = a->list, *next; x; x = next) {
        next = x->next;
        free(x->key);
        x->key = NULL;
        if (x->readers == 0)
            remove_answer(a, x);
    }
}

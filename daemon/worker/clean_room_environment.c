/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clean_room_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_same(const struct environment *e)
{
    size_t i = 0;
    while (environ && environ[i] && i < e->n && !strcmp(environ[i], e->noted[i]))
        i++;
    return i == e->n && (!environ || !environ[i]);
}

static bool is_in_use(const char *text)
{
    for (size_t i = 0; environ && environ[i]; i++)
        if (environ[i] == text)
            return true;
    return false;
}

/* The copy that was given for this text before, or NULL. */
static char *take_given(struct environment *e, size_t at, const char *text)
{
    for (size_t i = 0; i < e->n; i++) {
        size_t k = (at + i) % e->n; /* it mostly stands where it stood */
        if (!e->given[k] || strcmp(e->noted[k], text) != 0)
            continue;
        char *given = e->given[k];
        e->given[k] = NULL;
        return given;
    }
    return NULL;
}

void environment_note(struct environment *e)
{
    if (e->noted && is_same(e))
        return;
    struct environment next = {0};
    while (environ && environ[next.n])
        next.n++;
    next.noted = mem_array(next.n, sizeof *next.noted);
    next.given = mem_array(next.n, sizeof *next.given);
    for (size_t i = 0; i < next.n; i++) {
        next.noted[i] = mem_strdup(environ[i]);
        next.given[i] = take_given(e, i, environ[i]);
    }
    environment_clear(e);
    *e = next;
}

bool environment_put_back(struct environment *e)
{
    if (is_same(e))
        return true;
    bool ok = clearenv() == 0;
    for (size_t i = 0; i < e->n; i++) {
        if (e->given[i])
            memcpy(e->given[i], e->noted[i], strlen(e->noted[i]) + 1);
        else
            e->given[i] = mem_strdup(e->noted[i]);
        ok = putenv(e->given[i]) == 0 && ok;
    }
    return ok;
}

void environment_clear(struct environment *e)
{
    for (size_t i = 0; i < e->n; i++) {
        free(e->noted[i]);
        if (!is_in_use(e->given[i]))
            free(e->given[i]);
    }
    free(e->noted);
    free(e->given);
    *e = (struct environment){0};
}

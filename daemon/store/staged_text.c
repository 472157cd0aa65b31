/* SPDX-License-Identifier: Apache-2.0 */
/* What is staged, from one process to the next: a line "ROW INDEX… /ARRAY" for each file, where ROW
 * is "-" in an array without rows. */
#include "store/staging.h"

#include "store/array.h"
#include "store/chunk.h"
#include "store/chunk_selection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void store_staged_text(const struct store *s, struct buffer *ret)
{
    for (size_t i = 0; i < s->n_staged; i++) {
        const struct staged *g = &s->staged[i];
        if (g->has_rows)
            buffer_printf(ret, "%" PRId64 " ", g->row);
        else
            buffer_text(ret, "- ");
        for (int d = 0; d < g->array->meta.ndim; d++)
            buffer_printf(ret, "%" PRId64 " ", g->index[d]);
        buffer_printf(ret, "/%s\n", g->array->name);
    }
}

/* A number and its space. */
static bool read_number(const char **text, int64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoll(*text, &end, 10);
    if (end == *text || *end != ' ' || errno || *ret < 0)
        return false;
    *text = end + 1;
    return true;
}

/* No array's name has a slash. */
static int read_line(struct store *s, char *line, struct staged *ret, struct error *e)
{
    char *name = strchr(line, '/');
    const char *text = line;
    if (!name)
        return error_set(e, STORE_INVALID, NULL, "this is no list of what was staged");
    int r = array_get(s, name + 1, &ret->array, e);
    if (r)
        return r;
    ret->has_rows = *text != '-';
    bool ok = ret->has_rows ? read_number(&text, &ret->row) : *++text == ' ' && text++;
    for (int d = 0; d < ret->array->meta.ndim && ok; d++)
        ok = read_number(&text, &ret->index[d]) && ret->index[d] < INT64_MAX / INT32_MAX;
    return ok && text == name
               ? 0
               : error_set(e, STORE_INVALID, NULL, "this is no list of what was staged");
}

struct looking {
    struct store *s;
    const struct staged *staged;
    struct error *e;
};

static int look(void *userdata, const struct chunk_selection *p)
{
    struct looking *x = userdata;
    const char *path = chunk_staged_name(x->s, x->staged->array, p->key, x->staged->row);
    if (access(path, R_OK | W_OK) == 0)
        return 0;
    return errno == ENOENT
               ? error_set(x->e, STORE_NO_SUCH, NULL, "what was staged of array \"%s\" has gone",
                           x->staged->array->name)
               : chunk_explain(-errno, "look for", x->staged->array, p->key, x->e);
}

static int take(struct store *s, char *line, struct error *e)
{
    struct staged g = {.row = 0};
    int64_t start[SIMLAB_MAX_DIMS] = {0}, one[SIMLAB_MAX_DIMS] = {0};
    int r = read_line(s, line, &g, e);
    for (int d = 0; r == 0 && d < g.array->meta.ndim; d++) {
        one[d] = 1;
        if (__builtin_mul_overflow(g.index[d], g.array->meta.chunks[d], &start[d]))
            return error_set(e, STORE_INVALID, NULL, "this is no list of what was staged");
    }
    struct looking x = {s, &g, e};
    if (r == 0)
        r = chunk_selection_each(g.array, start, one, look, &x);
    if (r == 0)
        staging_add(s, &g);
    return r;
}

int store_take_staged(struct store *s, const char *text, struct error *e)
{
    int r = 0;
    while (*text && r == 0) {
        size_t n = strcspn(text, "\n");
        char *line = strndup(text, n);
        r = line ? take(s, line, e) : -ENOMEM;
        free(line);
        text += n + (text[n] != '\0');
    }
    if (r)
        store_leave_staged(s);
    return r;
}

void store_leave_staged(struct store *s)
{
    s->n_staged = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_parts.h"

#include "base/buffer.h"
#include "base/mem.h"
#include "simlab/process.h"

#include <stdlib.h>
#include <string.h>

enum { DIMS_MAX_NAME = 100 };

struct span {
    const char *text;
    size_t n;
};

static struct span trim(struct span s)
{
    while (s.n && (*s.text == ' ' || *s.text == '\t'))
        s.text++, s.n--;
    while (s.n && (s.text[s.n - 1] == ' ' || s.text[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Cuts off what stands before `separator`; false when nothing is left. */
static bool next_part(struct span *rest, char separator, struct span *ret_part)
{
    if (!rest->text)
        return false;
    const char *end = memchr(rest->text, separator, rest->n);
    size_t n = end ? (size_t)(end - rest->text) : rest->n;
    *ret_part = trim((struct span){rest->text, n});
    *rest = end ? (struct span){end + 1, rest->n - n - 1} : (struct span){NULL, 0};
    return true;
}

static bool name_ok(struct span s)
{
    if (s.n == 0 || s.n > DIMS_MAX_NAME)
        return false;
    if (s.n == strlen(SIMLAB_MAIN_CLOCK) && !memcmp(s.text, SIMLAB_MAIN_CLOCK, s.n))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (s.text[i] <= ' ' || s.text[i] == 0x7f || strchr("()[]{}@/\\\"", s.text[i]))
            return false;
    return s.text[0] != '.';
}

static bool has_name(const struct dims *d, struct span name)
{
    for (int i = 0; i < d->ndim; i++)
        if (strlen(d->names[i]) == name.n && !memcmp(d->names[i], name.text, name.n))
            return true;
    return false;
}

static int add_name(struct dims *d, struct span name, struct error *e)
{
    if (!name_ok(name))
        return error_set(e, MODEL_INVALID, NULL, "dims: \"%.*s\" is no name of a dimension",
                         name.n > 60 ? 60 : (int)name.n, name.text);
    if (d->ndim == SIMLAB_MAX_DIMS)
        return error_set(e, MODEL_INVALID, NULL, "dims: more than %d dimensions", SIMLAB_MAX_DIMS);
    if (has_name(d, name))
        return error_set(e, MODEL_INVALID, NULL, "dims: \"%.*s\" stands twice in one alternative",
                         (int)name.n, name.text);
    d->names[d->ndim++] = mem_printf("%.*s", (int)name.n, name.text);
    return 0;
}

static int parse_one(struct span text, struct dims *d, struct error *e)
{
    if (text.n >= 2 && text.text[0] == '(' && text.text[text.n - 1] == ')')
        text = trim((struct span){text.text + 1, text.n - 2});
    struct span rest = text, name;
    while (text.n && next_part(&rest, ',', &name)) {
        if (name.n == 0 && !rest.text && d->ndim > 0)
            break; /* "(x,)" as in Python */
        int r = add_name(d, name, e);
        if (r)
            return r;
    }
    return 0;
}

int dims_parse(const char *text, int *ret_n, struct dims **ret_dims, struct error *e)
{
    struct dims *all = mem_array(SIMLAB_MAX_DIMS + 1, sizeof *all);
    int n = 0, r = 0;
    struct span rest = {text ? text : "", text ? strlen(text) : 0}, part;
    while (r == 0 && next_part(&rest, '|', &part)) {
        if (n > SIMLAB_MAX_DIMS) {
            r = error_set(e, MODEL_INVALID, NULL, "dims: too many alternatives");
            break;
        }
        struct dims *d = &all[n++];
        r = parse_one(part, d, e);
        for (int i = 0; r == 0 && i < n - 1; i++)
            if (all[i].ndim == d->ndim)
                r = error_set(e, MODEL_INVALID, NULL,
                              "dims: two alternatives of %d dimensions are ambiguous", d->ndim);
    }
    if (r) {
        dims_free(all, n);
        return r;
    }
    *ret_n = n;
    *ret_dims = all;
    return 0;
}

struct dims *dims_free(struct dims *dims, int n)
{
    for (int i = 0; dims && i < n; i++)
        for (int k = 0; k < dims[i].ndim; k++)
            free(dims[i].names[k]);
    free(dims);
    return NULL;
}

static void append_text(struct buffer *b, const struct dims *d)
{
    buffer_text(b, "(");
    for (int i = 0; i < d->ndim; i++)
        buffer_printf(b, "%s%s", i ? ", " : "", d->names[i]);
    buffer_text(b, ")");
}

char *dims_text(const struct dims *d)
{
    return dims_text_all(d, 1);
}

char *dims_text_all(const struct dims *d, int n)
{
    struct buffer b = {0};
    for (int i = 0; i < n; i++) {
        if (i)
            buffer_text(&b, ", ");
        append_text(&b, &d[i]);
    }
    return buffer_take(&b);
}

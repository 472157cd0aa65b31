/* SPDX-License-Identifier: Apache-2.0 */
#include "client/columns.h"

#include "client/text.h"
#include "proto/api.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 1000 };

struct columns {
    const char *name; /* of the file */
    long line;
    const char *names[COLUMNS_MAX];
    json_t *lists[COLUMNS_MAX];
    size_t n;
};

/* ---- fields ---- */

/* The next field of a line, in place: without blanks around it, or without its quotes. *rest is
 * NULL behind the last one. NULL where a quote is not closed. */
static char *next_field(char **rest)
{
    char *field = *rest + strspn(*rest, " \t"), *to = field, *p = field;
    if (*p == '"') {
        for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
            p += *p == '"';
            *to++ = *p;
        }
        if (*p != '"')
            return NULL;
        p++;
        p += strcspn(p, ",");
    } else {
        p += strcspn(p, ",");
        for (to = p; to > field && (to[-1] == ' ' || to[-1] == '\t');)
            to--;
    }
    *rest = *p ? p + 1 : NULL;
    *to = '\0';
    return field;
}

/* A number where it is one, as Python's json.dump or NumPy write it; else a text. */
static json_t *value_of(const char *field)
{
    char *end;
    errno = 0;
    long long integer = strtoll(field, &end, 10);
    if (*field && !*end && errno == 0)
        return json_integer(integer);
    double real = strtod(field, &end);
    if (!*field || *end)
        return json_string(field);
    if (isnan(real))
        return json_string("NaN");
    if (isinf(real))
        return json_string(real > 0 ? "Infinity" : "-Infinity");
    return json_real(real);
}

/* ---- lines ---- */

static int read_names(struct columns *c, char *line)
{
    for (char *rest = line; rest;) {
        char *field = next_field(&rest);
        if (!field || !*field || c->n == COLUMNS_MAX) {
            text_complain("%s:%ld: its first line should name the inputs of its columns", c->name,
                          c->line);
            return API_EXIT_USAGE;
        }
        c->names[c->n] = text_copy(field);
        c->lists[c->n++] = text_need(json_array());
    }
    return 0;
}

static int read_values(struct columns *c, char *line)
{
    size_t n = 0;
    for (char *rest = line; rest; n++) {
        char *field = next_field(&rest);
        json_t *value = field ? value_of(field) : NULL;
        if (!value) {
            text_complain("%s:%ld: field %zu has no closing quote, or is no UTF-8", c->name,
                          c->line, n + 1);
            return API_EXIT_USAGE;
        }
        if (n < c->n)
            json_array_append_new(c->lists[n], value);
        else
            json_decref(value);
    }
    if (n == c->n)
        return 0;
    text_complain("%s:%ld: it has %zu fields, but the first line names %zu inputs", c->name,
                  c->line, n, c->n);
    return API_EXIT_USAGE;
}

static int read_lines(struct columns *c, FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int code = 0;
    while (!code && (n = getline(&line, &room, f)) >= 0) {
        char *text = c->line++ == 0 && !strncmp(line, "\xef\xbb\xbf", 3) ? line + 3 : line;
        text[strcspn(text, "\r\n")] = '\0';
        if (*text)
            code = c->n == 0 ? read_names(c, text) : read_values(c, text);
    }
    if (!code && ferror(f)) {
        text_complain("cannot read %s: %s", c->name, strerror(errno));
        code = API_EXIT_USAGE;
    }
    free(line);
    return code;
}

static int collect(struct columns *c, json_t *inputs)
{
    if (c->n == 0) {
        text_complain("%s is empty: its first line should name inputs", c->name);
        return API_EXIT_USAGE;
    }
    for (size_t i = 0; i < c->n; i++) {
        if (json_object_get(inputs, c->names[i]) ||
            json_object_set(inputs, c->names[i], c->lists[i])) {
            text_complain("%s: the column %s stands twice, or is no UTF-8", c->name, c->names[i]);
            return API_EXIT_USAGE;
        }
    }
    return 0;
}

int columns_read(const char *path, json_t **ret_inputs)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        text_complain("cannot read %s: %s", path, strerror(errno));
        return API_EXIT_USAGE;
    }
    struct columns c = {.name = path};
    json_t *inputs = text_need(json_object());
    int code = read_lines(&c, f);
    code = code ? code : collect(&c, inputs);
    for (size_t i = 0; i < c.n; i++) {
        free((char *)c.names[i]);
        json_decref(c.lists[i]);
    }
    fclose(f);
    if (code)
        json_decref(inputs);
    else
        *ret_inputs = inputs;
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A library whose types are made from its configuration, one a line: "Name number", where the
 * number is whole or not, or "Name @file", where the number is that in the file. Each type gives
 * its variable `value` the number, as i8 or f8, and keeps it in memory of its own; `echo` becomes
 * what is `given`, whatever that is. */
#define _GNU_SOURCE
#include <simlab/process.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE, GIVEN, ECHO, MOST = 20 };

struct made {
    char name[40];
    double number;
    int is_whole;
};

static int initialize(simlab_context *c)
{
    const struct made *made = simlab_userdata(c);
    double **self = simlab_self(c);
    int64_t none = 0;
    void *value = simlab_create(c, VALUE, made->is_whole ? SIMLAB_I8 : SIMLAB_F8, 0, 0, &none);
    *self = malloc(sizeof **self);
    **self = made->number;
    if (made->is_whole)
        *(int64_t *)value = (int64_t)made->number;
    else
        *(double *)value = made->number;
    const struct simlab_view *given = simlab_value(c, GIVEN);
    void *echo =
        simlab_create(c, ECHO, given->dtype, given->dtype == SIMLAB_STR ? given->itemsize : 0,
                      given->ndim, given->shape);
    memcpy(echo, given->data, (size_t)given->size * (size_t)given->itemsize);
    simlab_log(c, "%s is %s with %g", simlab_process_name(c), simlab_type_name(c), made->number);
    return 0;
}

static int finalize(simlab_context *c)
{
    double **self = simlab_self(c);
    free(*self);
    *self = NULL;
    return 0;
}

static const struct simlab_variable variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT, .dtype = SIMLAB_ANY},
    [GIVEN] = {.name = "given", .dtype = SIMLAB_ANY, .dims = "()|x", .default_value = "7"},
    [ECHO] = {.name = "echo", .intent = SIMLAB_OUT, .dtype = SIMLAB_ANY, .dims = "()|x"}};

/* What one opening makes. */
struct opening {
    struct simlab_library library; /* first */
    const struct simlab_process *list[MOST];
    struct simlab_process types[MOST];
    struct made made[MOST];
};

static int read_file(const struct simlab_opening *o, const char *name, char *ret, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", o->directory, name);
    FILE *f = fopen(path, "r");
    char *line = f ? fgets(ret, (int)size, f) : NULL;
    if (f)
        fclose(f);
    return line ? 0 : -1;
}

/* A line is NUL-terminated. */
static int make(const struct simlab_opening *o, char *line, struct made *ret)
{
    char number[100], text[100], *end;
    if (sscanf(line, "%39s %99s", ret->name, number) != 2)
        return -1;
    if (*number == '@' && read_file(o, number + 1, text, sizeof text) < 0)
        return -1;
    ret->number = strtod(*number == '@' ? text : number, &end);
    ret->is_whole = !strchr(*number == '@' ? text : number, '.');
    return *end && *end != '\n' ? -1 : 0;
}

static const struct simlab_library *open_made(const struct simlab_opening *o)
{
    if (!o->configuration)
        return simlab_open_fail(o, "it needs %s.configuration beside it", o->name);
    struct opening *opening = calloc(1, sizeof *opening);
    char *text = strdup(o->configuration), *rest = text, *line;
    int n = 0, bad = 0;
    while (!bad && n < MOST && (line = strsep(&rest, "\n"))) {
        if (!*line)
            continue;
        opening->types[n] = (struct simlab_process){.name = opening->made[n].name,
                                                    SIMLAB_VARIABLES(variables),
                                                    .flags = SIMLAB_PINNED,
                                                    .initialize = initialize,
                                                    .finalize = finalize,
                                                    .instance_size = sizeof(double *),
                                                    .userdata = &opening->made[n]};
        opening->list[n] = &opening->types[n];
        bad = make(o, line, &opening->made[n]) < 0;
        if (bad)
            simlab_open_fail(o, "its configuration says \"%s\": should be a name and a number",
                             line);
        n += !bad;
    }
    free(text);
    opening->library = (struct simlab_library)SIMLAB_LIBRARY_INIT("2", "made", opening->list, n);
    if (bad) {
        free(opening);
        return NULL;
    }
    return &opening->library;
}

static void close_made(const struct simlab_library *opened)
{
    free((void *)opened);
}

SIMLAB_LIBRARY_WITH_OPEN("1", "makes its types from its configuration", open_made, close_made)

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/plan.h"

#include "client/document.h"
#include "client/options.h"
#include "client/submit.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* "12.9 kB"; new strings. */
static char *bytes_words(double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    return text_printf("%.3g %s", bytes, units[unit]);
}

static char *seconds_words(double seconds)
{
    if (seconds < 1e-3)
        return text_printf("%.3g us", seconds * 1e6);
    if (seconds < 1)
        return text_printf("%.3g ms", seconds * 1e3);
    if (seconds < 600)
        return text_printf("%.3g s", seconds);
    return seconds < 36000 ? text_printf("%.3g min", seconds / 60)
                           : text_printf("%.3g h", seconds / 3600);
}

/* "3 x 150" */
static char *extents_words(const json_t *extents)
{
    char *words = text_copy(json_array_size(extents) ? "" : "scalar");
    size_t i;
    json_t *extent;
    json_array_foreach(extents, i, extent)
    {
        char *longer =
            text_printf("%s%s%lld", words, i ? " x " : "", (long long)json_integer_value(extent));
        free(words);
        words = longer;
    }
    return words;
}

static void print_array(const json_t *array)
{
    char *shape = extents_words(json_object_get(array, "shape"));
    char *chunks = extents_words(json_object_get(array, "chunks"));
    char *bytes = bytes_words(number(array, "bytes"));
    char *stored = bytes_words(number(array, "stored_bytes"));
    text_line(stdout, "  %s  %s, %s in chunks of %s: %lld files, %s (stored: %s)",
              document_string(array, "name", "?"), document_string(array, "dtype", "?"), shape,
              chunks, (long long)document_integer(array, "files", 0), bytes, stored);
    free(shape);
    free(chunks);
    free(bytes);
    free(stored);
}

static void print_arrays(const json_t *plan)
{
    size_t i;
    json_t *array, *name;
    puts("outputs:");
    json_array_foreach(json_object_get(plan, "arrays"), i, array)
    {
        if (!strcmp(document_string(array, "role", ""), "output"))
            print_array(array);
    }
    json_array_foreach(json_object_get(plan, "not_saved"), i, name)
    {
        text_line(stdout, "  %s  was not saved by the first member", json_string_value(name));
    }
}

static void print_store(const json_t *plan)
{
    char *bytes = bytes_words(number(plan, "bytes"));
    char *stored = bytes_words(number(plan, "stored_bytes"));
    char *left = bytes_words(number(plan, "free_bytes"));
    text_line(stdout, "files:    %.0f, of %s; stored about %s, and the disk has %s",
              number(plan, "files"), bytes, stored, left);
    free(bytes);
    free(stored);
    free(left);
}

static void print_time(const json_t *plan)
{
    char *set_up = seconds_words(number(plan, "set_up_seconds"));
    char *member = seconds_words(number(plan, "member_seconds"));
    char *all = seconds_words(number(plan, "seconds"));
    bool is_known = json_is_number(json_object_get(plan, "seconds"));
    text_line(stdout, "time:     a member takes %s (%lld were measured), a worker's set-up %s",
              member, (long long)document_integer(plan, "measured_members", 0), set_up);
    if (is_known)
        text_line(stdout, "          all take about %s on the %lld workers that there are for it",
                  all, (long long)document_integer(plan, "workers", 0));
    else
        text_line(stdout, "          there is no worker now");
    free(set_up);
    free(member);
    free(all);
}

static void print_plan(const json_t *plan)
{
    const json_t *worker = json_object_get(plan, "worker");
    char *peak = bytes_words(number(worker, "peak_bytes"));
    char *arena = bytes_words(number(worker, "arena_bytes"));
    size_t i;
    json_t *advice;
    text_line(stdout, "members:  %lld, of %lld steps",
              (long long)document_integer(plan, "members", 0),
              (long long)document_integer(plan, "steps", 0));
    print_store(plan);
    print_time(plan);
    text_line(stdout, "memory:   a worker has %s, of which a member's state is %s", peak, arena);
    print_arrays(plan);
    if (json_array_size(json_object_get(plan, "advice")))
        puts("advice:");
    json_array_foreach(json_object_get(plan, "advice"), i, advice)
    {
        text_line(stdout, "  %s", json_string_value(advice));
    }
    free(peak);
    free(arena);
}

int plan_show(struct server *s, const struct options *o)
{
    struct reply reply;
    int code = submit_plan(s, o, &reply);
    if (o->json)
        reply_print(&reply);
    else if (!code)
        print_plan(reply.json);
    reply_clear(&reply);
    return code;
}

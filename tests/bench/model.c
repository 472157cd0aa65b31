/* SPDX-License-Identifier: Apache-2.0 */
/* A model of 1,000 processes with 10,000 variables, built and ordered: each process gives six
 * variables and reads four of processes before it. Declared in a shuffled order, so that there is
 * something to order. Prints the median in milliseconds, and that of parsing the same definition
 * with jansson, as a measure of the machine. */
#include "model/model.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROCESSES = 1000, GIVEN = 6, READ = 4, RUNS = 21 };

static json_t *variable(const char *name, const char *kind, const char *intent)
{
    return json_pack("{s:s, s:s, s:s}", "name", name, "kind", kind, "intent", intent);
}

static json_t *type(int number)
{
    json_t *variables = json_array();
    char name[32], target[32];
    for (int i = 0; i < GIVEN; i++) {
        snprintf(name, sizeof name, "v%d", i);
        json_array_append_new(variables, variable(name, "variable", "out"));
    }
    for (int i = 0; i < READ; i++) {
        snprintf(name, sizeof name, "r%d", i);
        json_t *v = variable(name, number > 0 ? "foreign" : "variable", number > 0 ? "in" : "out");
        if (number > 0) {
            snprintf(target, sizeof target, "T%d", (number * 31 + i * 97) % number);
            json_object_set_new(v, "type", json_string(target));
            snprintf(target, sizeof target, "v%d", i);
            json_object_set_new(v, "var", json_string(target));
        }
        json_array_append_new(variables, v);
    }
    snprintf(name, sizeof name, "T%d", number);
    return json_pack("{s:s, s:o, s:[s]}", "name", name, "variables", variables, "stages",
                     "run_step");
}

static struct registry *make_registry(void)
{
    json_t *types = json_array();
    for (int i = 0; i < PROCESSES; i++)
        json_array_append_new(types, type(i));
    json_t *document = json_pack("{s:i, s:s, s:o}", "abi", 1, "library", "many", "types", types);
    struct error e = {.message = ""};
    struct registry *r = registry_new();
    mem_assert(registry_add(r, document, &e) == 0);
    registry_finish(r);
    json_decref(document);
    return r;
}

static json_t *make_definition(void)
{
    json_t *processes = json_object();
    char name[32], of[48];
    for (int i = 0; i < PROCESSES; i++) {
        int number = i * 389 % PROCESSES; /* 389 and 1000 have no common factor */
        snprintf(name, sizeof name, "p%d", number);
        snprintf(of, sizeof of, "many.T%d", number);
        json_object_set_new(processes, name, json_string(of));
    }
    return json_pack("{s:o}", "processes", processes);
}

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    struct registry *r = make_registry();
    json_t *definition = make_definition();
    char *text = json_write(definition);
    double built[RUNS], parsed[RUNS];
    for (int i = 0; i < RUNS; i++) {
        struct model *m = NULL;
        struct error e = {.message = ""};
        double began = milliseconds();
        mem_assert(model_new(r, definition, &m, &e) == 0 && m->n_processes == PROCESSES);
        built[i] = milliseconds() - began;
        began = milliseconds();
        json_decref(json_read(text, strlen(text), &e));
        parsed[i] = milliseconds() - began;
        model_free(m);
    }
    qsort(built, RUNS, sizeof *built, by_size);
    qsort(parsed, RUNS, sizeof *parsed, by_size);
    printf("%.3f %.3f\n", built[RUNS / 2], parsed[RUNS / 2]);
    free(text);
    json_decref(definition);
    registry_unref(r);
    return 0;
}

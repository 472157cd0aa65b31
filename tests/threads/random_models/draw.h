/* SPDX-License-Identifier: Apache-2.0 */
/* Random models: what is drawn for one. Part of a program, and of a process library
 * (library.c). */
#ifndef RANDOM_MODELS_DRAW_H
#define RANDOM_MODELS_DRAW_H

#include <simlab/process.h>

#include <stdbool.h>
#include <stdint.h>

enum { MOST_PROCESSES = 40, MOST_READS = 6, STEPS = 4, MEMBERS = 2, LABELS = STEPS + 1 };

/* The rows that every type has, up to those it reads. */
enum { X, IO, ONCE, LAZY, OBJECT, GROUP, FIRST_READ, ROWS = FIRST_READ + MOST_READS };
extern const char *const draw_row_names[FIRST_READ];

struct spec {
    int n_reads;
    int reads[MOST_READS], reads_row[MOST_READS]; /* which process's X, IO, ONCE or LAZY */
    bool has_io, has_once, has_lazy, is_member, is_reader, is_unsafe;
    bool uses_object; /* the first that does sets it */
    bool is_pinned;   /* its instance is a pointer: struct pinned */
    bool is_movable;
    bool loops, draws, logs, has_step, has_finalize_step, resizes;
    int fails_at, breaks_at, continues_at; /* step; -1: never. 100: in initialize */
    uint32_t io_reads, io_writes;
    int after; /* another process; -1 */
};

struct random_model {
    struct spec specs[MOST_PROCESSES];
    int n_processes;
    bool has_hooks, validates;
    int object_setter;  /* -1: none */
    int failing_member; /* of those that fail_at means */
};

/* The one that there is. */
extern struct random_model drawn;

/* Draws model `number`. */
void draw_model(int number);
bool draw_has_row(const struct spec *s, int row);

/* The same numbers after the same model. */
uint64_t draw_chance(void);
int draw_below(int n);
bool draw_one_in(int n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to clean_room*.c: what a process has set, and what it holds. Functions that put back or
 * end something give 0, or CLEAN_ROOM_RENEW with words where they cannot. */
#ifndef WORKER_CLEAN_ROOM_PARTS_H
#define WORKER_CLEAN_ROOM_PARTS_H

#include "base/errors.h"
#include "worker/imports.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* ---- clean_room_signals.c ---- */

enum { N_SIGNALS = 65 };

struct signals {
    struct sigaction actions[N_SIGNALS];
    bool has_action[N_SIGNALS];
    sigset_t mask;
    stack_t stack;
    int timers; /* who they are: /proc/self/timers; -1: some kernels do not tell */
};

void signals_open(struct signals *s);
void signals_close(struct signals *s);

void signals_note(struct signals *s);
/* None comes until signals_put_back. */
bool signals_hold(void);
/* All, of any kind. */
void signals_end_timers(const struct signals *s);
/* Handlers, stack and mask; what is pending is the member's, and goes with it, unless somebody else
 * asks us to end. */
bool signals_put_back(const struct signals *s);

/* ---- clean_room_environment.c ---- */

/* Members may write into the strings of the environment, and libraries keep pointers to them: what
 * is given is a copy, the same one each time. */
struct environment {
    char **noted, **given; /* given: NULL until it was */
    size_t n;
};
void environment_note(struct environment *e);
/* False where it cannot be. */
bool environment_put_back(struct environment *e);
/* What the process uses stays. */
void environment_clear(struct environment *e);

/* ---- clean_room_settings.c: what can be asked for and put back ---- */

struct settings;
struct settings *settings_new(void);
struct settings *settings_free(struct settings *s);
/* Notes how things are. */
void settings_note(struct settings *s);
/* Makes them so again. */
int settings_put_back(struct settings *s, struct error *why);
/* rand(), random() and drand48(), which are the process's: as at a program's start. */
void settings_restart_random(void);
mode_t settings_umask(const struct settings *s);

/* ---- clean_room_descriptors.c ---- */

struct descriptors;
struct descriptors *descriptors_new(void);
struct descriptors *descriptors_free(struct descriptors *d);
void descriptors_note(struct descriptors *d);
int descriptors_check(struct descriptors *d, struct error *why);
/* One that was noted is another file now, by us. */
void descriptors_update(struct descriptors *d, int fd);
/* It is ours, and may be replaced while members run; until the next descriptors_note. */
void descriptors_let_be(struct descriptors *d, int fd);

/* The numbers among the names of a directory of /proc, which is read from its beginning. */
struct numbers {
    int *at;
    size_t n, capacity;
};
/* False where it cannot be read. */
bool numbers_list(int directory, struct numbers *ret);

/* ---- clean_room_leftovers.c: threads, children, files ---- */

struct leftovers;
/* `directory`: the members' own, or NULL; changes into it. `guard`: as of clean_room_new. 0 or
 * -errno. */
int leftovers_new(const char *directory, pid_t guard, struct leftovers **ret_leftovers);
struct leftovers *leftovers_free(struct leftovers *l);
void leftovers_let_be(struct leftovers *l, int fd); /* descriptors_let_be */
/* Notes what there is (`anew`: our own threads may be others than before); ends and removes what
 * came since, for what `imports` can have left. */
void leftovers_note(struct leftovers *l, const struct imports *imports, bool anew);
int leftovers_end(struct leftovers *l, const struct imports *imports, struct error *why);

#endif

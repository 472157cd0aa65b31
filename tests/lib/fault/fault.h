/* SPDX-License-Identifier: Apache-2.0 */
/* Failure as a fixture: the Nth call of a kind fails, or the process dies or stops at it. Loaded
 * before a program's other libraries (LD_PRELOAD), with the path of a page in SIMLAB_FAULT_PAGE;
 * tests/lib/fault_page.py writes that page and reads what came of it. Or linked into a unit test,
 * which calls fault_set.
 *
 * Calls are counted in the page, by all processes that it speaks of together: one fault is one
 * fault, however many workers there are. Nothing is counted where no fault is set.
 *
 * Operations: malloc (and calloc, realloc …), write, read, rename (and link), sync, mkdir, open
 * (also the making of a file), unlink (and rmdir, remove), truncate, mmap, lock, close, fork,
 * thread, sqlite (a step of a statement), send and receive (a message of ZeroMQ). The clock may be
 * set beside (clock_seconds). What takes a
 * descriptor counts for files and directories only. */
#ifndef FAULT_H
#define FAULT_H

#include <stdatomic.h>
#include <stdint.h>

/* How, beside an errno: by a signal of this number, negative, or half of what was to be written. */
enum { FAULT_SHORT = 1000 };

/* As fault_page.py lays it out. Texts end with a NUL; empty ones mean any. */
struct fault_page {
    char operation[16]; /* empty: no fault is set */
    char program[32];   /* its file's name … */
    char role[32];      /* … and first argument, of the processes that are meant */
    char path[256];     /* a part of the path */
    int64_t nth, end;   /* calls nth … end-1 are hit, from 1 */
    int32_t how;
    int32_t pid; /* that was hit first */
    _Atomic int64_t seen, hits;
    char told[256];                /* the path of the first hit */
    _Atomic int64_t clock_seconds; /* that the time of day is set forward, for all programs */
};

/* In this process, which has a page of its own. NULL: none any more. */
void fault_set(const char *operation, int64_t nth, int how);

/* Whether this call is hit: 0, an errno, or FAULT_SHORT. `path` or `fd` is what it is about (NULL
 * and -1 where neither is). Does not return where the fault is to die. */
int fault_hit(const char *operation, const char *path, int fd);

/* Until fault_pass, all of this thread's calls about files are hit. */
void fault_fail_files(int how);
void fault_pass_files(void);

/* How far the clock is set forward. */
int64_t fault_clock_seconds(void);

/* The function of that name of the libraries that come after. */
void *fault_next(const char *name);

#endif

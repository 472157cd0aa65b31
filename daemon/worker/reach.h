/* SPDX-License-Identifier: Apache-2.0 */
/* What can be changed by calling a function, told from its name: a table of those that leave
 * nothing behind in their process but memory, output that was printed, and the floating-point
 * environment (which is always put back), and of those that deal with files or the C library's
 * random numbers only. A name that is missing costs microseconds after each member; one that is
 * there wrongly costs a result. */
#ifndef WORKER_REACH_H
#define WORKER_REACH_H

enum reach {
    REACH_FILES = 1,     /* descriptors, and files in the members' directory */
    REACH_RANDOM = 2,    /* rand(), random(), drand48() */
    REACH_ELSEWHERE = 4, /* anything else */
    REACH_OUTPUT = 8,    /* the standard streams, which files and all else reach, too */
    REACH_END = 16,      /* the process ends, and none of its handlers is called */
    REACH_ALL = 31
};

/* Of a function or object of libc, libstdc++, libgfortran or the loader, without its version. */
unsigned reach_of_name(const char *name);

enum reach_library {
    REACH_OWN,      /* unknown: what it calls counts as the caller's own */
    REACH_BY_NAME,  /* each of its names by itself: libc, libstdc++ … */
    REACH_HARMLESS, /* all that it offers is harmless: libm … */
    REACH_POOL      /* likewise, but it keeps threads of its own: libgomp, BLAS … */
};
/* By its file's name: "libc.so.6". */
enum reach_library reach_of_library(const char *file);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Static variables of process libraries that a member has changed, so that the next one in the
 * worker finds them so: a debug run tells them.
 *
 * What is compared are the sections .data and .bss of each library's file, in memory; variables
 * of its threads, and what it links, are not looked at. Names are those of the file's symbols. A
 * library that cannot be read, or has more than STATICS_BYTES of them, is left out. */
#ifndef WORKER_STATICS_H
#define WORKER_STATICS_H

#include <stddef.h>

#define STATICS_BYTES ((size_t)64 << 20)

struct statics;

struct statics *statics_new(void);
struct statics *statics_free(struct statics *s);

/* Adds the library that `address` lies in, once. */
void statics_add(struct statics *s, const void *address);

/* Before a member: how they are now. */
void statics_keep(struct statics *s);

/* After it. `say` is told of each variable that was changed, in words, once ever: "static variable
 * 'counter' of line.so …". */
void statics_compare(struct statics *s, void (*say)(void *userdata, const char *what),
                     void *userdata);

#endif

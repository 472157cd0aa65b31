/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in directories, as far as the kernel tells (inotify): not on every network's file
 * system, and not within the directories below. */
#ifndef LIBRARY_WATCH_H
#define LIBRARY_WATCH_H

#include "base/loop.h"

#include <stdbool.h>

struct watch;

/* `fn` is called on the loop's thread for what happened to a file: `is_settled` where it was closed
 * after writing, or moved there. `file` is NULL where more happened than can be told. */
typedef void (*watch_fn)(void *userdata, int directory, const char *file, bool is_settled);

/* `directories` (NULL at the end) are borrowed. 0 or -errno. */
int watch_open(struct loop *loop, const char *const *directories, watch_fn fn, void *userdata,
               struct watch **ret_watch);
struct watch *watch_close(struct watch *w);

/* Watches those that could not be watched, or that went and came again. */
void watch_renew(struct watch *w);

#endif

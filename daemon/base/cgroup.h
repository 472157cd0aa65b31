/* SPDX-License-Identifier: Apache-2.0 */
/* What this process's control groups, of version 1 or 2, allow and count. */
#ifndef BASE_CGROUP_H
#define BASE_CGROUP_H

#include <stdint.h>

/* `proc`: "/proc/self", whose files `cgroup` and `mountinfo` tell where the groups are. */

/* Processors by the smallest quota of the group and those above it, rounded up; INT64_MAX where
 * there is none. */
int64_t cgroup_processors(const char *proc);

/* Bytes of memory and swap by the smallest limits of the group and those above it; `swap` is what
 * the machine has, for groups that have no limit of that. INT64_MAX where there is none. */
int64_t cgroup_memory(const char *proc, int64_t swap);

/* How often the kernel has killed a process of the group for want of memory; -1: not known. */
int64_t cgroup_oom_kills(const char *proc);

/* The directory of the group that has that controller for groups below it; the caller's. NULL:
 * there is none. */
char *cgroup_directory(const char *proc, const char *controller);

#endif

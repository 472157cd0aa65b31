/* SPDX-License-Identifier: Apache-2.0 */
/* The system's processes, as /proc tells of them. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>

struct proc {
    pid_t pid, parent, session;
    bool is_zombie; /* dead with all its threads, and not waited for */
};

/* Calls `fn` for each process that there is; those that come or go meanwhile may be missed. 0 or
 * -errno where there is no /proc. */
typedef void (*proc_fn)(void *userdata, const struct proc *p);
int proc_each(proc_fn fn, void *userdata);

/* One of them; false where there is none. */
bool proc_read(pid_t pid, struct proc *ret);

/* False too where we may not look. */
bool proc_has_open(pid_t pid, const struct stat *file);
/* Whether the environment that it was started with has "NAME=value". */
bool proc_has_environment(pid_t pid, const char *assignment);

/* How a child of ours ended. */
struct proc_end {
    int status;                 /* of waitpid */
    const struct rusage *usage; /* of wait4 */
    bool is_asked;              /* we sent the signal */
    bool was_oom;               /* the system killed it for want of memory */
    int64_t memory;             /* bytes of its own that it might have; 0: any number */
};
/* In words, after "its worker": "was killed by signal 6 (Aborted)", "exited with status 3". */
void proc_end_text(const struct proc_end *end, char *ret, size_t size);

#endif

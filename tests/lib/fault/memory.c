/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, processes and threads, with faults. */
#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define CALL(type, name, parameters, arguments, operation, failed)                                 \
    EXPORT type name parameters                                                                    \
    {                                                                                              \
        static type(*next) parameters;                                                             \
        int how = fault_hit(operation, NULL, -1);                                                  \
        if (how) {                                                                                 \
            errno = how;                                                                           \
            return failed;                                                                         \
        }                                                                                          \
        if (!next)                                                                                 \
            next = (type(*) parameters)fault_next(#name);                                          \
        return next arguments;                                                                     \
    }

CALL(void *, malloc, (size_t size), (size), "malloc", NULL)
CALL(void *, calloc, (size_t n, size_t size), (n, size), "malloc", NULL)
CALL(void *, realloc, (void *p, size_t size), (p, size), "malloc", NULL)
CALL(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), "malloc", NULL)
CALL(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), "malloc", NULL)
CALL(int, posix_memalign, (void **p, size_t alignment, size_t size), (p, alignment, size), "malloc",
     how)
CALL(void *, mmap, (void *p, size_t size, int protection, int flags, int fd, off_t at),
     (p, size, protection, flags, fd, at), "mmap", MAP_FAILED)
CALL(void *, mmap64, (void *p, size_t size, int protection, int flags, int fd, off64_t at),
     (p, size, protection, flags, fd, at), "mmap", MAP_FAILED)
CALL(pid_t, fork, (void), (), "fork", -1)
CALL(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (thread, attributes, run, argument), "thread", how)

/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's calls about files, with faults. */
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* TYPE name(PARAMETERS): fails as `operation` about `path` or `fd`, else is the next one. */
#define CALL(type, name, parameters, arguments, operation, path, fd, failed)                       \
    EXPORT type name parameters                                                                    \
    {                                                                                              \
        static type(*next) parameters;                                                             \
        int how = fault_hit(operation, path, fd);                                                  \
        if (how) {                                                                                 \
            errno = how == FAULT_SHORT ? EIO : how;                                                \
            return failed;                                                                         \
        }                                                                                          \
        if (!next)                                                                                 \
            next = (type(*) parameters)fault_next(#name);                                          \
        return next arguments;                                                                     \
    }

#define FD(name, parameters, arguments, operation)                                                 \
    CALL(int, name, parameters, arguments, operation, NULL, fd, -1)
#define PATH(name, parameters, arguments, operation)                                               \
    CALL(int, name, parameters, arguments, operation, path, -1, -1)

/* ---- reading and writing: half is written where that is how ---- */

#define TRANSFER(name, parameters, arguments, operation)                                           \
    EXPORT ssize_t name parameters                                                                 \
    {                                                                                              \
        static ssize_t(*next) parameters;                                                          \
        int how = fault_hit(operation, NULL, fd);                                                  \
        if (how && how != FAULT_SHORT) {                                                           \
            errno = how;                                                                           \
            return -1;                                                                             \
        }                                                                                          \
        if (how && size > 1)                                                                       \
            size /= 2;                                                                             \
        if (!next)                                                                                 \
            next = (ssize_t(*) parameters)fault_next(#name);                                       \
        return next arguments;                                                                     \
    }

TRANSFER(write, (int fd, const void *data, size_t size), (fd, data, size), "write")
TRANSFER(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), "write")
TRANSFER(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at),
         "write")
TRANSFER(read, (int fd, void *data, size_t size), (fd, data, size), "read")
TRANSFER(pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), "read")
TRANSFER(pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at), "read")
CALL(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), "write", NULL, fd, -1)
CALL(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n), "read", NULL, fd, -1)

/* ---- to the disk ---- */

FD(fsync, (int fd), (fd), "sync")
FD(fdatasync, (int fd), (fd), "sync")
FD(syncfs, (int fd), (fd), "sync")
FD(ftruncate, (int fd, off_t size), (fd, size), "truncate")
FD(ftruncate64, (int fd, off64_t size), (fd, size), "truncate")
FD(fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), "truncate")
CALL(int, posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size), "truncate", NULL, fd,
     how)
FD(flock, (int fd, int operation), (fd, operation), "lock")

/* What is closed is closed, whatever it says. */
EXPORT int close(int fd)
{
    static int (*next)(int fd);
    int how = fault_hit("close", NULL, fd);
    if (!next)
        next = (int (*)(int fd))fault_next("close");
    int r = next(fd);
    if (!how)
        return r;
    errno = how == FAULT_SHORT ? EIO : how;
    return -1;
}

/* ---- names ---- */

PATH(rename, (const char *from, const char *path), (from, path), "rename")
PATH(renameat, (int a, const char *from, int b, const char *path), (a, from, b, path), "rename")
PATH(renameat2, (int a, const char *from, int b, const char *path, unsigned flags),
     (a, from, b, path, flags), "rename")
PATH(link, (const char *from, const char *path), (from, path), "rename")
PATH(linkat, (int a, const char *from, int b, const char *path, int flags),
     (a, from, b, path, flags), "rename")
PATH(mkdir, (const char *path, mode_t mode), (path, mode), "mkdir")
PATH(mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), "mkdir")
PATH(unlink, (const char *path), (path), "unlink")
PATH(unlinkat, (int at, const char *path, int flags), (at, path, flags), "unlink")
PATH(rmdir, (const char *path), (path), "unlink")
PATH(remove, (const char *path), (path), "unlink")

/* ---- descriptors ---- */

#define OPEN(name, first, given)                                                                   \
    EXPORT int name first                                                                          \
    {                                                                                              \
        static int(*next) first;                                                                   \
        mode_t mode = 0;                                                                           \
        if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {                               \
            va_list more;                                                                          \
            va_start(more, flags);                                                                 \
            mode = va_arg(more, mode_t);                                                           \
            va_end(more);                                                                          \
        }                                                                                          \
        int how = fault_hit("open", path, -1);                                                     \
        if (how) {                                                                                 \
            errno = how == FAULT_SHORT ? EIO : how;                                                \
            return -1;                                                                             \
        }                                                                                          \
        if (!next)                                                                                 \
            next = (int(*) first)fault_next(#name);                                                \
        return next given;                                                                         \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))
CALL(FILE *, fopen, (const char *path, const char *mode), (path, mode), "open", path, -1, NULL)
CALL(FILE *, fopen64, (const char *path, const char *mode), (path, mode), "open", path, -1, NULL)
CALL(DIR *, opendir, (const char *path), (path), "open", path, -1, NULL)

/* To let a lock go never fails. */
static bool locks(int command, const void *argument)
{
    return (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
            command == F_OFD_SETLKW) &&
           ((const struct flock *)argument)->l_type != F_UNLCK;
}

#define FCNTL(name)                                                                                \
    EXPORT int name(int fd, int command, ...)                                                      \
    {                                                                                              \
        static int (*next)(int fd, int command, ...);                                              \
        va_list more;                                                                              \
        va_start(more, command);                                                                   \
        void *argument = va_arg(more, void *);                                                     \
        va_end(more);                                                                              \
        int how = locks(command, argument) ? fault_hit("lock", NULL, fd) : 0;                      \
        if (how) {                                                                                 \
            errno = how == FAULT_SHORT ? EIO : how;                                                \
            return -1;                                                                             \
        }                                                                                          \
        if (!next)                                                                                 \
            next = (int (*)(int fd, int command, ...))fault_next(#name);                           \
        return next(fd, command, argument);                                                        \
    }

FCNTL(fcntl)
FCNTL(fcntl64)

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sync_lock.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_lock_file(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
}

static int make_parent(const char *path)
{
    char *parent = mem_strdup(path);
    char *slash = strrchr(parent, '/');
    int r = -ENOENT;
    if (slash && slash != parent) {
        *slash = '\0';
        r = file_make_directories(parent);
    }
    free(parent);
    return r;
}

static int open_or_make(const char *path)
{
    int fd = open_lock_file(path);
    if (fd < 0 && errno == ENOENT) {
        int r = make_parent(path);
        if (r < 0)
            return r;
        fd = open_lock_file(path);
    }
    return fd < 0 ? -errno : fd;
}

static int wait_for(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (fcntl(fd, F_OFD_SETLKW, &whole) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int sync_lock_take(const char *path, int *ret_fd)
{
    for (;;) {
        int fd = open_or_make(path);
        if (fd < 0)
            return fd;
        int r = wait_for(fd);
        struct stat st;
        if (r == 0 && fstat(fd, &st) < 0)
            r = -errno;
        if (r == 0 && st.st_nlink > 0) {
            *ret_fd = fd;
            return 0;
        }
        close(fd);
        if (r < 0)
            return r;
        /* The file was removed while we waited (store_finish): others lock a new one. */
    }
}

int sync_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
    return -1;
}

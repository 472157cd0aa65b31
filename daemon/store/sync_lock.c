/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sync_lock.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_lock_file(const char *path)
{
    return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
}

static int make_directory_of(const char *path)
{
    char *directory = mem_strdup(path), *slash = strrchr(directory, '/');
    int r = -ENOENT;
    if (slash && slash != directory) {
        *slash = '\0';
        r = mkdir(directory, 0777) < 0 && errno != EEXIST ? -errno : 0;
    }
    free(directory);
    return r;
}

static int open_or_make(const char *path, bool may_make_directory)
{
    int fd = open_lock_file(path);
    if (fd < 0 && errno == ENOENT && may_make_directory) {
        int r = make_directory_of(path);
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

int sync_lock_take(const char *path, bool may_make_directory, int *ret_fd, int64_t *ret_size)
{
    for (;;) {
        int fd = open_or_make(path, may_make_directory);
        if (fd < 0)
            return fd;
        int r = wait_for(fd);
        struct stat st;
        if (r == 0 && fstat(fd, &st) < 0)
            r = -errno;
        if (r == 0 && st.st_nlink > 0) {
            *ret_fd = fd;
            if (ret_size)
                *ret_size = st.st_size;
            return 0;
        }
        close(fd);
        if (r < 0)
            return r;
        /* The file was removed while we waited: others lock a new one. */
    }
}

int sync_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
    return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_DEPTH_MAX = 256 };

bool file_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 255 || name[0] == '.')
        return false;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (*p == '/' || *p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

char *file_join(const char *directory, const char *name)
{
    return mem_printf("%s/%s", directory, name);
}

void file_open_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

char *file_absolute(const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    char *absolute = here ? file_join(here, path) : mem_strdup(path);
    free(here);
    return absolute;
}

int file_fault(const char *operation)
{
    static atomic_int seen;
    const char *spec = getenv("SIMLAB_FAULT");
    if (!spec)
        return 0;
    size_t n = strlen(operation);
    if (strncmp(spec, operation, n) != 0 || spec[n] != ':')
        return 0;
    char *end;
    long nth = strtol(spec + n + 1, &end, 10);
    if (*end != ':' || atomic_fetch_add(&seen, 1) + 1 != nth)
        return 0;
    if (!strcmp(end + 1, "kill"))
        raise(SIGKILL);
    return !strcmp(end + 1, "ENOSPC") ? -ENOSPC : -EIO;
}

int file_make_directories(const char *path)
{
    if (!*path)
        return -ENOENT;
    char *p = mem_strdup(path);
    int r = 0;
    for (char *slash = p + 1; r == 0; slash++) {
        slash = strchrnul(slash, '/');
        char was = *slash;
        *slash = '\0';
        if (mkdir(p, 0777) < 0 && errno != EEXIST)
            r = -errno;
        if (!was)
            break;
        *slash = was;
    }
    struct stat st;
    if (r == 0 && stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        r = -ENOTDIR;
    free(p);
    return r;
}

int file_append(int fd, const void *data, size_t size)
{
    const char *p = data;
    int r = file_fault("write");
    while (r == 0 && size > 0) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        size -= (size_t)n;
    }
    return r;
}

static int sync_fd(int fd, enum file_sync sync)
{
    int r = file_fault("fsync");
    if (r == 0 && (sync == FILE_SYNC_CONTENT ? fdatasync(fd) : fsync(fd)) < 0)
        r = -errno;
    return r;
}

int file_sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = sync_fd(fd, FILE_SYNC_DATA);
    close(fd);
    return r;
}

int file_sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return file_sync_directory(".");
    char *parent = slash == path ? mem_strdup("/") : strndup(path, (size_t)(slash - path));
    int r = parent ? file_sync_directory(parent) : -ENOMEM;
    free(parent);
    return r;
}

int file_rename(const char *from, const char *to)
{
    int r = file_fault("rename");
    if (r == 0 && rename(from, to) < 0)
        r = -errno;
    return r;
}

int file_create(const char *temporary, mode_t mode, int *ret_fd)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

void file_begin_sync(int fd)
{
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: publish tells of failures */
}

int file_publish(int fd, const char *temporary, const char *path, enum file_sync sync)
{
    int r = sync == FILE_SYNC_NONE ? 0 : sync_fd(fd, sync);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0)
        r = file_rename(temporary, path);
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    return sync == FILE_SYNC_DATA ? file_sync_parent(path) : 0;
}

void file_discard(int fd, const char *temporary)
{
    close(fd);
    unlink(temporary);
}

int file_replace(const char *path, const char *temporary, const void *data, size_t size,
                 mode_t mode, enum file_sync sync)
{
    int fd;
    int r = file_create(temporary, mode, &fd);
    if (r < 0)
        return r;
    r = file_append(fd, data, size);
    if (r == 0)
        return file_publish(fd, temporary, path, sync);
    file_discard(fd, temporary);
    return r;
}

int file_read(const char *path, size_t limit, struct buffer *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char block[65536];
    int r = 0;
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = -errno;
        if (n <= 0)
            break;
        if ((size_t)n > limit) {
            r = -EFBIG;
            break;
        }
        limit -= (size_t)n;
        buffer_append(ret, block, (size_t)n);
    }
    close(fd);
    return r;
}

int file_read_at(int fd, void *ret, size_t size, off_t at, size_t *ret_size)
{
    size_t n = 0;
    while (n < size) {
        ssize_t got = pread(fd, (char *)ret + n, size - n, at + (off_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret_size = n;
    return 0;
}

static bool is_itself_or_parent(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int file_next_entry(DIR *directory, const struct dirent **ret_entry)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(directory);
        if (!entry && errno)
            return -errno;
    } while (entry && is_itself_or_parent(entry->d_name));
    *ret_entry = entry;
    return 0;
}

static int remove_below(int fd, int depth);

static int remove_at(int directory, const char *name, int depth)
{
    if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -errno;
    /* Who made it may have taken his own right to look into it. */
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(directory, name, 0700, 0) == 0)
        fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = depth < TREE_DEPTH_MAX ? remove_below(fd, depth + 1) : -ELOOP;
    if (r == 0 && unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        r = -errno;
    return r;
}

/* Closes `fd`. Goes on after a failure, and tells the first. */
static int remove_below(int fd, int depth)
{
    DIR *directory = fdopendir(fd);
    if (!directory) {
        int r = -errno;
        close(fd);
        return r;
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
        fchmod(fd, 0700);
    const struct dirent *entry;
    int result = 0, r;
    while ((r = file_next_entry(directory, &entry)) == 0 && entry) {
        r = remove_at(fd, entry->d_name, depth);
        if (result == 0)
            result = r;
    }
    closedir(directory);
    return result ? result : r;
}

int file_empty_directory(int fd)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return again < 0 ? -errno : remove_below(again, 0);
}

int file_remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path, 0);
}

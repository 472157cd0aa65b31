/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rewrite.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20 /* bytes */ };

struct extent {
    off_t begin, end; /* whole blocks */
};

/* The first that is not counted as written and ends after `from`; an empty one where there is
 * none. */
static int next_unwritten(int fd, off_t from, unsigned flags, struct extent *ret)
{
    struct fiemap *map = mem_new(sizeof *map + sizeof *map->fm_extents);
    const struct fiemap_extent *x = map->fm_extents;
    int r;
    do {
        *map = (struct fiemap){.fm_start = (__u64)from, .fm_flags = flags, .fm_extent_count = 1};
        map->fm_length = FIEMAP_MAX_OFFSET - map->fm_start;
        r = ioctl(fd, FS_IOC_FIEMAP, map) < 0 ? -errno : 0;
        from = (off_t)(x->fe_logical + x->fe_length);
    } while (r == 0 && map->fm_mapped_extents > 0 &&
             !(x->fe_flags & (FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_LAST)));
    bool is_found = r == 0 && map->fm_mapped_extents > 0 && (x->fe_flags & FIEMAP_EXTENT_UNWRITTEN);
    *ret = is_found ? (struct extent){(off_t)x->fe_logical, from} : (struct extent){0};
    free(map);
    return r == -EOPNOTSUPP || r == -ENOTTY || r == -EINVAL ? 0 : r;
}

static int write_piece(int fd, const char *bytes, off_t at, size_t size)
{
    int r = file_fault("write");
    while (r == 0 && size > 0) {
        ssize_t n = pwrite(fd, bytes, size, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        at += n;
        size -= (size_t)n;
    }
    return r;
}

/* The bytes of [begin, end), or up to the file's end where that comes before. */
static int write_again(int fd, char *piece, struct extent x, bool to_new_blocks)
{
    int r = 0;
    for (off_t at = x.begin; r == 0 && at < x.end; at += PIECE) {
        off_t n = x.end - at < PIECE ? x.end - at : PIECE;
        size_t size = 0;
        r = file_read_at(fd, piece, PIECE, at, &size);
        if (r == 0 && to_new_blocks &&
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n) < 0)
            r = -errno;
        if (r == 0)
            r = write_piece(fd, piece, at, size < (size_t)n ? size : (size_t)n);
    }
    return r;
}

static int sync_data(int fd)
{
    int r = file_fault("fsync");
    return r == 0 && fdatasync(fd) < 0 ? -errno : r;
}

/* One that the file was given beyond its end is none. */
static int rewrite_extents(int fd, char *piece, struct extent x, off_t size)
{
    int r = 0;
    while (r == 0 && x.end > 0 && x.begin < size) {
        off_t from = x.end;
        r = write_again(fd, piece, x, true);
        if (r == 0)
            r = next_unwritten(fd, from, 0, &x);
    }
    return r;
}

static int rewrite_some(int fd, struct extent first, off_t size, bool is_all)
{
    char *piece = mem_new(PIECE);
    int r = rewrite_extents(fd, piece, first, size);
    if (r == 0 && is_all)
        r = write_again(fd, piece, (struct extent){0, size}, false);
    free(piece);
    return r == 0 ? sync_data(fd) : r;
}

/* One that appends does not while it is rewritten: pwrite would, too. */
static int rewrite_in_place(int fd, struct extent first, off_t size, bool is_all)
{
    int flags = fcntl(fd, F_GETFL);
    bool appends = flags >= 0 && (flags & O_APPEND);
    if (flags < 0 || (appends && fcntl(fd, F_SETFL, flags & ~O_APPEND) < 0))
        return -errno;
    int r = rewrite_some(fd, first, size, is_all);
    if (appends && fcntl(fd, F_SETFL, flags) < 0 && r == 0)
        r = -errno;
    return r;
}

static int rewrite_fd(int fd, bool is_all)
{
    struct stat st;
    struct extent first;
    if (fstat(fd, &st) < 0)
        return -errno;
    int r = st.st_size > 0 ? next_unwritten(fd, 0, 0, &first) : 0;
    if (r != 0 || st.st_size == 0 || (!is_all && (first.end == 0 || first.begin >= st.st_size)))
        return r;
    return rewrite_in_place(fd, first, st.st_size, is_all);
}

int rewrite_unwritten_fd(int fd)
{
    return rewrite_fd(fd, false);
}

int rewrite_is_lost(int fd, bool *ret_lost)
{
    struct stat st;
    struct extent x = {0};
    int r = fstat(fd, &st) < 0 ? -errno : next_unwritten(fd, 0, 0, &x);
    if (r == 0 && x.end > 0) /* what is being written may be such for a moment */
        r = next_unwritten(fd, 0, FIEMAP_FLAG_SYNC, &x);
    if (r == 0)
        *ret_lost = x.end > 0 && x.begin < st.st_size;
    return r;
}

static int rewrite(const char *path, bool is_all)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int r = rewrite_fd(fd, is_all);
    close(fd);
    return r;
}

int rewrite_all(const char *path)
{
    return rewrite(path, true);
}

int rewrite_unwritten(const char *path)
{
    return rewrite(path, false);
}

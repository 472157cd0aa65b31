/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are written again where they stand keep their bytes, and lie in blocks that count as
 * written. */
#include "base/rewrite.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, PIECE = 1 << 20, SIZE = 3 * PIECE + 5000 };

struct fixture {
    char path[32];
    int fd;
    char *bytes, *found; /* SIZE */
};

/* Bytes, blocks that are given but not written (which read as zeros), bytes. */
static void begin(struct fixture *f)
{
    strcpy(f->path, "/tmp/rewrite-XXXXXX");
    f->fd = mkstemp(f->path);
    cr_assert_geq(f->fd, 0);
    f->bytes = malloc(SIZE);
    f->found = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        f->bytes[i] = (char)(1 + i % 251);
    cr_assert_eq(posix_fallocate(f->fd, 0, SIZE), 0);
    cr_assert_eq(pwrite(f->fd, f->bytes, 2 * BLOCK, 0), 2 * BLOCK);
    memset(f->bytes + 2 * BLOCK, 0, 2 * PIECE);
    off_t rest = 2 * BLOCK + 2 * PIECE;
    cr_assert_eq(pwrite(f->fd, f->bytes + rest, SIZE - BLOCK - (size_t)rest, rest),
                 SIZE - BLOCK - rest);
    memset(f->bytes + SIZE - BLOCK, 0, BLOCK);
    cr_assert_eq(fsync(f->fd), 0);
}

static void end(struct fixture *f)
{
    close(f->fd);
    unlink(f->path);
    free(f->bytes);
    free(f->found);
}

/* -1 where the file system does not tell. */
static int count_unwritten(const struct fixture *f)
{
    enum { MOST = 64 };
    struct fiemap *map = calloc(1, sizeof *map + MOST * sizeof *map->fm_extents);
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_extent_count = MOST;
    int n = ioctl(f->fd, FS_IOC_FIEMAP, map) < 0 ? -1 : 0;
    for (unsigned i = 0; n >= 0 && i < map->fm_mapped_extents; i++)
        n += (map->fm_extents[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0;
    free(map);
    return n;
}

static void check_bytes(const struct fixture *f)
{
    struct stat st;
    cr_assert_eq(fstat(f->fd, &st), 0);
    cr_assert_eq(st.st_size, SIZE);
    cr_assert_eq(pread(f->fd, f->found, SIZE, 0), SIZE);
    cr_assert_eq(memcmp(f->bytes, f->found, SIZE), 0);
}

static void check_rewritten(int (*rewrite)(const char *))
{
    struct fixture f;
    begin(&f);
    if (count_unwritten(&f) >= 0)
        cr_assert_gt(count_unwritten(&f), 0);
    cr_assert_eq(rewrite(f.path), 0);
    cr_assert_leq(count_unwritten(&f), 0);
    check_bytes(&f);
    end(&f);
}

Test(rewrite, what_is_not_written_gets_new_blocks)
{
    check_rewritten(rewrite_unwritten);
}

/* What is appended comes behind it. */
Test(rewrite, of_a_file_that_is_appended_to)
{
    struct fixture f;
    begin(&f);
    int fd = open(f.path, O_RDWR | O_APPEND);
    cr_assert_geq(fd, 0);
    cr_assert_eq(rewrite_unwritten_fd(fd), 0);
    cr_assert_leq(count_unwritten(&f), 0);
    check_bytes(&f);
    cr_assert_eq(pwrite(fd, "more", 4, 0), 4, "it appends, as before");
    cr_assert_eq(pread(f.fd, f.found, SIZE, 4), SIZE);
    cr_assert_eq(memcmp(f.found + SIZE - 4, "more", 4), 0);
    cr_assert_eq(rewrite_unwritten_fd(fd), 0);
    close(fd);
    end(&f);
}

Test(rewrite, all)
{
    check_rewritten(rewrite_all);
}

Test(rewrite, what_is_absent_or_empty_is_well)
{
    struct fixture f;
    begin(&f);
    cr_assert_eq(ftruncate(f.fd, 0), 0);
    cr_assert_eq(rewrite_all(f.path), 0);
    cr_assert_eq(unlink(f.path), 0);
    cr_assert_eq(rewrite_all(f.path), 0);
    cr_assert_eq(rewrite_unwritten(f.path), 0);
    end(&f);
}

Test(rewrite, failures_are_told)
{
    struct fixture f;
    begin(&f);
    cr_assert_eq(setenv("SIMLAB_FAULT", "write:2:ENOSPC", 1), 0);
    cr_assert_eq(rewrite_all(f.path), -ENOSPC);
    cr_assert_eq(rewrite_all("/tmp"), -EISDIR);
    end(&f);
}

Test(rewrite, a_sync_that_fails_is_told)
{
    struct fixture f;
    begin(&f);
    cr_assert_eq(setenv("SIMLAB_FAULT", "fsync:1:EIO", 1), 0);
    cr_assert_eq(rewrite_all(f.path), -EIO);
    check_bytes(&f);
    end(&f);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/checkpoint_file.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file: this, the state, the outputs, the lines, and the SHA-256 of all of it as 64 digits. */
struct head {
    char magic[8];
    uint64_t n_state, n_outputs, n_lines_bytes;
    int64_t member, steps, n_lines;
    char fits[HASH_TEXT_SIZE];
    char padding[128 - 56 - HASH_TEXT_SIZE];
};
_Static_assert(sizeof(struct head) == 128, "the state behind it is aligned");

static const char magic[8] = "simlabC2";
enum { PIECE = 1 << 20, DIGITS = HASH_TEXT_SIZE - 1 };

/* ---- writing ---- */

static int append(int fd, struct hash *h, const void *data, size_t n, const atomic_bool *is_void)
{
    const char *p = data;
    int r = 0;
    for (size_t done = 0; done < n && r == 0; done += PIECE) {
        size_t piece = n - done < PIECE ? n - done : PIECE;
        hash_add(h, p + done, piece);
        r = atomic_load(is_void) ? -ECANCELED : file_append(fd, p + done, piece);
    }
    return r;
}

static int write_all(int fd, const struct checkpoint_content *c, const atomic_bool *is_void)
{
    struct head head = {.n_state = c->n_state,
                        .n_outputs = c->n_outputs,
                        .n_lines_bytes = c->n_lines_bytes,
                        .member = c->member,
                        .steps = c->steps,
                        .n_lines = c->n_lines};
    char digits[HASH_TEXT_SIZE];
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.fits, c->fits, sizeof head.fits);
    struct hash *h = hash_new();
    int r = append(fd, h, &head, sizeof head, is_void);
    if (r == 0)
        r = append(fd, h, c->state, c->n_state, is_void);
    if (r == 0)
        r = append(fd, h, c->outputs, c->n_outputs, is_void);
    if (r == 0)
        r = append(fd, h, c->lines, c->n_lines_bytes, is_void);
    hash_end(h, digits);
    hash_free(h);
    return r ? r : file_append(fd, digits, DIGITS);
}

/* What it relies on is on the disk before it is. */
static int sync_store(int directory)
{
    int r = directory >= 0 ? file_fault("fsync") : 0;
    return r == 0 && directory >= 0 && syncfs(directory) < 0 ? -errno : r;
}

int checkpoint_file_write(const char *path, const struct checkpoint_content *c,
                          const struct checkpoint_writing *how)
{
    char *temporary = mem_printf("%s.partial", path);
    int fd, r = file_create(temporary, 0600, &fd);
    if (r == 0) {
        r = write_all(fd, c, how->is_void);
        if (r == 0)
            r = sync_store(how->directory);
        if (r == 0)
            r = file_publish(fd, temporary, path,
                             how->directory >= 0 ? FILE_SYNC_DATA : FILE_SYNC_NONE);
        else
            file_discard(fd, temporary);
    }
    free(temporary);
    return r;
}

/* ---- reading ---- */

static int read_whole(int fd, char **ret, size_t *ret_n)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    size_t n = (size_t)st.st_size, done = 0;
    char *bytes = S_ISREG(st.st_mode) ? mem_try_bytes(n + 1) : NULL;
    if (!bytes)
        return S_ISREG(st.st_mode) ? -ENOMEM : -EINVAL;
    while (done < n) {
        ssize_t got = read(fd, bytes + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int r = -errno;
            free(bytes);
            return r;
        }
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret = bytes;
    *ret_n = done;
    return 0;
}

/* Lines, each with its NUL, and no more than were said. */
static bool are_lines(const char *lines, size_t n, int64_t n_lines)
{
    int64_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += lines[i] == '\0';
    return found <= n_lines && (n == 0 || lines[n - 1] == '\0');
}

static bool take_apart(const char *bytes, size_t n, struct checkpoint_content *ret)
{
    struct head head;
    char digits[HASH_TEXT_SIZE];
    if (n < sizeof head + DIGITS)
        return false;
    memcpy(&head, bytes, sizeof head);
    size_t body = n - sizeof head - DIGITS;
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.n_state > body ||
        head.n_outputs > body - head.n_state ||
        head.n_lines_bytes != body - head.n_state - head.n_outputs)
        return false;
    hash_bytes(bytes, n - DIGITS, digits);
    if (memcmp(digits, bytes + n - DIGITS, DIGITS) != 0)
        return false;
    *ret = (struct checkpoint_content){.member = head.member,
                                       .steps = head.steps,
                                       .state = bytes + sizeof head,
                                       .n_state = head.n_state,
                                       .outputs = bytes + sizeof head + head.n_state,
                                       .n_outputs = head.n_outputs,
                                       .n_lines = head.n_lines,
                                       .n_lines_bytes = head.n_lines_bytes};
    ret->lines = ret->outputs + head.n_outputs;
    if (!are_lines(ret->lines, ret->n_lines_bytes, ret->n_lines))
        return false;
    memcpy(ret->fits, head.fits, sizeof ret->fits);
    ret->fits[DIGITS] = '\0';
    return true;
}

int checkpoint_file_read(const char *path, struct checkpoint_content *ret, void **ret_memory,
                         struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    char *bytes = NULL;
    size_t n = 0;
    int r = read_whole(fd, &bytes, &n);
    close(fd);
    if (r < 0)
        return error_errno(e, r, "read the checkpoint");
    if (!take_apart(bytes, n, ret)) {
        free(bytes);
        return error_set(e, WORKER_REFUSED, NULL, "its checkpoint is cut or damaged");
    }
    *ret_memory = bytes;
    return 0;
}

int checkpoint_file_sum(const char *path, char ret[HASH_TEXT_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    size_t n = 0;
    off_t size = lseek(fd, 0, SEEK_END);
    int r = size < DIGITS ? -EINVAL : file_read_at(fd, ret, DIGITS, size - DIGITS, &n);
    ret[n] = '\0';
    close(fd);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "state_directory.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int state_directory_make_directory(const char *path, bool own, struct error *e)
{
    struct stat st;
    char *parent = mem_strdup(path);
    char *slash = strrchr(parent, '/');
    int r = 0;
    if (slash && slash != parent) {
        *slash = '\0';
        r = file_make_directories(parent);
    }
    free(parent);
    if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
        r = -errno;
    if (r == 0 && lstat(path, &st) < 0)
        r = -errno;
    if (r < 0)
        return error_set(e, r, NULL, "cannot make directory %s: %s", path, strerror(-r));
    if (own && (!S_ISDIR(st.st_mode) || st.st_uid != geteuid()))
        return error_set(e, STATE_DIRECTORY_REFUSED, NULL,
                         "%s should be a directory of the daemon's user", path);
    return 0;
}

static char *run_directory(const char *endpoint)
{
    char *run = mem_strdup(endpoint + strlen("ipc://"));
    *strrchr(run, '/') = '\0';
    return run;
}

int state_directory_make_run(const char *endpoint, struct error *e)
{
    char *run = run_directory(endpoint);
    int r = state_directory_make_directory(run, true, e);
    free(run);
    return r;
}

void state_directory_remove_run(const char *endpoint)
{
    char *run = run_directory(endpoint);
    unlink(endpoint + strlen("ipc://"));
    rmdir(run);
    free(run);
}

/* ---- the lock ---- */

static int refuse(const char *directory, int fd, struct error *e)
{
    char pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return error_set(e, STATE_DIRECTORY_REFUSED, NULL,
                     "state directory %s is in use by another simlabd%s%s: one daemon per state "
                     "directory",
                     directory, pid[0] ? ", process " : "", pid);
}

static int lock(const char *directory, int *ret_fd, struct error *e)
{
    char *path = file_join(directory, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(path);
    if (fd < 0)
        return error_set(e, -errno, NULL, "cannot open %s/lock: %s", directory, strerror(errno));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        int r =
            errno == EAGAIN || errno == EACCES
                ? refuse(directory, fd, e)
                : error_set(e, -errno, NULL, "cannot lock %s/lock: %s", directory, strerror(errno));
        close(fd);
        return r;
    }
    char pid[16];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        /* The number is only for the message above: an empty file says nothing. */
    }
    *ret_fd = fd;
    return 0;
}

/* ---- the token ---- */

static int make_token(const char *directory, const char *path, char *ret_token, struct error *e)
{
    char text[HASH_TEXT_SIZE + 1];
    char *temporary = file_join(directory, "." API_TOKEN_FILE ".partial");
    hash_token(ret_token);
    int n = snprintf(text, sizeof text, "%s\n", ret_token);
    int r = file_replace(path, temporary, text, (size_t)n, 0600, FILE_SYNC_DATA);
    free(temporary);
    return r < 0 ? error_set(e, r, NULL, "cannot write %s: %s", path, strerror(-r)) : 0;
}

/* Whoever can read it is us to this daemon; whoever can write it says who is. */
static int check_token_file(const char *path, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return error_set(e, STATE_DIRECTORY_REFUSED, NULL,
                         "%s is no file but a %s: remove it, and a token is made", path,
                         S_ISLNK(st.st_mode) ? "link" : "directory or a device");
    if (st.st_uid != geteuid())
        return error_set(e, STATE_DIRECTORY_REFUSED, NULL,
                         "%s belongs to user %u, not to the daemon's, %u: remove it, and a token "
                         "is made",
                         path, (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & 077)
        return error_set(e, STATE_DIRECTORY_REFUSED, NULL,
                         "%s may be read or written by others (mode %04o, should be 0600): others "
                         "may know the token; remove the file, and another is made",
                         path, (unsigned)st.st_mode & 07777);
    return 0;
}

static int parse_token(const char *path, const struct buffer *text, char *ret_token,
                       struct error *e)
{
    size_t n = text->data ? strcspn(text->data, "\r\n") : 0;
    if (n < 32 || n >= HASH_TEXT_SIZE)
        return error_set(e, STATE_DIRECTORY_REFUSED, NULL,
                         "%s holds no token (32 to 64 characters): remove it, and another is made",
                         path);
    snprintf(ret_token, HASH_TEXT_SIZE, "%.*s", (int)n, text->data);
    return 0;
}

static int read_token(const char *directory, char *ret_token, struct error *e)
{
    struct buffer text = {0};
    char *path = file_join(directory, API_TOKEN_FILE);
    int r = check_token_file(path, e);
    if (r == 0)
        r = file_read(path, 1024, &text);
    if (r == -ENOENT)
        r = make_token(directory, path, ret_token, e);
    else if (r < 0)
        r = error_set(e, r, NULL, "cannot read %s: %s", path, strerror(-r));
    else if (r == 0)
        r = parse_token(path, &text, ret_token, e);
    buffer_free(&text);
    free(path);
    return r;
}

/* ---- both ---- */

int state_directory_open(const char *directory, struct state_directory *ret_state, struct error *e)
{
    struct state_directory s = {.lock = -1};
    int r = state_directory_make_directory(directory, false, e);
    if (r == 0)
        r = lock(directory, &s.lock, e);
    if (r == 0)
        r = read_token(directory, s.token, e);
    if (r != 0) {
        state_directory_close(&s);
        return r;
    }
    *ret_state = s;
    return 0;
}

void state_directory_close(struct state_directory *s)
{
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clean_room.h"
#include "worker/clean_room_parts.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK = 4096,
    ROUNDS_MAX = 1000,     /* of killing children, which may fork */
    CHILD_MS = 1000,       /* for a killed child to end */
    THREAD_TRIES = 50,     /* a thread that was joined may be seen for some microseconds */
    THREAD_PAUSE_US = 200, /* between them */
    POOLS = 2              /* runtimes that keep threads in one process: OpenMP and BLAS */
};

struct leftovers {
    pid_t guard; /* whose children orphans become; 0: none */
    char *path;  /* of the members' directory, or NULL */
    int directory;
    struct descriptors *descriptors;
    int orphans;           /* who they are: the guard's children; -1: there is none */
    int threads_directory; /* /proc/self/task; -1: there is none */
    struct numbers now;
    int *threads;
    size_t n_threads;
};

/* ---- threads ---- */

/* As many as were noted, told without a list: the directory has a link for each, and two. */
static bool are_as_many(const struct leftovers *l)
{
    struct stat st;
    return l->n_threads > 0 && fstat(l->threads_directory, &st) == 0 &&
           st.st_nlink == l->n_threads + 2;
}

/* `anew`: others may be there, as many as before. */
static void note_threads(struct leftovers *l, bool anew)
{
    if (!anew && are_as_many(l))
        return;
    l->n_threads = 0;
    if (l->threads_directory < 0 || !numbers_list(l->threads_directory, &l->now))
        return;
    l->threads = mem_resize(l->threads, l->now.n, sizeof *l->threads);
    memcpy(l->threads, l->now.at, l->now.n * sizeof *l->threads);
    l->n_threads = l->now.n;
}

static bool is_known_thread(const struct leftovers *l, int thread)
{
    for (size_t i = 0; i < l->n_threads; i++)
        if (l->threads[i] == thread)
            return true;
    return false;
}

static int count_new_threads(struct leftovers *l)
{
    int n = 0;
    if (l->n_threads == 0 || are_as_many(l) || !numbers_list(l->threads_directory, &l->now))
        return 0;
    for (size_t i = 0; i < l->now.n; i++)
        n += !is_known_thread(l, l->now.at[i]);
    return n;
}

static int pool_most(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    int asked = text ? atoi(text) : 0, processors = get_nprocs_conf();
    return POOLS * (asked > processors ? asked : processors);
}

static int check_threads(struct leftovers *l, bool has_pool, struct error *why)
{
    int n = count_new_threads(l), most = has_pool && n > 0 ? pool_most() : 0;
    for (int i = 0; n > most && i < THREAD_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = THREAD_PAUSE_US * 1000}, NULL);
        n = count_new_threads(l);
    }
    if (n <= most)
        return 0;
    return error_set(why, CLEAN_ROOM_RENEW, NULL, "it left %d thread%s running", n,
                     n == 1 ? "" : "s");
}

/* ---- children ---- */

static int open_children(pid_t process, pid_t thread)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)thread);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Of a list of children, of which there may be more than are read at once: each number ends with a
 * space. The last that was killed, or 0; never ourselves. */
static pid_t kill_listed(int list)
{
    char text[BLOCK], *at = text, *end;
    pid_t last = 0;
    ssize_t n = pread(list, text, sizeof text, 0);
    for (; n > 0 && (end = memchr(at, ' ', (size_t)(text + n - at))); at = end + 1) {
        pid_t child = atoi(at);
        if (child > 0 && child != getpid() && kill(child, SIGKILL) == 0)
            last = child;
    }
    return last;
}

static pid_t kill_children_of(pid_t thread)
{
    int list = open_children(getpid(), thread);
    pid_t last = list < 0 ? 0 : kill_listed(list);
    if (list >= 0)
        close(list);
    return last;
}

static pid_t kill_children(struct leftovers *l)
{
    pid_t last = 0;
    if (l->threads_directory < 0 || !numbers_list(l->threads_directory, &l->now))
        return 0;
    for (size_t i = 0; i < l->now.n; i++) {
        pid_t child = kill_children_of(l->now.at[i]);
        last = child ? child : last;
    }
    return last;
}

static void await_end(pid_t child)
{
    struct pollfd end = {.fd = pidfd_open(child, 0), .events = POLLIN};
    if (end.fd < 0)
        return;
    poll(&end, 1, CHILD_MS);
    close(end.fd);
}

static bool end_children(struct leftovers *l)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        pid_t child;
        while ((child = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
            continue;
        if (child < 0) /* there is none */
            return true;
        child = kill_children(l);
        if (child == 0)
            break;
        await_end(child);
    }
    return false;
}

/* The guard reaps them. */
static bool end_orphans(const struct leftovers *l)
{
    for (int i = 0; i < ROUNDS_MAX && l->guard; i++) {
        pid_t orphan = l->orphans < 0 ? 0 : kill_listed(l->orphans);
        if (orphan == 0)
            return true;
        await_end(orphan);
    }
    return l->guard == 0;
}

static int end_processes(struct leftovers *l, struct error *why)
{
    if (end_children(l) && end_orphans(l))
        return 0;
    return error_set(why, CLEAN_ROOM_RENEW, NULL, "it left children that cannot be ended");
}

/* ---- files ---- */

static bool is_same_directory(const struct leftovers *l)
{
    struct stat by_path, by_descriptor;
    return lstat(l->path, &by_path) == 0 && fstat(l->directory, &by_descriptor) == 0 &&
           by_path.st_dev == by_descriptor.st_dev && by_path.st_ino == by_descriptor.st_ino;
}

static int open_directory(const struct leftovers *l)
{
    int fd = open(l->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* A member may have removed it, or put another in its place. */
static int renew_directory(struct leftovers *l)
{
    file_empty_directory(l->directory);
    int r = file_remove_tree(l->path);
    if (r == 0 && mkdir(l->path, 0700) < 0)
        r = -errno;
    int fd = r ? r : open_directory(l);
    if (fd < 0)
        return fd;
    r = dup3(fd, l->directory, O_CLOEXEC) < 0 ? -errno : 0;
    close(fd);
    descriptors_update(l->descriptors, l->directory);
    return r;
}

static int empty_directory(struct leftovers *l)
{
    char block[BLOCK];
    ssize_t first =
        lseek(l->directory, 0, SEEK_SET) == 0 ? getdents64(l->directory, block, sizeof block) : -1;
    /* "." and ".." */
    bool is_empty = first >= 0 && first <= 2 * 24;
    return is_empty ? 0 : file_empty_directory(l->directory);
}

static int end_files(struct leftovers *l, struct error *why)
{
    if (!l->path)
        return 0;
    int r = is_same_directory(l) ? empty_directory(l) : renew_directory(l);
    if (r == 0 && fchmod(l->directory, 0700) < 0)
        r = -errno;
    if (r == 0 && fchdir(l->directory) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    return error_set(why, CLEAN_ROOM_RENEW, NULL, "its directory %s cannot be made empty again: %s",
                     l->path, strerror(-r));
}

/* ---- all of them ---- */

int leftovers_new(const char *directory, pid_t guard, struct leftovers **ret_leftovers)
{
    struct leftovers *l = mem_new(sizeof *l);
    l->guard = guard;
    l->orphans = guard ? open_children(guard, guard) : -1;
    l->descriptors = descriptors_new();
    l->threads_directory = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    l->path = mem_strdup(directory);
    l->directory = directory ? open_directory(l) : -1;
    int r = 0;
    if (directory)
        r = l->directory < 0 ? l->directory : fchdir(l->directory) < 0 ? -errno : 0;
    if (r < 0)
        leftovers_free(l);
    else
        *ret_leftovers = l;
    return r;
}

struct leftovers *leftovers_free(struct leftovers *l)
{
    if (!l)
        return NULL;
    if (l->directory >= 0)
        close(l->directory);
    if (l->threads_directory >= 0)
        close(l->threads_directory);
    if (l->orphans >= 0)
        close(l->orphans);
    descriptors_free(l->descriptors);
    free(l->path);
    free(l->now.at);
    free(l->threads);
    free(l);
    return NULL;
}

void leftovers_let_be(struct leftovers *l, int fd)
{
    descriptors_let_be(l->descriptors, fd);
}

void leftovers_note(struct leftovers *l, const struct imports *imports, bool anew)
{
    if (imports->reach & REACH_FILES)
        descriptors_note(l->descriptors);
    if (imports->reach & REACH_ELSEWHERE)
        note_threads(l, anew);
}

int leftovers_end(struct leftovers *l, const struct imports *imports, struct error *why)
{
    int r = 0;
    if (imports->reach & REACH_ELSEWHERE)
        r = end_processes(l, why);
    if (r == 0 && (imports->reach & REACH_ELSEWHERE))
        r = check_threads(l, imports->has_pool, why);
    if (r == 0 && (imports->reach & REACH_FILES))
        r = end_files(l, why);
    if (r == 0 && (imports->reach & REACH_FILES))
        r = descriptors_check(l->descriptors, why);
    return r;
}

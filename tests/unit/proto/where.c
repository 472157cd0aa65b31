/* SPDX-License-Identifier: Apache-2.0 */
/* The where page: written by one process, read by another, and after it. */
#include "proto/where.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void path_in(char *directory, char *ret_path)
{
    strcpy(directory, "/tmp/simlab-where-XXXXXX");
    cr_assert(mkdtemp(directory));
    snprintf(ret_path, 128, "%s/worker-1.where", directory);
}

static void remove_all(const char *directory, const char *path)
{
    unlink(path);
    cr_assert_eq(rmdir(directory), 0);
}

Test(where, outlives_who_wrote_it)
{
    char directory[64], path[128];
    int fd;
    struct where_at at;
    path_in(directory, path);
    cr_assert_eq(where_create(path, &fd), 0);
    struct stat st;
    cr_assert(fstat(fd, &st) == 0 && st.st_size == WHERE_SIZE && (st.st_mode & 0777) == 0600);
    cr_assert(!where_read(fd, &at) && where_is_blank(fd), "nobody has written");
    pid_t pid = fork();
    if (pid == 0) {
        struct where *w;
        if (where_open(fd, &w) == 0) {
            where_set_pid(w, 42);
            where_set_lease(w, 7, 3, 100);
            where_begin_member(w, 5, 1234);
            where_set_step(w, 10);
        }
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    close(fd);
    fd = open(path, O_RDONLY);
    cr_assert(where_read(fd, &at) && !where_is_blank(fd));
    cr_assert(at.pid == 42 && !at.is_silent && at.job == 7 && at.lease == 3 && at.member == 5);
    cr_assert(at.since == 1234 && at.step == 10 && at.nsteps == 100);
    close(fd);
    remove_all(directory, path);
}

Test(where, a_member_and_its_clock)
{
    struct where *w;
    struct where_at at;
    cr_assert_eq(where_open(-1, &w), 0);
    where_look(w, &at);
    cr_assert(at.pid == 0 && at.job == 0 && at.member == -1);
    where_set_lease(w, 7, 3, 100);
    where_begin_member(w, 0, 50);
    where_set_step(w, 100);
    where_end_member(w);
    where_look(w, &at);
    cr_assert(at.member == 0 && at.since == 0 && at.step == 100, "it is being stored");
    where_begin_member(w, 1, 60);
    where_look(w, &at);
    cr_assert(at.member == 1 && at.since == 60 && at.step == 0);
    where_set_lease(w, 0, 0, 0);
    where_look(w, &at);
    cr_assert(at.job == 0 && at.lease == 0 && at.member == -1 && at.since == 0);
    cr_assert_null(where_close(w));
    cr_assert_null(where_close(NULL));
}

Test(where, what_is_not_sane_is_not_read)
{
    char directory[64], path[128];
    int fd;
    struct where *w;
    struct where_at at;
    path_in(directory, path);
    cr_assert_eq(where_create(path, &fd), 0);
    cr_assert_eq(where_open(fd, &w), 0);
    where_set_pid(w, 42);
    cr_assert(where_read(fd, &at));
    where_set_lease(w, -7, 3, 100);
    cr_assert_not(where_read(fd, &at));
    memset((void *)w, 0xff, WHERE_SIZE);
    cr_assert_not(where_read(fd, &at));
    cr_assert_eq(ftruncate(fd, 10), 0);
    cr_assert_not(where_read(fd, &at), "the file was cut: no signal");
    cr_assert_lt(where_open(fd, &w), 0);
    close(fd);
    remove_all(directory, path);
}

Test(where, is_made_anew)
{
    char directory[64], path[128], elsewhere[160];
    int fd;
    path_in(directory, path);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", directory);
    cr_assert_eq(symlink(elsewhere, path), 0);
    cr_assert_eq(where_create(path, &fd), 0);
    cr_assert_neq(access(elsewhere, F_OK), 0, "no link is followed");
    close(fd);
    remove_all(directory, path);
}

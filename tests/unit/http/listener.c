/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listener.h"
#include "http/problem.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[64], path[80], spec[100];

static void setup(void)
{
    strcpy(directory, "/tmp/simlab-listener-XXXXXX");
    cr_assert(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/s", directory);
    snprintf(spec, sizeof spec, "unix:%s", path);
}

static void teardown(void)
{
    file_remove_tree(directory);
}

TestSuite(listener, .init = setup, .fini = teardown);

Test(listener, refuses_words_that_are_no_address)
{
    static const char *const bad[] = {"",
                                      "7464",
                                      "localhost:7464",
                                      "tcp:",
                                      "tcp:localhost",
                                      "tcp::80",
                                      "tcp:localhost:",
                                      "tcp:localhost:x",
                                      "tcp:localhost:65536",
                                      "tcp:localhost:-1",
                                      "tcp:::1:80",
                                      "tcp:[::1]",
                                      "tcp:no.such.host.invalid:80",
                                      "unix:",
                                      "http://localhost:80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct listener l;
        struct error e = {.message = ""};
        cr_assert_eq(listener_open(bad[i], false, &l, &e), PROBLEM_INVALID, "%s", bad[i]);
        cr_assert(strlen(e.message) > 0);
    }
}

Test(listener, refuses_a_long_path)
{
    char longer[300];
    struct listener l;
    struct error e = {.message = ""};
    snprintf(longer, sizeof longer, "unix:%s/%0200d", directory, 0);
    cr_assert_eq(listener_open(longer, false, &l, &e), PROBLEM_INVALID);
}

Test(listener, names_the_port_it_got)
{
    struct listener l;
    struct error e = {.message = ""};
    cr_assert_eq(listener_open("tcp:127.0.0.1:0", false, &l, &e), 0, "%s", e.message);
    cr_assert(!strncmp(l.address, "tcp:127.0.0.1:", 14) && atoi(l.address + 14) > 0, "%s",
              l.address);
    struct listener second;
    cr_assert_eq(listener_open(l.address, false, &second, &e), -EADDRINUSE);
    listener_close(&l);
}

Test(listener, replaces_a_leftover_only)
{
    struct listener l, second;
    struct error e = {.message = ""};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    cr_assert_eq(listener_open(spec, false, &l, &e), 0, "%s", e.message);
    cr_assert_eq(listener_open(spec, false, &second, &e), -EADDRINUSE);
    cr_assert(access(path, F_OK) == 0, "a live socket was removed");
    listener_close(&l);
    cr_assert_eq(listener_open(spec, true, &l, &e), 0, "%s", e.message);
    struct stat st;
    cr_assert(lstat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "its user's alone");
    listener_close(&l);
    cr_assert(access(path, F_OK) < 0, "the socket was left behind");
}

Test(listener, leaves_what_is_no_socket)
{
    struct listener l;
    struct error e = {.message = ""};
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(listener_open(spec, false, &l, &e), -EADDRINUSE);
    cr_assert(access(path, F_OK) == 0);
}

Test(listener, removes_only_its_own_socket)
{
    struct listener l;
    struct error e = {.message = ""};
    struct stat st;
    cr_assert_eq(listener_open(spec, false, &l, &e), 0);
    cr_assert(lstat(path, &st) == 0 && (st.st_mode & 0777) == 0666);
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    listener_close(&l);
    cr_assert(access(path, F_OK) == 0, "another's file was removed");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests that starts a program as soon as it is loaded, hides it as daemons
 * do, and writes its number into the file that $SIMLAB_TEST_HIDDEN names. */
#include <simlab/process.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void hide(const char *path)
{
    char *const argv[] = {(char *)"tail", (char *)"-f", (char *)"/dev/null", NULL};
    char *const nothing[] = {NULL};
    setsid();
    pid_t hidden = fork();
    if (hidden == 0) {
        for (int fd = 0; fd < 1024; fd++)
            close(fd);
        execve("/usr/bin/tail", argv, nothing);
        _exit(1);
    }
    FILE *f = fopen(path, "a");
    if (f) {
        fprintf(f, "%d\n", (int)hidden);
        fclose(f);
    }
    _exit(0);
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("SIMLAB_TEST_HIDDEN");
    pid_t child = path ? fork() : -1;
    if (child == 0)
        hide(path);
    if (child > 0)
        waitpid(child, NULL, 0);
}

static const struct simlab_process Nothing = {.name = "Nothing", .description = "does nothing"};
SIMLAB_LIBRARY("1.0", "starts a program when it is loaded", &Nothing)

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_graph.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the file's name; "" where it has none. */
static const char *ending_of(const char *path)
{
    const char *name = strrchr(path, '/'), *dot = strrchr(name ? name : path, '.');
    return dot ? dot + 1 : "";
}

static bool is_text(const char *path)
{
    const char *ending = ending_of(path);
    return !*ending || !strcmp(ending, "dot") || !strcmp(ending, "gv");
}

char *run_graph_text(const char *path)
{
    return is_text(path) ? mem_strdup(path) : mem_printf("%s.dot", path);
}

static int run_dot(const char *path, const char *text)
{
    char *format = mem_printf("-T%s", ending_of(path));
    pid_t child = fork();
    int status = -1;
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execlp("dot", "dot", format, "-o", path, text, (char *)NULL);
        log_error("cannot run dot: %s; Graphviz draws graphs (apt-get install graphviz)",
                  strerror(errno));
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    free(format);
    return status;
}

void run_graph_draw(const char *path, const char *text)
{
    if (is_text(path) || access(text, R_OK))
        return;
    if (run_dot(path, text))
        log_error("%s was not drawn; what it is drawn from is in %s", path, text);
    else
        unlink(text);
}

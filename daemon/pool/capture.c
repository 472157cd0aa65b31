/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "pool/child.h"
#include "pool/pool.h"
#include "pool/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STDERR_LIMIT = 65536,
    ENDING_MS = 1000 /* for it to end what it started */
};

struct capture {
    const char *program;
    pid_t pid;
    int pidfd;
    int output, error; /* reading ends; -1 once at their end */
    int stop;
    size_t limit;
    struct buffer text, errors;
};

/* Reads what is there. False where it is more than the limit. */
static bool drain(int *fd, size_t limit, bool cut, struct buffer *b)
{
    char bytes[16384];
    ssize_t n;
    while (*fd >= 0 && (n = read(*fd, bytes, sizeof bytes)) != 0) {
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        size_t room = limit - b->size;
        if ((size_t)n > room && !cut)
            return false;
        buffer_append(b, bytes, (size_t)n < room ? (size_t)n : room);
    }
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return true;
}

static bool drain_both(struct capture *c)
{
    bool errors_fit = drain(&c->error, STDERR_LIMIT, true, &c->errors);
    bool text_fits = drain(&c->output, c->limit, false, &c->text);
    return errors_fit && text_fits;
}

static int collect(struct capture *c, int timeout_ms, struct error *e)
{
    int64_t deadline = loop_now() + timeout_ms;
    for (;;) {
        struct pollfd fds[] = {{c->output, POLLIN, 0},
                               {c->error, POLLIN, 0},
                               {c->pidfd, POLLIN, 0},
                               {c->stop, POLLIN, 0}};
        int64_t left = deadline - loop_now();
        int n = poll(fds, 4, left > 0 ? (int)left : 0);
        if (n < 0 && errno != EINTR)
            return error_errno(e, -errno, "wait for a child");
        if (n == 0)
            return error_set(e, POOL_FAILED, NULL, "%s did not end within %d ms", c->program,
                             timeout_ms);
        /* What a dead child wrote is in the pipes before its death is seen. */
        bool ended = n > 0 && fds[2].revents;
        if (n > 0 && fds[3].revents && !ended)
            return error_set(e, POOL_FAILED, NULL, "%s was stopped", c->program);
        if (!drain_both(c))
            return error_set(e, POOL_FAILED, NULL, "%s printed more than %zu bytes", c->program,
                             c->limit);
        if (ended)
            return 0;
    }
}

static const char *last_line(struct buffer *b)
{
    while (b->size > 0 && (b->data[b->size - 1] == '\n' || b->data[b->size - 1] == '\0'))
        b->data[--b->size] = '\0';
    if (b->size == 0)
        return "(nothing on standard error)";
    const char *newline = strrchr(b->data, '\n');
    return newline ? newline + 1 : b->data;
}

static int judge(struct capture *c, int status, struct error *e)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char why[64];
    child_status(status, why);
    return error_set(e, POOL_FAILED, NULL, "%s: %s: %s", c->program, why, last_line(&c->errors));
}

/* With all that it started. */
static int run(struct capture *c, int timeout_ms, struct error *e)
{
    struct sweep sweep = {.leader = c->pid};
    int r = collect(c, timeout_ms, e);
    if (!child_end(c->pid, c->pidfd, ENDING_MS)) {
        child_abandon(c->pid);
        return r ? r : error_set(e, POOL_FAILED, NULL, "%s cannot be killed", c->program);
    }
    sweep_wait(&sweep, ENDING_MS);
    int status = child_reap(c->pid, NULL);
    return r == 0 ? judge(c, status, e) : r;
}

static int start(struct capture *c, const char *const *argv, const char *directory)
{
    int output[2], error[2];
    if (pipe2(output, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(error, O_CLOEXEC) < 0) {
        int r = -errno;
        close(output[0]);
        close(output[1]);
        return r;
    }
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    fcntl(error[0], F_SETFL, O_NONBLOCK);
    struct child_options o = {
        .argv = argv, .directory = directory, .output = output[1], .error = error[1]};
    int r = child_start(&o, &c->pid, &c->pidfd);
    close(output[1]);
    close(error[1]);
    c->output = output[0];
    c->error = error[0];
    return r;
}

int pool_capture(const char *const *argv, const char *directory, int timeout_ms, size_t limit,
                 int stop, struct buffer *ret_output, struct error *e)
{
    struct capture c = {
        .program = argv[0], .limit = limit, .pidfd = -1, .output = -1, .error = -1, .stop = stop};
    int r = start(&c, argv, directory);
    if (r < 0)
        error_set(e, r, NULL, "cannot run %s: %s", argv[0], strerror(-r));
    else
        r = run(&c, timeout_ms, e);
    int fds[] = {c.pidfd, c.output, c.error};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (r == 0)
        buffer_append(ret_output, c.text.data, c.text.size);
    buffer_free(&c.text);
    buffer_free(&c.errors);
    return r;
}

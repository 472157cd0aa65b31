/* SPDX-License-Identifier: Apache-2.0 */
/* Requests a second of clients that each wait for one answer and send again: clients SOCKET
 * CONNECTIONS SECONDS PATH BODY-FILE. Prints answers a second; any status but 201 ends it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct client {
    int fd;
    char answer[8192];
    size_t size;
};

static char *request;
static size_t request_size;

static void die(const char *what)
{
    fprintf(stderr, "clients: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void read_request(const char *path, const char *file)
{
    char body[65536];
    int fd = open(file, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, body, sizeof body);
    if (n < 0)
        die(file);
    close(fd);
    request = malloc((size_t)n + 1024);
    request_size = (size_t)sprintf(request,
                                   "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                                   "\r\nContent-Length: %zd\r\n\r\n",
                                   path, n);
    memcpy(request + request_size, body, (size_t)n);
    request_size += (size_t)n;
}

static void ask(struct client *c)
{
    c->size = 0;
    if (send(c->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
        die("send");
}

/* Whether the answer is there as a whole. */
static int is_answered(struct client *c)
{
    c->answer[c->size] = '\0';
    const char *body = strstr(c->answer, "\r\n\r\n");
    const char *length = strstr(c->answer, "Content-Length: ");
    if (!body || !length)
        return 0;
    if (strncmp(c->answer, "HTTP/1.1 201", 12) != 0) {
        fprintf(stderr, "clients: %s\n", c->answer);
        exit(1);
    }
    return c->size >= (size_t)(body + 4 - c->answer) + strtoul(length + 16, NULL, 10);
}

static void open_client(struct client *c, const char *path, int epoll)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die(path);
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    ask(c);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    int n = atoi(argv[2]), epoll = epoll_create1(0);
    struct client *clients = calloc((size_t)n, sizeof *clients);
    long answers = 0;
    read_request(argv[4], argv[5]);
    for (int i = 0; i < n; i++)
        open_client(&clients[i], argv[1], epoll);
    double began = seconds(), until = began + atof(argv[3]), now;
    while ((now = seconds()) < until) {
        struct epoll_event events[64];
        int found = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < found; i++) {
            struct client *c = events[i].data.ptr;
            ssize_t got = recv(c->fd, c->answer + c->size, sizeof c->answer - 1 - c->size, 0);
            if (got <= 0)
                die("the server closed");
            c->size += (size_t)got;
            if (is_answered(c)) {
                answers++;
                ask(c);
            }
        }
    }
    printf("%.1f\n", (double)answers / (now - began));
    return 0;
}

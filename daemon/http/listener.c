/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listener.h"

#include "base/file.h"
#include "base/mem.h"
#include "http/problem.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 511

/* ---- Unix sockets ---- */

static int make_parent(const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    char *parent = mem_strdup(path);
    parent[slash - path] = '\0';
    int r = file_make_directories(parent);
    if (r < 0)
        r = error_set(e, r, NULL, "cannot create directory %s for the socket: %s", parent,
                      strerror(-r));
    free(parent);
    return r;
}

/* Removes a socket file on which nobody listens. Anything else at that path is left alone. */
static int remove_leftover(const char *path, const struct sockaddr_un *address, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return error_set(e, -EADDRINUSE, NULL,
                         "cannot listen on unix:%s: there is a file that is not a socket", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    bool dead =
        connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!dead)
        return error_set(e, -EADDRINUSE, NULL,
                         "cannot listen on unix:%s: another program listens there", path);
    unlink(path);
    return 0;
}

static int bind_unix(const char *path, mode_t mode, struct listener *l, struct error *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof address.sun_path)
        return error_set(e, PROBLEM_INVALID, NULL,
                         "unix:%s: the path of a socket has 1 to %zu bytes", path,
                         sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int r = make_parent(path, e);
    if (r == 0)
        r = remove_leftover(path, &address, e);
    if (r != 0)
        return r;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;
    if (l->fd < 0 || fchmod(l->fd, mode) < 0 ||
        bind(l->fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, mode) < 0 ||
        lstat(path, &st) < 0)
        return error_set(e, -errno, NULL, "cannot listen on unix:%s: %s", path, strerror(errno));
    l->path = mem_strdup(path);
    l->device = st.st_dev;
    l->inode = st.st_ino;
    l->address = mem_printf("unix:%s", path);
    return 0;
}

/* ---- TCP ---- */

/* "HOST:PORT" or "[V6]:PORT" → its parts, new strings. */
static int split(const char *text, char **ret_host, char **ret_port, struct error *e)
{
    const char *colon = strrchr(text, ':');
    const char *host = text, *end = colon;
    if (colon && text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
        host = text + 1;
        end = colon - 1;
    }
    bool digits = colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
    if (!digits || end == host || strlen(colon + 1) > 5 || atol(colon + 1) > 65535 ||
        (host == text && memchr(host, ':', (size_t)(end - host))))
        return error_set(e, PROBLEM_INVALID, NULL,
                         "tcp:%s: should be tcp:HOST:PORT, such as tcp:127.0.0.1:7464 or "
                         "tcp:[::1]:7464, with a port from 0 (any) to 65535",
                         text);
    *ret_host = mem_printf("%.*s", (int)(end - host), host);
    *ret_port = mem_strdup(colon + 1);
    return 0;
}

static int bind_address(const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static bool is_any(const char *host)
{
    return !strcmp(host, "0.0.0.0") || !strcmp(host, "::") || !strcmp(host, "*");
}

static int name_bound(struct listener *l)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(l->fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    if (getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -EINVAL;
    l->address = strchr(host, ':') ? mem_printf("tcp:[%s]:%s", host, port)
                                   : mem_printf("tcp:%s:%s", host, port);
    return 0;
}

static int bind_tcp(const char *text, struct listener *l, struct error *e)
{
    char *port = NULL;
    int r = split(text, &l->host, &port, e);
    if (r != 0)
        return r;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    l->any_host = is_any(l->host);
    int g = getaddrinfo(!strcmp(l->host, "*") ? NULL : l->host, port, &hints, &found);
    free(port);
    if (g != 0)
        return error_set(e, PROBLEM_INVALID, NULL, "tcp:%s: host %s: %s", text, l->host,
                         gai_strerror(g));
    int fd = bind_address(found);
    freeaddrinfo(found);
    if (fd < 0)
        return error_set(e, fd, NULL, "cannot listen on tcp:%s: %s", text, strerror(-fd));
    l->fd = fd;
    return name_bound(l);
}

/* ---- both ---- */

int listener_open(const char *spec, bool is_own, struct listener *ret, struct error *e)
{
    struct listener l = {.fd = -1};
    int r;
    if (!strncmp(spec, "unix:", 5))
        r = bind_unix(spec + 5, is_own ? 0600 : 0666, &l, e);
    else if (!strncmp(spec, "tcp:", 4))
        r = bind_tcp(spec + 4, &l, e);
    else
        return error_set(e, PROBLEM_INVALID, NULL,
                         "%s: an address to listen on is unix:PATH or tcp:HOST:PORT", spec);
    if (r == 0 && listen(l.fd, BACKLOG) < 0)
        r = error_set(e, -errno, NULL, "cannot listen on %s: %s", spec, strerror(errno));
    if (r != 0) {
        listener_close(&l);
        return error_explain(e, r, "listen");
    }
    *ret = l;
    return 0;
}

void listener_close(struct listener *l)
{
    struct stat st;
    if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(l->path);
    if (l->fd >= 0)
        close(l->fd);
    free(l->address);
    free(l->host);
    free(l->path);
    *l = (struct listener){.fd = -1};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/meeting.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING_MOST = 64 };

typedef int (*use_fn)(int socket, const struct sockaddr *address, socklen_t size);

/* The address holds some 100 bytes: a longer path goes by its directory's descriptor. */
static int use_path(int socket, const char *path, use_fn use)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = strrchr(path, '/');
    int directory = -1, n = snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (!name)
        return -EINVAL;
    if ((size_t)n >= sizeof address.sun_path) {
        char *parent = mem_printf("%.*s", (int)(name - path), path);
        directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        free(parent);
        if (directory < 0)
            return -errno;
        n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d%s", directory,
                     name);
    }
    int r = (size_t)n >= sizeof address.sun_path ? -ENAMETOOLONG : 0;
    if (r == 0 && use(socket, (const struct sockaddr *)&address, sizeof address) < 0)
        r = -errno;
    if (directory >= 0)
        close(directory);
    return r;
}

int meeting_open(const char *directory, int64_t lease, struct meeting *ret_meeting)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    char *path = mem_printf("%s.%" PRId64, directory, lease);
    int r = use_path(fd, path, bind);
    if (r == 0 && listen(fd, WAITING_MOST) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        free(path);
        return r;
    }
    *ret_meeting = (struct meeting){fd, path};
    return 0;
}

void meeting_close(struct meeting *m)
{
    if (m->socket >= 0)
        close(m->socket);
    if (m->path)
        unlink(m->path);
    free(m->path);
    *m = (struct meeting){.socket = -1};
}

int meeting_connect(const char *path, int *ret_socket)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = use_path(fd, path, connect);
    if (r < 0)
        close(fd);
    else
        *ret_socket = fd;
    return r;
}

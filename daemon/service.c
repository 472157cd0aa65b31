/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Twice within the time after which systemd takes us for dead. */
static int64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    long long n = usec ? atoll(usec) : 0;
    bool is_ours = !pid || atoll(pid) == (long long)getpid();
    return is_ours && n >= 2000 ? n / 2000 : 0;
}

void service_open(struct service *s)
{
    static const char *const theirs[] = {"NOTIFY_SOCKET",  "WATCHDOG_USEC", "WATCHDOG_PID",
                                         "LISTEN_FDS",     "LISTEN_PID",    "LISTEN_FDNAMES",
                                         "LISTEN_PIDFDID", "JOURNAL_STREAM"};
    *s = (struct service){.socket = mem_strdup(getenv("NOTIFY_SOCKET")),
                          .watchdog_ms = watchdog_ms()};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        unsetenv(theirs[i]);
}

void service_close(struct service *s)
{
    free(s->socket);
    *s = (struct service){0};
}

void service_notify(const struct service *s, const char *message)
{
    const char *path = s->socket;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    close(fd);
}

int64_t service_tick(struct service *s, int64_t now)
{
    if (s->watchdog_ms == 0)
        return INT64_MAX;
    if (now >= s->watchdog_due) {
        service_notify(s, "WATCHDOG=1");
        s->watchdog_due = now + s->watchdog_ms;
    }
    return s->watchdog_due;
}

void service_raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int64_t service_max_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT32_MAX)
        return INT32_MAX;
    return (int64_t)limit.rlim_cur;
}

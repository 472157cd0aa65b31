/* SPDX-License-Identifier: Apache-2.0 */
#include "client/peer.h"

#include "client/text.h"

#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool peer_of_socket(int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
        return false;
    *ret_uid = peer.uid;
    return true;
}

/* States of sockets in /proc/net/tcp (Linux, net/tcp_states.h). */
enum { ESTABLISHED = 1, LISTEN = 10 };

struct entry {
    uint32_t address; /* in network order; of IPv6: its last quarter */
    unsigned port, other_port, state;
    uid_t uid;
};

/* "  0: 0100007F:1D28 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 …" */
static bool read_entry(const char *line, struct entry *ret)
{
    char own[33], other[33];
    unsigned port, other_port, state, uid;
    if (sscanf(line, "%*[^:]: %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %u", own, &port,
               other, &other_port, &state, &uid) != 6)
        return false;
    size_t n = strlen(own);
    if (n != 8 && n != 32)
        return false;
    *ret = (struct entry){.address = (uint32_t)strtoul(own + n - 8, NULL, 16),
                          .port = port,
                          .other_port = other_port,
                          .state = state,
                          .uid = uid};
    return true;
}

struct question {
    unsigned port, own_port;
    const uid_t *trusted;
    int n_trusted;
    bool found, stranger;
    uid_t uid;
};

static bool concerns(const struct question *q, const struct entry *e)
{
    bool here = e->address == htonl(INADDR_LOOPBACK) || e->address == htonl(INADDR_ANY);
    if (e->port != q->port || !here)
        return false;
    return e->state == LISTEN || (e->state == ESTABLISHED && e->other_port == q->own_port);
}

static void ask(struct question *q, const char *path)
{
    char line[512];
    struct entry e;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (q->stranger || !read_entry(line, &e) || !concerns(q, &e))
            continue;
        q->stranger = !peer_is_trusted(e.uid, q->trusted, q->n_trusted);
        q->found |= q->stranger || e.state == LISTEN;
        q->uid = e.uid;
    }
    if (f)
        fclose(f);
}

bool peer_is_trusted(uid_t uid, const uid_t *trusted, int n)
{
    bool is = uid == 0;
    for (int i = 0; i < n; i++)
        is |= uid == trusted[i];
    return is;
}

bool peer_of_port(int port, int own_port, const uid_t *trusted, int n, uid_t *ret_uid)
{
    struct question q = {
        .port = (unsigned)port, .own_port = (unsigned)own_port, .trusted = trusted, .n_trusted = n};
    ask(&q, "/proc/net/tcp");
    ask(&q, "/proc/net/tcp6");
    if (q.found)
        *ret_uid = q.uid;
    return q.found;
}

char *peer_name(uid_t uid)
{
    const struct passwd *p = getpwuid(uid);
    return p ? text_printf("%s (uid %u)", p->pw_name, (unsigned)uid)
             : text_printf("the user with uid %u", (unsigned)uid);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/auth.h"

#include "base/hash.h"
#include "base/mem.h"
#include "proto/api.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HOST 255

/* The host of "host[:port]" without brackets; false where it is not of that form. */
static bool split_host(const char *header, char ret[MAX_HOST + 1])
{
    const char *end = header + strcspn(header, ":");
    const char *after = end;
    if (*header == '[') {
        header++;
        end = strchr(header, ']');
        after = end ? end + 1 : NULL;
    }
    if (!end || end == header || end - header > MAX_HOST)
        return false;
    if (*after && (*after != ':' || strspn(after + 1, "0123456789") != strlen(after + 1)))
        return false;
    memcpy(ret, header, (size_t)(end - header));
    ret[end - header] = '\0';
    return true;
}

static bool is_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

bool auth_host(const struct listener *l, const char *header)
{
    char host[MAX_HOST + 1], own[MAX_HOST + 1] = "";
    if (l->path)
        return true;
    if (!header || !split_host(header, host))
        return false;
    if (!strcasecmp(host, "localhost") || !strcmp(host, "127.0.0.1") || !strcmp(host, "::1") ||
        !strcasecmp(host, l->host))
        return true;
    return l->any_host &&
           (is_address(host) || (gethostname(own, MAX_HOST) == 0 && !strcasecmp(host, own)));
}

static bool is_peer(int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    *ret_uid = peer.uid;
    return peer.uid == 0 || peer.uid == geteuid();
}

bool auth_principal(const struct listener *l, int fd, const char *authorization, const char *token,
                    char *ret, size_t size)
{
    uid_t uid;
    if (l->path && is_peer(fd, &uid)) {
        snprintf(ret, size, "uid %u", (unsigned)uid);
        return true;
    }
    size_t scheme = strlen(API_BEARER);
    if (!authorization || strncasecmp(authorization, API_BEARER, scheme) != 0)
        return false;
    authorization += scheme;
    authorization += strspn(authorization, " ");
    if (!*token || !hash_equal(authorization, token))
        return false;
    snprintf(ret, size, "token");
    return true;
}

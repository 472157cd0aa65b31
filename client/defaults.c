/* SPDX-License-Identifier: Apache-2.0 */
#include "client/defaults.h"

#include "client/peer.h"
#include "client/text.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *defaults_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A folder; one that is not absolute is none (XDG base directories). */
static const char *folder(const char *variable)
{
    const char *path = defaults_environment(variable);
    return path && *path == '/' ? path : NULL;
}

/* Somebody listens there; *ret_uid tells who. */
static bool socket_accepts(const char *path, uid_t *ret_uid)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path)
        return false;
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts =
        fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof a) && peer_of_socket(fd, ret_uid);
    if (fd >= 0)
        close(fd);
    return accepts;
}

static void complain_about(const char *path, uid_t uid)
{
    char *name = peer_name(uid);
    text_complain("the socket %s is passed over: %s listens there", path, name);
    free(name);
}

char *defaults_socket(uid_t *ret_uid)
{
    enum { N = 4, N_OWN = 2 };
    const char *runtime = folder("XDG_RUNTIME_DIR");
    const char *home = folder("HOME");
    char *found = NULL,
         *places[N] = {
             runtime ? text_printf("%s/%s", runtime, API_USER_SOCKET)
                     : text_printf("/run/user/%u/%s", (unsigned)getuid(), API_USER_SOCKET),
             home ? text_printf("%s/%s/%s", home, API_USER_STATE, API_STATE_SOCKET) : NULL,
             text_copy(API_SYSTEM_SOCKET), text_copy(API_SYSTEM_STATE "/" API_STATE_SOCKET)};
    uid_t me = getuid(), uid;
    for (int i = 0; i < N; i++) {
        if (!found && places[i] && socket_accepts(places[i], &uid)) {
            if (i >= N_OWN || peer_is_trusted(uid, &me, 1)) {
                found = text_copy(places[i]);
                *ret_uid = uid;
            } else {
                complain_about(places[i], uid);
            }
        }
        free(places[i]);
    }
    return found;
}

static char *read_token(const char *path, uid_t *ret_owner)
{
    char line[512] = "";
    struct stat st;
    FILE *f = fopen(path, "re");
    bool ok = f && !fstat(fileno(f), &st) && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    if (!ok || !line[0])
        return NULL;
    *ret_owner = st.st_uid;
    return text_copy(line);
}

static char *token_for(const char *path, const uid_t *peer, uid_t *ret_owner)
{
    uid_t owner;
    char *token = read_token(path, &owner);
    if (!token)
        return NULL;
    if (peer && !peer_is_trusted(*peer, (uid_t[]){getuid(), owner}, 2)) {
        free(token);
        return NULL;
    }
    *ret_owner = owner;
    return token;
}

char *defaults_token(bool of_machine, const uid_t *peer, uid_t *ret_owner)
{
    const char *home = folder("HOME"), *machine = API_SYSTEM_STATE "/" API_TOKEN_FILE;
    char *own = home ? text_printf("%s/%s/%s", home, API_USER_STATE, API_TOKEN_FILE) : NULL;
    const char *paths[] = {of_machine ? machine : own, of_machine ? own : machine};
    char *token = NULL;
    for (int i = 0; i < 2 && !token; i++)
        token = paths[i] ? token_for(paths[i], peer, ret_owner) : NULL;
    free(own);
    return token;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/server.h"

#include "client/text.h"
#include "proto/api.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool socket_accepts(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path)
        return false;
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts = fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof a);
    if (fd >= 0)
        close(fd);
    return accepts;
}

/* The user's own socket before the machine's, as with systemd's and others' user services. */
static char *default_address(void)
{
    const char *runtime = environment("XDG_RUNTIME_DIR");
    char *own = runtime ? text_printf("%s/%s", runtime, API_USER_SOCKET)
                        : text_printf("/run/user/%u/%s", (unsigned)getuid(), API_USER_SOCKET);
    char *found = NULL;
    if (socket_accepts(own))
        found = text_printf("%s%s", API_SCHEME_UNIX, own);
    else if (socket_accepts(API_SYSTEM_SOCKET))
        found = text_copy(API_SCHEME_UNIX API_SYSTEM_SOCKET);
    else
        found = text_printf("%s%s:%d", API_SCHEME_HTTP, API_TCP_HOST, API_TCP_PORT);
    free(own);
    return found;
}

/* Takes an address apart. false: it is none that we speak. */
static bool set_address(struct server *s, const char *address)
{
    size_t n_unix = strlen(API_SCHEME_UNIX), n_http = strlen(API_SCHEME_HTTP);
    s->address = text_copy(address);
    if (!strncmp(address, API_SCHEME_UNIX, n_unix)) {
        s->socket = text_copy(address + n_unix);
        s->base = text_copy("http://localhost");
        return *s->socket && strlen(s->socket) < sizeof((struct sockaddr_un *)0)->sun_path;
    }
    if (strncmp(address, API_SCHEME_HTTP, n_http) || !address[n_http])
        return false;
    s->base = text_copy(address);
    for (size_t n = strlen(s->base); s->base[n - 1] == '/'; n--)
        s->base[n - 1] = '\0';
    /* Nothing but a host and a port: no path, query or user. */
    return strlen(s->base) > n_http && !strpbrk(s->base + n_http, "/?#@ ");
}

static bool is_this_machine(const struct server *s)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    if (s->socket)
        return true;
    const char *host = s->base + strlen(API_SCHEME_HTTP);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t n = strlen(hosts[i]);
        if (!strncmp(host, hosts[i], n) && (!host[n] || host[n] == ':'))
            return true;
    }
    return false;
}

static char *read_token(char *path)
{
    char line[512] = "";
    FILE *f = fopen(path, "re");
    free(path);
    if (!f)
        return NULL;
    if (!fgets(line, sizeof line, f))
        line[0] = '\0';
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    return line[0] ? text_copy(line) : NULL;
}

/* The state directory that belongs to the socket comes first, so that a user who may read both
 * shows each daemon its own. */
static char *default_token(const struct server *s)
{
    const char *home = environment("HOME");
    bool system_first = s->socket ? !strcmp(s->socket, API_SYSTEM_SOCKET) : getuid() == 0;
    char *token = NULL;
    for (int i = 0; i < 2 && !token; i++) {
        if ((i == 0) == system_first)
            token = read_token(text_copy(API_SYSTEM_STATE "/" API_TOKEN_FILE));
        else if (home)
            token = read_token(text_printf("%s/%s/%s", home, API_USER_STATE, API_TOKEN_FILE));
    }
    return token;
}

static bool token_is_printable(const char *token)
{
    for (; *token; token++)
        if (!isgraph((unsigned char)*token))
            return false;
    return true;
}

int server_new(const char *address, const char *token, struct server **ret_server)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    char *found = text_copy(address ? address : environment(API_ENV_SERVER));
    if (!found)
        found = default_address();
    bool understood = set_address(s, found);
    free(found);
    if (!understood) {
        text_complain("%s is no server's address: write unix:PATH or http://HOST:PORT", s->address);
        server_free(s);
        return API_EXIT_USAGE;
    }
    s->token = text_copy(token ? token : environment(API_ENV_TOKEN));
    if (!s->token && is_this_machine(s))
        s->token = default_token(s);
    if (s->token && !token_is_printable(s->token)) {
        text_complain("the token has characters that no token has");
        server_free(s);
        return API_EXIT_USAGE;
    }
    s->multi = curl_multi_init();
    s->easy = curl_easy_init();
    if (!s->multi || !s->easy)
        abort();
    *ret_server = s;
    return 0;
}

struct server *server_free(struct server *s)
{
    if (!s)
        return NULL;
    if (s->easy)
        curl_easy_cleanup(s->easy);
    if (s->multi)
        curl_multi_cleanup(s->multi);
    free(s->address);
    free(s->base);
    free(s->socket);
    free(s->token);
    free(s);
    return NULL;
}

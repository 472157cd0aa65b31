/* SPDX-License-Identifier: Apache-2.0 */
#include "client/server.h"

#include "client/defaults.h"
#include "client/peer.h"
#include "client/text.h"
#include "proto/api.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT = 120 /* seconds; the daemon sends a comment into a quiet stream every 15 */ };

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

static bool token_is_printable(const char *token)
{
    for (; *token; token++)
        if (!isgraph((unsigned char)*token))
            return false;
    return true;
}

/* Sets address, socket and base. */
static int find_address(struct server *s, const char *given, uid_t *ret_peer)
{
    char *found = given ? NULL : defaults_socket(ret_peer);
    if (found) {
        char *address = text_printf("%s%s", API_SCHEME_UNIX, found);
        free(found);
        found = address;
    } else if (!given) {
        found = text_printf("%s%s:%d", API_SCHEME_HTTP, API_TCP_HOST, API_TCP_PORT);
    }
    bool understood = set_address(s, given ? given : found);
    free(found);
    if (understood)
        return 0;
    text_complain("%s is no server's address: write unix:PATH or http://HOST:PORT", s->address);
    return API_EXIT_USAGE;
}

/* Sets token and trusted. `peer`: who listens at a default socket; NULL: not known. */
static int find_token(struct server *s, const char *given, const uid_t *peer)
{
    bool of_machine = s->socket ? !strcmp(s->socket, API_SYSTEM_SOCKET) : getuid() == 0;
    uid_t owner = getuid();
    s->token = text_copy(given);
    if (!given && is_this_machine(s))
        s->token = defaults_token(of_machine, peer, &owner);
    s->trusted[0] = getuid();
    s->trusted[1] = peer ? *peer : owner;
    if (!s->token || token_is_printable(s->token))
        return 0;
    text_complain("the token has characters that no token has");
    return API_EXIT_USAGE;
}

static int read_timeout(struct server *s, const char *given)
{
    char *end;
    s->timeout = TIMEOUT;
    if (!given)
        return 0;
    errno = 0;
    long seconds = strtol(given, &end, 10);
    if (errno || end == given || *end || seconds < 1 || seconds > INT_MAX) {
        text_complain("--timeout %s: it should be a number of seconds from 1 on", given);
        return API_EXIT_USAGE;
    }
    s->timeout = (int)seconds;
    return 0;
}

int server_new(const char *address, const char *token, const char *timeout,
               struct server **ret_server)
{
    struct server *s = text_need(calloc(1, sizeof *s));
    address = address ? address : defaults_environment(API_ENV_SERVER);
    token = token ? token : defaults_environment(API_ENV_TOKEN);
    s->named = address != NULL;
    uid_t peer;
    int code = read_timeout(s, timeout);
    code = code ? code : find_address(s, address, &peer);
    code = code ? code : find_token(s, token, !s->named && s->socket ? &peer : NULL);
    if (code) {
        server_free(s);
        return code;
    }
    s->multi = text_need(curl_multi_init());
    s->easy = text_need(curl_easy_init());
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
    free(s->stranger);
    free(s);
    return NULL;
}

/* ---- who is at the other end ---- */

static int on_socket(void *server, curl_socket_t fd, curlsocktype purpose)
{
    struct server *s = server;
    (void)purpose;
    s->fd = fd;
    return CURL_SOCKOPT_OK;
}

static char *stranger_words(const struct server *s, const uid_t *uid)
{
    if (!uid)
        return text_printf("it cannot be told whose daemon is at %s: if it is the one you mean, "
                           "name it with --server",
                           s->address);
    char *name = peer_name(*uid);
    char *words = text_printf("the daemon at %s is not yours: %s listens there; if it is the one "
                              "you mean, name it with --server, and its token with --token",
                              s->address, name);
    free(name);
    return words;
}

/* The connection is there, and nothing was sent yet. */
static int on_connected(void *server, char *address, char *own_address, int port, int own_port)
{
    struct server *s = server;
    (void)address;
    (void)own_address;
    uid_t uid;
    bool told =
        s->socket ? peer_of_socket(s->fd, &uid) : peer_of_port(port, own_port, s->trusted, 2, &uid);
    free(s->stranger);
    s->stranger = NULL;
    if (told && peer_is_trusted(uid, s->trusted, 2))
        return CURL_PREREQFUNC_OK;
    s->stranger = stranger_words(s, told ? &uid : NULL);
    return CURL_PREREQFUNC_ABORT;
}

void server_guard(struct server *s)
{
    if (s->named)
        return;
    curl_easy_setopt(s->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(s->easy, CURLOPT_SOCKOPTDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(s->easy, CURLOPT_PREREQDATA, s);
}

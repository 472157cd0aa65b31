/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/memory_limit.h"
#include "base/processors.h"
#include "proto/api.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SIMLAB_PREFIX
#define SIMLAB_PREFIX "/usr/local"
#endif

#define MIB (INT64_C(1) << 20)

enum type { TEXT, LIST, NUMBER, LEVEL, SANDBOX, FLAG };

static const struct option {
    const char *name;
    size_t offset;
    enum type type;
    long low, high;
    const char *otherwise, *value, *help;
} options[] = {
#define OPTION(name, field, type, low, high, otherwise, value, help)                               \
    {name, offsetof(struct config, field), type, low, high, otherwise, value, help},
#include "config.def"
#undef OPTION
};
static const size_t n_options = sizeof options / sizeof *options;

/* ---- parsing ---- */

static void append(char ***list, char *taken)
{
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    *list = mem_resize(*list, n + 2, sizeof **list);
    (*list)[n] = taken;
    (*list)[n + 1] = NULL;
}

static int parse_level(const char *text, long *ret)
{
    static const struct {
        const char *name;
        long level;
    } levels[] = {{"error", LOG_LEVEL_ERROR},
                  {"warning", LOG_LEVEL_WARNING},
                  {"info", LOG_LEVEL_INFO},
                  {"debug", LOG_LEVEL_DEBUG}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (!strcmp(text, levels[i].name)) {
            *ret = levels[i].level;
            return 0;
        }
    }
    return CONFIG_INVALID;
}

static int parse_number(const struct option *o, const char *text, long *ret, struct error *e)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < o->low || n > o->high)
        return error_set(e, CONFIG_INVALID, NULL, "--%s %s: should be a number from %ld to %ld",
                         o->name, text, o->low, o->high);
    *ret = n;
    return 0;
}

static int set(struct config *c, const struct option *o, const char *text, struct error *e)
{
    void *field = (char *)c + o->offset;
    if (!*text && o->type != FLAG)
        return error_set(e, CONFIG_INVALID, NULL, "--%s: %s is empty", o->name, o->value);
    switch (o->type) {
    case TEXT:
        free(*(char **)field);
        *(char **)field = mem_strdup(text);
        return 0;
    case LIST:
        append(field, mem_strdup(text));
        return 0;
    case NUMBER:
        return parse_number(o, text, field, e);
    case LEVEL:
        return parse_level(text, field) == 0
                   ? 0
                   : error_set(e, CONFIG_INVALID, NULL, "--%s %s: should be %s", o->name, text,
                               o->help);
    case SANDBOX:
        return sandbox_mode_parse(text, field) == 0
                   ? 0
                   : error_set(e, CONFIG_INVALID, NULL, "--%s %s: should be auto, require or off",
                               o->name, text);
    case FLAG:
        *(bool *)field = true;
        return 0;
    }
    return 0;
}

static const struct option *find(const char *name, size_t length)
{
    for (size_t i = 0; i < n_options; i++)
        if (strlen(options[i].name) == length && !strncmp(options[i].name, name, length))
            return &options[i];
    return NULL;
}

static int set_defaults(struct config *c, struct error *e)
{
    int r = 0;
    c->workers = processors_allowed();
    c->worker_memory = (long)(memory_limit() / MIB / 8 * 7);
    for (size_t i = 0; i < n_options && r == 0; i++)
        if ((options[i].type == NUMBER || options[i].type == LEVEL || options[i].type == SANDBOX) &&
            options[i].otherwise)
            r = set(c, &options[i], options[i].otherwise, e);
    return r;
}

int config_parse(struct config *c, int argc, char **argv, struct error *e)
{
    *c = (struct config){0};
    int r = set_defaults(c, e);
    for (int i = 1; i < argc && r == 0; i++) {
        const char *word = argv[i];
        const char *value = strchr(word, '=');
        size_t length = value ? (size_t)(value - word) : strlen(word);
        const struct option *o =
            length > 2 && !strncmp(word, "--", 2) ? find(word + 2, length - 2) : NULL;
        if (!o)
            return error_set(e, CONFIG_INVALID, NULL, "there is no option %s; see --help", word);
        if (value && o->type == FLAG)
            return error_set(e, CONFIG_INVALID, NULL, "--%s takes no value", o->name);
        if (!value && o->type != FLAG && i + 1 == argc)
            return error_set(e, CONFIG_INVALID, NULL, "--%s needs a value: %s", o->name, o->value);
        r = set(c, o, o->type == FLAG ? "" : value ? value + 1 : argv[++i], e);
    }
    return r;
}

/* ---- what was not given ---- */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The directory of this program; NULL where the system does not tell. */
static char *program_directory(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return mem_strdup(path);
}

/* beside/name where it is there, else installed. */
static char *beside_or(const char *beside, const char *name, const char *installed)
{
    char *path = beside ? file_join(beside, name) : NULL;
    if (path && exists(path))
        return path;
    free(path);
    return mem_strdup(installed);
}

static int default_state(struct config *c, struct error *e)
{
    const char *home = getenv("HOME");
    if (c->state)
        return 0;
    if (geteuid() == 0)
        c->state = mem_strdup(API_SYSTEM_STATE);
    else if (home && home[0] == '/')
        c->state = file_join(home, API_USER_STATE);
    else
        return error_set(e, CONFIG_INVALID, NULL, "HOME is not set: give --state DIR");
    return 0;
}

static void default_listen(struct config *c)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (c->listen)
        return;
    if (geteuid() == 0)
        append(&c->listen_also, mem_strdup(API_SCHEME_UNIX API_SYSTEM_SOCKET));
    else if (runtime && runtime[0] == '/')
        append(&c->listen_also, mem_printf(API_SCHEME_UNIX "%s/" API_USER_SOCKET, runtime));
    append(&c->listen_also, mem_printf("tcp:%s:%d", API_TCP_HOST, API_TCP_PORT));
}

static bool is_short(const char *path)
{
    return strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path;
}

static void own_listen(struct config *c)
{
    char *address = mem_printf(API_SCHEME_UNIX "%s/" API_STATE_SOCKET, c->state);
    bool is_given = false;
    for (char **a = c->listen; a && *a; a++)
        is_given |= strcmp(*a, address) == 0;
    if (!is_given && is_short(address + strlen(API_SCHEME_UNIX)))
        c->listen_own = address;
    else
        free(address);
}

/* Sockets have short names: "ipc://" of libzmq is a sockaddr_un. */
static char *endpoint_of(const char *state)
{
    char *path = file_join(state, "run/workers");
    if (!is_short(path)) {
        char hash[HASH_TEXT_SIZE];
        hash_bytes(state, strlen(state), hash);
        free(path);
        path = mem_printf("/tmp/simlabd-%u-%.16s/workers", (unsigned)geteuid(), hash);
    }
    char *endpoint = mem_printf("ipc://%s", path);
    free(path);
    return endpoint;
}

static int make_absolute(char **path, struct error *e)
{
    if ((*path)[0] == '/')
        return 0;
    char *here = getcwd(NULL, 0);
    if (!here)
        return error_set(e, CONFIG_INVALID, NULL, "%s: the working directory has no name", *path);
    char *joined = file_join(here, *path);
    free(here);
    free(*path);
    *path = joined;
    return 0;
}

int config_complete(struct config *c, struct error *e)
{
    char *beside = program_directory();
    int r = default_state(c, e);
    if (r == 0)
        r = make_absolute(&c->state, e);
    if (r != 0) {
        free(beside);
        return r;
    }
    default_listen(c);
    own_listen(c);
    if (!c->processes)
        append(&c->processes,
               beside_or(beside, "processes", SIMLAB_PREFIX "/lib/simlabd/processes"));
    if (!c->store_root)
        c->store_root = file_join(c->state, "stores");
    r = make_absolute(&c->store_root, e);
    for (char **p = c->processes; *p && r == 0; p++)
        r = make_absolute(p, e);
    for (char **p = c->writable; p && *p && r == 0; p++)
        r = make_absolute(p, e);
    c->worker = beside_or(beside, "simlab-worker", SIMLAB_PREFIX "/libexec/simlabd/simlab-worker");
    c->uploads = file_join(c->state, "uploads");
    c->libraries = file_join(c->state, "libraries");
    c->pushed = file_join(c->state, "modules");
    c->python = beside_or(beside, "python", SIMLAB_PREFIX "/lib/simlabd/python");
    c->texts = file_join(c->state, "texts");
    c->checksums = file_join(c->state, "checksums");
    c->database = file_join(c->state, "simlabd.db");
    c->witness = file_join(c->state, "identity");
    c->scratch = file_join(c->state, "scratch");
    c->endpoint = endpoint_of(c->state);
    append(&c->describing, mem_printf("--sandbox=%s", sandbox_mode_name(c->sandbox)));
    append(&c->describing, mem_printf("--state=%s", c->state));
    for (char **p = c->writable; p && *p; p++)
        append(&c->describing, mem_printf("--writable=%s", *p));
    append(&c->serving, mem_printf("--renew-members=%ld", c->renew_members));
    append(&c->serving, mem_printf("--renew-memory=%" PRId64, c->renew_memory * MIB));
    free(beside);
    return r;
}

/* ---- the end ---- */

static void free_list(char **list)
{
    for (char **p = list; p && *p; p++)
        free(*p);
    free(list);
}

void config_free(struct config *c)
{
    for (size_t i = 0; i < n_options; i++) {
        void *field = (char *)c + options[i].offset;
        if (options[i].type == TEXT)
            free(*(char **)field);
        else if (options[i].type == LIST)
            free_list(*(char ***)field);
    }
    free(c->worker);
    free(c->uploads);
    free(c->libraries);
    free(c->pushed);
    free(c->python);
    free(c->texts);
    free(c->checksums);
    free(c->database);
    free(c->witness);
    free(c->endpoint);
    free(c->scratch);
    free_list(c->listen_also);
    free_list(c->describing);
    free_list(c->serving);
    free(c->listen_own);
    *c = (struct config){0};
}

void config_help(FILE *out)
{
    fprintf(out, "Usage: simlabd [OPTION]…\n"
                 "A simulation service: queues jobs, runs them on worker processes, stores their "
                 "outputs as Zarr groups.\n\n");
    for (size_t i = 0; i < n_options; i++) {
        const struct option *o = &options[i];
        char word[64];
        snprintf(word, sizeof word, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(out, "  %-20s %s\n", word, o->help);
        if (o->otherwise)
            fprintf(out, "  %-20s default: %s\n", "", o->otherwise);
    }
    fprintf(out, "\nSIGTERM and SIGINT stop it. Exit status: 0 stopped, 2 wrong usage, 3 cannot "
                 "start or cannot go on.\n");
}

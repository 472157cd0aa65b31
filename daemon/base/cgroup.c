/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cgroup.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

/* ---- files and lines ---- */

/* The text of a file, freed by the caller; "" where it cannot be read. */
static char *read_text(const char *directory, const char *name)
{
    struct buffer text = {0};
    char *path = file_join(directory, name);
    if (file_read(path, FILE_MAX, &text) != 0)
        buffer_clear(&text);
    free(path);
    return buffer_take(&text);
}

/* The next line of *at, without its end; NULL after the last. */
static char *next_line(char **at)
{
    char *line = *at && **at ? *at : NULL;
    if (line) {
        char *end = line + strcspn(line, "\n");
        *at = *end ? end + 1 : end;
        *end = '\0';
    }
    return line;
}

/* Of words with commas or spaces between them. */
static bool has_word(const char *list, const char *word)
{
    static const char between[] = ", \n"; /* and the end */
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || strchr(between, at[-1])) && strchr(between, at[n]))
            return true;
    return false;
}

/* ---- where the group is ---- */

/* A group's directory, and the highest one above it that we see. */
struct group {
    char *directory;
    size_t top; /* bytes of `directory` */
};

/* Our path within the hierarchy: "controller" of version 1, or version 2 (""). NULL: none. */
static char *membership(const char *proc, const char *controller)
{
    char *text = read_text(proc, "cgroup"), *at = text, *line, *found = NULL;
    while (!found && (line = next_line(&at))) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        list++;
        if (*controller ? has_word(list, controller) : strncmp(line, "0:", 2) == 0 && !*list)
            found = mem_strdup(path);
    }
    free(text);
    return found;
}

/* One line of mountinfo (proc(5)): "id parent device ROOT POINT options … - TYPE source OPTIONS".
 */
static bool is_mount(char *line, const char *controller, char **ret_root, char **ret_point)
{
    char *after = strstr(line, " - ");
    char root[4096], point[4096], type[64], options[4096];
    if (!after || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2 ||
        sscanf(after, " - %63s %*s %4095s", type, options) != 2)
        return false;
    if (*controller ? strcmp(type, "cgroup") != 0 || !has_word(options, controller)
                    : strcmp(type, "cgroup2") != 0)
        return false;
    *ret_root = mem_strdup(root);
    *ret_point = mem_strdup(point);
    return true;
}

static bool find_mount(const char *proc, const char *controller, char **ret_root, char **ret_point)
{
    char *text = read_text(proc, "mountinfo"), *at = text, *line;
    bool found = false;
    while (!found && (line = next_line(&at)))
        found = is_mount(line, controller, ret_root, ret_point);
    free(text);
    return found;
}

/* In a container the path may be the host's, and the mount show only what is below its root. */
static bool find_group(const char *proc, const char *controller, struct group *ret)
{
    char *root, *point, *path = membership(proc, controller);
    if (!path || !find_mount(proc, controller, &root, &point)) {
        free(path);
        return false;
    }
    size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
    bool within = strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n]);
    const char *below = within && strcmp(path + n, "/") != 0 ? path + n : "";
    *ret = (struct group){mem_printf("%s%s", point, below), strlen(point)};
    free(root);
    free(point);
    free(path);
    return true;
}

/* The group above; false at the top. */
static bool go_up(struct group *g)
{
    char *slash = strrchr(g->directory, '/');
    if (!slash || (size_t)(slash - g->directory) < g->top)
        return false;
    *slash = '\0';
    return true;
}

/* ---- processors ---- */

static int64_t round_up(int64_t quota, int64_t period)
{
    return quota > 0 && period > 0 ? (quota - 1) / period + 1 : INT64_MAX;
}

/* "max 100000" or "150000 100000". */
static int64_t quota_of_2(const char *directory, int64_t unused)
{
    (void)unused;
    char *text = read_text(directory, "cpu.max");
    int64_t quota = 0, period = 0;
    if (sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) != 2)
        quota = 0;
    free(text);
    return round_up(quota, period);
}

/* -1 is no quota. */
static int64_t quota_of_1(const char *directory, int64_t unused)
{
    (void)unused;
    char *quota = read_text(directory, "cpu.cfs_quota_us");
    char *period = read_text(directory, "cpu.cfs_period_us");
    int64_t n = round_up(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
    free(quota);
    free(period);
    return n;
}

static int64_t smallest(const char *proc, const char *controller,
                        int64_t (*quota)(const char *directory, int64_t more), int64_t more)
{
    struct group g;
    int64_t least = INT64_MAX;
    if (!find_group(proc, controller, &g))
        return least;
    do {
        int64_t n = quota(g.directory, more);
        least = n < least ? n : least;
    } while (go_up(&g));
    free(g.directory);
    return least;
}

int64_t cgroup_processors(const char *proc)
{
    int64_t two = smallest(proc, "", quota_of_2, 0), one = smallest(proc, "cpu", quota_of_1, 0);
    return two < one ? two : one;
}

/* ---- memory ---- */

/* A file that is one number; INT64_MAX for "max", or where there is none. */
static int64_t number_of(const char *directory, const char *name)
{
    char *text = read_text(directory, name), *end;
    int64_t n = strtoll(text, &end, 10);
    n = end == text || n < 0 ? INT64_MAX : n;
    free(text);
    return n;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t n;
    return __builtin_add_overflow(a, b, &n) ? INT64_MAX : n;
}

static int64_t memory_of_2(const char *directory, int64_t swap)
{
    int64_t mine = number_of(directory, "memory.swap.max");
    return sum(number_of(directory, "memory.max"), mine < swap ? mine : swap);
}

/* The limit of both is there where swap is counted. */
static int64_t memory_of_1(const char *directory, int64_t swap)
{
    int64_t both = number_of(directory, "memory.memsw.limit_in_bytes");
    int64_t one = sum(number_of(directory, "memory.limit_in_bytes"), swap);
    return both < one ? both : one;
}

int64_t cgroup_memory(const char *proc, int64_t swap)
{
    int64_t two = smallest(proc, "", memory_of_2, swap);
    int64_t one = smallest(proc, "memory", memory_of_1, swap);
    return two < one ? two : one;
}

static int64_t oom_kills(const char *proc, const char *controller, const char *file)
{
    struct group g;
    int64_t n = -1;
    if (!find_group(proc, controller, &g))
        return n;
    char *text = read_text(g.directory, file), *at = text, *line;
    while ((line = next_line(&at)))
        if (sscanf(line, "oom_kill %" SCNd64, &n) == 1)
            break;
    free(text);
    free(g.directory);
    return n;
}

int64_t cgroup_oom_kills(const char *proc)
{
    int64_t n = oom_kills(proc, "", "memory.events");
    return n >= 0 ? n : oom_kills(proc, "memory", "memory.oom_control");
}

char *cgroup_directory(const char *proc, const char *controller)
{
    struct group g;
    if (find_group(proc, controller, &g))
        return g.directory;
    if (!find_group(proc, "", &g))
        return NULL;
    char *given = read_text(g.directory, "cgroup.subtree_control");
    bool has = has_word(given, controller);
    free(given);
    if (has)
        return g.directory;
    free(g.directory);
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "library/environments.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes `host`. */
static void add(struct environments *e, const char *name, char *host)
{
    e->names = mem_resize((void *)e->names, (size_t)e->n + 2, sizeof *e->names);
    e->hosts = mem_resize(e->hosts, (size_t)e->n + 1, sizeof *e->hosts);
    e->names[e->n] = mem_strdup(name);
    e->hosts[e->n++] = host;
    e->names[e->n] = NULL;
}

static char *host_in(const char *directory)
{
    char *host = file_join(directory, "python.so");
    if (access(host, R_OK) == 0)
        return host;
    free(host);
    return NULL;
}

static int is_named(const struct dirent *entry)
{
    return file_name_ok(entry->d_name) && strcmp(entry->d_name, ENVIRONMENTS_DEFAULT) != 0;
}

void environments_find(const char *directory, struct environments *ret)
{
    struct dirent **entries;
    *ret = (struct environments){0};
    add(ret, ENVIRONMENTS_DEFAULT, host_in(directory));
    int n = scandir(directory, &entries, is_named, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = file_join(directory, entries[i]->d_name);
        char *host = host_in(path);
        if (host)
            add(ret, entries[i]->d_name, host);
        free(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

void environments_clear(struct environments *e)
{
    for (int i = 0; i < e->n; i++) {
        free((char *)e->names[i]);
        free(e->hosts[i]);
    }
    free((void *)e->names);
    free(e->hosts);
    *e = (struct environments){0};
}

const char *environments_host(const struct environments *e, const char *name)
{
    for (int i = 0; i < e->n; i++)
        if (!strcmp(e->names[i], name))
            return e->hosts[i];
    return NULL;
}

char *environments_why_missing(const struct environments *e, const char *name)
{
    struct buffer b = {0};
    buffer_printf(&b, "there is no environment \"%.100s\" of Python here", name);
    for (int i = 0; i < e->n; i++)
        if (e->hosts[i])
            buffer_printf(&b, "%s \"%.100s\"",
                          b.data && strstr(b.data, "; there is") ? "," : "; there is", e->names[i]);
    if (!strstr(b.data, "; there is"))
        buffer_text(&b, ": it is built where python3-dev and NumPy are");
    return buffer_take(&b);
}

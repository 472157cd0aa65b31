/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/task_limit.h"

#include "base/cgroup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same name with each start, so that none is left for long. */
char *task_limit_directory(const char *scratch)
{
    char hash[HASH_TEXT_SIZE];
    char *parent = cgroup_directory("/proc/self", "pids");
    hash_bytes(scratch, strlen(scratch), hash);
    char *directory = parent ? mem_printf("%s/simlab-%.16s", parent, hash) : NULL;
    free(parent);
    return directory;
}

static int write_number(const char *directory, const char *name, int64_t number)
{
    char *path = file_join(directory, name), *text = mem_printf("%" PRId64 "\n", number);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : file_append(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    free(path);
    free(text);
    return r;
}

bool task_limit_make(const char *directory, int64_t most)
{
    if (mkdir(directory, 0755) < 0 && errno != EEXIST)
        return false;
    if (write_number(directory, "pids.max", most) == 0)
        return true;
    rmdir(directory);
    return false;
}

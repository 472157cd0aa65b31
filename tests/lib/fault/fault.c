/* SPDX-License-Identifier: Apache-2.0 */
/* Which call is hit. Nothing here may allocate, nor call what stands in the other files. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct fault_page own, *page = &own;
static const char *role = "";
static _Thread_local __attribute__((tls_model("initial-exec"))) int files_fail;

/* System calls, since open and close are ours. */
__attribute__((constructor)) static void find_page(int argc, char **argv)
{
    const char *path = getenv("SIMLAB_FAULT_PAGE");
    if (argc > 1)
        role = argv[1];
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    long map = syscall(SYS_mmap, NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != -1)
        page = (struct fault_page *)map;
    syscall(SYS_close, fd);
}

void fault_set(const char *operation, int64_t nth, int how)
{
    memset(&own, 0, sizeof own);
    own.nth = nth;
    own.end = nth + 1;
    own.how = how;
    strncpy(own.operation, operation ? operation : "", sizeof own.operation - 1);
}

static bool is(const char *wanted, const char *name)
{
    return !*wanted || strcmp(wanted, name) == 0;
}

/* Of a descriptor of a file or directory; false: it is of something else. */
static bool path_of(int fd, char *ret, size_t size)
{
    struct stat st;
    char link[32] = "/proc/self/fd/", digits[12];
    size_t n = 0, at = strlen(link);
    if (syscall(SYS_fstat, fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    do
        digits[n++] = (char)('0' + fd % 10);
    while (fd /= 10);
    while (n > 0)
        link[at++] = digits[--n];
    ssize_t r = readlink(link, ret, size - 1);
    ret[r < 0 ? 0 : r] = '\0';
    return true;
}

static void tell(const char *path)
{
    if (atomic_fetch_add(&page->hits, 1) > 0)
        return;
    page->pid = (int32_t)syscall(SYS_getpid);
    memcpy(page->told, path, strnlen(path, sizeof page->told - 1));
}

int fault_hit(const char *operation, const char *path, int fd)
{
    char buffer[4096] = "";
    if (files_fail && (path || fd >= 0))
        return files_fail;
    if (!*page->operation || strcmp(page->operation, operation) != 0 ||
        !is(page->program, program_invocation_short_name) || !is(page->role, role))
        return 0;
    if (!path && fd >= 0 && !path_of(fd, buffer, sizeof buffer))
        return 0;
    path = path ? path : buffer;
    if (!strstr(path, page->path))
        return 0;
    int64_t n = atomic_fetch_add(&page->seen, 1) + 1;
    if (n < page->nth || n >= page->end)
        return 0;
    tell(path);
    if (page->how >= 0)
        return page->how;
    syscall(SYS_kill, syscall(SYS_getpid), -page->how);
    return 0;
}

int64_t fault_clock_seconds(void)
{
    return atomic_load(&page->clock_seconds);
}

void fault_fail_files(int how)
{
    files_fail = how;
}

void fault_pass_files(void)
{
    files_fail = 0;
}

void *fault_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

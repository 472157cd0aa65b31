/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
    long countdown, calls;
    int error;
    bool lasting;
} fault;

static bool fails(void)
{
    fault.calls++;
    if (fault.error == 0 || fault.calls < fault.countdown)
        return false;
    if (fault.calls > fault.countdown && !fault.lasting)
        return false;
    errno = fault.error;
    return true;
}

static ssize_t faulty_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return fails() ? -1 : pwrite(fd, data, size, offset);
}

static ssize_t faulty_write(int fd, const void *data, size_t size)
{
    return fails() ? -1 : write(fd, data, size);
}

/* SQLite has no hook for these two; what the program defines goes before the C library's. */
int fdatasync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

static void replace(sqlite3_vfs *vfs, const char *name, sqlite3_syscall_ptr call)
{
    if (vfs->xGetSystemCall(vfs, name))
        vfs->xSetSystemCall(vfs, name, call);
}

void fault_install(void)
{
    sqlite3_initialize();
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    replace(vfs, "pwrite", (sqlite3_syscall_ptr)faulty_pwrite);
    replace(vfs, "pwrite64", (sqlite3_syscall_ptr)faulty_pwrite);
    replace(vfs, "write", (sqlite3_syscall_ptr)faulty_write);
}

void fault_arm(long countdown, int error, bool lasting)
{
    memset(&fault, 0, sizeof fault);
    fault.countdown = countdown;
    fault.error = error;
    fault.lasting = lasting;
}

long fault_calls(void)
{
    return fault.calls;
}

static long instructions_left;

static int count_down(void *userdata)
{
    (void)userdata;
    return --instructions_left == 0;
}

/* An interrupt after the commit itself would be told as a failure of what did not fail. */
static int spare_commit(void *userdata)
{
    (void)userdata;
    instructions_left = 0;
    return 0;
}

void fault_interrupt(struct sqlite3 *connection, long countdown)
{
    instructions_left = countdown;
    sqlite3_progress_handler(connection, countdown > 0, count_down, NULL);
    sqlite3_commit_hook(connection, spare_commit, NULL);
}

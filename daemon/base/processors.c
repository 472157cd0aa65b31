/* SPDX-License-Identifier: Apache-2.0 */
#include "base/processors.h"

#include "base/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

enum { MOST = 1 << 20 };

/* The kernel refuses a set smaller than its own. 0 where it does not tell. */
static int of_affinity(void)
{
    for (int n = 1024; n <= MOST; n *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)n);
        if (!set)
            return 0;
        int r = sched_getaffinity(0, CPU_ALLOC_SIZE((size_t)n), set) < 0 ? -errno : 0;
        int count = r == 0 ? CPU_COUNT_S(CPU_ALLOC_SIZE((size_t)n), set) : 0;
        CPU_FREE(set);
        if (r != -EINVAL)
            return count;
    }
    return 0;
}

int processors_allowed(void)
{
    long n = of_affinity();
    if (n < 1)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t quota = cgroup_processors("/proc/self");
    if (quota < n)
        n = (long)quota;
    return n < 1 ? 1 : n > INT_MAX ? INT_MAX : (int)n;
}

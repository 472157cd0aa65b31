/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory_limit.h"

#include "base/c_locale.h"
#include "base/cgroup.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t resource_limit(__rlimit_resource_t resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX
                                                                              : limit.rlim_cur;
}

static uint64_t look(void)
{
    struct sysinfo machine;
    uint64_t most = least(resource_limit(RLIMIT_AS), resource_limit(RLIMIT_DATA));
    if (sysinfo(&machine) < 0)
        return most;
    uint64_t swap = (uint64_t)machine.totalswap * machine.mem_unit;
    most = least(most, (uint64_t)machine.totalram * machine.mem_unit + swap);
    return least(most, (uint64_t)cgroup_memory("/proc/self", (int64_t)swap));
}

size_t memory_limit(void)
{
    static _Atomic size_t known;
    size_t most = atomic_load_explicit(&known, memory_order_relaxed);
    if (most == 0) {
        most = (size_t)least(look(), SIZE_MAX);
        atomic_store_explicit(&known, most, memory_order_relaxed);
    }
    return most;
}

const char *memory_limit_text(double bytes, char ret[MEMORY_LIMIT_TEXT])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1024;
    c_locale_print(ret, MEMORY_LIMIT_TEXT, "%.3g %s", bytes, units[unit]);
    return ret;
}

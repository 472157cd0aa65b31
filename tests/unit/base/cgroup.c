/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups, from files as /proc and the two versions have them. */
#include "base/cgroup.h"
#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[64];

static void setup(void)
{
    strcpy(directory, "/tmp/simlab-cgroup-XXXXXX");
    cr_assert(mkdtemp(directory));
}

static void teardown(void)
{
    file_remove_tree(directory);
}

TestSuite(cgroup, .init = setup, .fini = teardown);

/* Writes a file below the directory; "%s" in its text is the directory. */
static void put(const char *name, const char *text)
{
    char *path = file_join(directory, name);
    *strrchr(path, '/') = '\0';
    cr_assert_eq(file_make_directories(path), 0);
    path[strlen(path)] = '/';
    FILE *f = fopen(path, "w");
    cr_assert(f);
    const char *mark = strstr(text, "%s");
    if (mark)
        fprintf(f, "%.*s%s%s", (int)(mark - text), text, directory, mark + 2);
    else
        fputs(text, f);
    fclose(f);
    free(path);
}

Test(cgroup, nothing_is_known_without_any)
{
    cr_assert_eq(cgroup_processors(directory), INT64_MAX);
    cr_assert_eq(cgroup_oom_kills(directory), -1);
    put("cgroup", "0::/\nnonsense\n:::\n");
    put("mountinfo", "1 2 0:3 / %s/cg rw - cgroup2 cgroup2 rw\nnonsense - \n");
    cr_assert_eq(cgroup_processors(directory), INT64_MAX);
    cr_assert_eq(cgroup_oom_kills(directory), -1);
}

Test(cgroup, version_2_up_the_tree)
{
    put("cgroup", "0::/a.slice/b.service\n");
    put("mountinfo", "20 1 0:5 / /proc rw - proc proc rw\n"
                     "35 31 0:32 / %s/cg rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
    put("cg/a.slice/b.service/cpu.max", "max 100000\n");
    cr_assert_eq(cgroup_processors(directory), INT64_MAX);
    put("cg/a.slice/cpu.max", "250000 100000\n");
    cr_assert_eq(cgroup_processors(directory), 3, "2.5 is rounded up");
    put("cg/a.slice/b.service/cpu.max", "1000 100000\n");
    cr_assert_eq(cgroup_processors(directory), 1);
    put("cg/a.slice/b.service/memory.events", "low 0\noom 4\noom_kill 3\noom_group_kill 0\n");
    cr_assert_eq(cgroup_oom_kills(directory), 3);
}

Test(cgroup, version_1)
{
    put("cgroup", "9:memory:/box\n4:cpuset:/\n3:cpu,cpuacct:/box\n0::/\n");
    put("mountinfo", "35 31 0:32 / %s/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
    put("cpu/box/cpu.cfs_quota_us", "-1\n");
    put("cpu/box/cpu.cfs_period_us", "100000\n");
    cr_assert_eq(cgroup_processors(directory), INT64_MAX);
    put("cpu/box/cpu.cfs_quota_us", "400000\n");
    cr_assert_eq(cgroup_processors(directory), 4);
    put("mountinfo", "35 31 0:32 / %s/mem rw - cgroup cgroup rw,memory\n");
    put("mem/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    cr_assert_eq(cgroup_oom_kills(directory), 2);
}

Test(cgroup, memory_of_version_2)
{
    cr_assert_eq(cgroup_memory(directory, 100), INT64_MAX);
    put("cgroup", "0::/a.slice/b.service\n");
    put("mountinfo", "35 31 0:32 / %s/cg rw - cgroup2 cgroup2 rw\n");
    put("cg/a.slice/b.service/memory.max", "max\n");
    cr_assert_eq(cgroup_memory(directory, 100), INT64_MAX);
    put("cg/a.slice/memory.max", "5000\n");
    cr_assert_eq(cgroup_memory(directory, 100), 5100);
    put("cg/a.slice/memory.swap.max", "20\n");
    cr_assert_eq(cgroup_memory(directory, 100), 5020);
    put("cg/a.slice/b.service/memory.max", "300\n");
    put("cg/a.slice/b.service/memory.swap.max", "0\n");
    cr_assert_eq(cgroup_memory(directory, 100), 300);
}

Test(cgroup, memory_of_version_1)
{
    put("cgroup", "9:memory:/box\n0::/\n");
    put("mountinfo", "35 31 0:32 / %s/mem rw - cgroup cgroup rw,memory\n");
    put("mem/box/memory.limit_in_bytes", "9223372036854771712\n");
    cr_assert_geq(cgroup_memory(directory, 100), 9223372036854771712);
    put("mem/box/memory.limit_in_bytes", "5000\n");
    cr_assert_eq(cgroup_memory(directory, 100), 5100);
    put("mem/box/memory.memsw.limit_in_bytes", "5050\n");
    cr_assert_eq(cgroup_memory(directory, 100), 5050);
}

Test(cgroup, a_container_that_sees_the_hosts_path)
{
    put("cgroup", "3:cpu:/docker/12ab\n");
    put("mountinfo", "35 31 0:32 /docker/12ab %s/cpu rw - cgroup cgroup rw,cpu\n");
    put("cpu/cpu.cfs_quota_us", "150000\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    cr_assert_eq(cgroup_processors(directory), 2);
    put("cgroup", "3:cpu:/\n");
    cr_assert_eq(cgroup_processors(directory), 2, "nor one that does not fit the mount");
}

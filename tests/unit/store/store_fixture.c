/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

char *fixture_store_path(void)
{
    const char *tmp = getenv("TMPDIR");
    char *directory = mem_printf("%s/simlab-store-XXXXXX", tmp ? tmp : "/tmp");
    cr_assert(mkdtemp(directory));
    char *path = file_join(directory, "out.zarr");
    free(directory);
    return path;
}

void fixture_remove(char *store_path)
{
    *strrchr(store_path, '/') = '\0';
    file_remove_tree(store_path);
    free(store_path);
}

struct store *fixture_open(const char *path)
{
    struct store *s = NULL;
    struct error e = {0};
    int r = store_open(path, STORE_ANEW, &s, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    return s;
}

uint64_t fixture_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t fixture_below(uint64_t *state, int64_t n)
{
    return (int64_t)(fixture_random(state) % (uint64_t)n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id_map.h"

#include <criterion/criterion.h>

enum { IDS = 500 };

static int64_t id_of(uint64_t i)
{
    return (int64_t)(i % 3 ? i + 1 : (i + 1) << 32); /* some of them fall together */
}

Test(id_map, agrees_with_an_array)
{
    struct id_map m = {0};
    int *values[IDS] = {0}, things[IDS];
    uint64_t random = 7;
    for (int step = 0; step < 20000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint64_t i = (random >> 33) % IDS, way = (random >> 20) % 3;
        if (way == 0 && step > 2000) {
            cr_assert_eq(id_map_remove(&m, id_of(i)), values[i]);
            values[i] = NULL;
        } else if (way == 1) {
            values[i] = &things[random >> 40 & 255];
            id_map_set(&m, id_of(i), values[i]);
        }
        cr_assert_eq(id_map_get(&m, id_of(i)), values[i]);
    }
    size_t n = 0, at = 0, seen = 0;
    for (uint64_t i = 0; i < IDS; i++) {
        cr_assert_eq(id_map_get(&m, id_of(i)), values[i]);
        n += values[i] != NULL;
    }
    while (id_map_next(&m, &at))
        seen++;
    cr_assert_eq(m.n, n);
    cr_assert_eq(seen, n);
    id_map_free(&m);
    cr_assert_null(id_map_get(&m, 1));
    cr_assert_null(id_map_remove(&m, 1));
}

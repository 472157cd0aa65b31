/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/arena.h"
#include "stage/random.h"

#include <criterion/criterion.h>
#include <string.h>

/* Known answers for philox4x32-10, published with Random123 (Salmon et al. 2011). */
Test(random, philox_gives_the_published_words)
{
    static const struct {
        uint32_t counter[4], key[2], words[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t words[4];
        random_philox(rows[i].counter, rows[i].key, words);
        cr_assert_arr_eq(words, rows[i].words, sizeof words);
    }
}

static uint64_t word(uint64_t seed, int64_t member, const char *process, uint32_t stage,
                     int64_t step, int skip)
{
    struct random_stream r;
    uint64_t w = 0;
    random_seed(&r, seed, member, process);
    random_begin(&r, stage, step, 0);
    for (int i = 0; i <= skip; i++)
        random_words(&r, &w, 1);
    return w;
}

Test(random, every_part_of_the_key_counts)
{
    uint64_t w[] = {word(1, 0, "a", 1, 0, 0), word(2, 0, "a", 1, 0, 0), word(1, 1, "a", 1, 0, 0),
                    word(1, 0, "b", 1, 0, 0), word(1, 0, "a", 0, 0, 0), word(1, 0, "a", 1, 1, 0),
                    word(1, 0, "a", 1, 0, 1), word(1, 0, "a", 1, 0, 2)};
    int n = (int)(sizeof w / sizeof *w);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            cr_assert_neq(w[i], w[j], "%d and %d", i, j);
    cr_assert_eq(word(1, 0, "a", 1, 0, 2), w[7]);
}

Test(random, many_words_are_one_word_many_times)
{
    struct random_stream r;
    uint64_t at_once[7], one_by_one;
    random_seed(&r, 9, 3, "p");
    random_begin(&r, 1, 4, 0);
    random_words(&r, at_once, 7);
    random_begin(&r, 1, 4, 0);
    for (int i = 0; i < 7; i++) {
        random_words(&r, &one_by_one, 1);
        cr_assert_eq(one_by_one, at_once[i]);
    }
}

Test(arena, blocks_of_one_size_are_used_again)
{
    struct arena *a;
    size_t capacity, other;
    cr_assert_eq(arena_new(1 << 20, &a), 0);
    void *block = arena_take(a, 1000, &capacity);
    cr_assert(block && capacity >= 1000 && (uintptr_t)block % 64 == 0);
    memset(block, 1, capacity);
    arena_give(a, block, capacity);
    cr_assert_eq(arena_take(a, 900, &other), block);
    cr_assert_null(arena_take(a, 2 << 20, &other), "more than was reserved");
    cr_assert_null(arena_take(a, SIZE_MAX, &other));
    arena_free(a);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/arena.h"
#include "stage/random.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

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
    uint32_t key[2];
    struct random r = {.key = key, .stage = stage, .step = step, .next = (uint64_t)skip};
    uint64_t w;
    random_key(seed, member, process, key);
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

/* Whatever the kind, from wherever one begins: 40 words, one by one and 7 + 33 at once. */
Test(random, many_words_are_one_word_many_times)
{
    uint32_t key[2];
    random_key(9, 3, "p", key);
    for (int kind = RANDOM_SEQUENCE; kind <= RANDOM_WITHIN; kind++) {
        struct random all = {.key = key, .stage = 1, .step = 4, .kind = (enum random_kind)kind};
        struct random one = all;
        uint64_t at_once[40], w;
        random_words(&all, at_once, 7);
        random_words(&all, at_once + 7, 33);
        for (int i = 0; i < 40; i++) {
            random_words(&one, &w, 1);
            cr_assert_eq(w, at_once[i], "kind %d, word %d", kind, i);
        }
    }
}

Test(arena, blocks_of_one_size_are_used_again)
{
    size_t capacity, other;
    static _Alignas(64) char range[1 << 20];
    struct arena *a = (struct arena *)(void *)range;
    arena_init(a, sizeof range, sizeof *a);
    void *block = arena_take(a, 1000, &capacity);
    cr_assert(block && capacity >= 1000 && (uintptr_t)block % 64 == 0);
    memset(block, 1, capacity);
    arena_give(a, block, capacity);
    cr_assert_eq(arena_take(a, 900, &other), block);
    cr_assert_null(arena_take(a, 2 << 20, &other), "more than was reserved");
    cr_assert_null(arena_take(a, SIZE_MAX, &other));
}

Test(arena, large_blocks_waste_a_quarter_at_the_most)
{
    static const size_t sizes[] = {1 << 20,       (1 << 20) + 1, 5 << 18,        100000000,
                                   (7 << 27) + 1, 1 << 30,       (size_t)3 << 30};
    size_t capacity, other, range = (size_t)16 << 30;
    struct arena *a = mmap(NULL, range, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq((void *)a, MAP_FAILED);
    arena_init(a, range, sizeof *a);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *block = arena_take(a, sizes[i], &capacity);
        cr_assert(block && capacity >= sizes[i] && capacity - sizes[i] <= sizes[i] / 4, "%zu: %zu",
                  sizes[i], capacity);
        arena_give(a, block, capacity);
        cr_assert_eq(arena_take(a, capacity, &other), block);
        cr_assert_eq(capacity, other);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/checksum.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t checksum_by_pieces(const char *text, size_t piece)
{
    struct checksum *c = checksum_new();
    size_t n = strlen(text);
    for (size_t at = 0; at < n; at += piece)
        checksum_add(c, text + at, n - at < piece ? n - at : piece);
    uint64_t sum = checksum_value(c);
    checksum_free(c);
    return sum;
}

/* As xxhsum -H64 prints them. */
static const struct {
    const char *text;
    uint64_t sum;
} known[] = {
    {"", 0xef46db3751d8e999u},
    {"a", 0xd24ec4f1a98c6e5bu},
    {"abc", 0x44bc2cf5ad770999u},
    {"Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1u},
};

Test(checksum, as_others_have_it)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        cr_expect_eq(checksum_of(known[i].text, strlen(known[i].text)), known[i].sum);
        for (size_t piece = 1; piece < 50; piece++)
            cr_expect_eq(checksum_by_pieces(known[i].text, piece), known[i].sum, "%s, %zu",
                         known[i].text, piece);
    }
}
